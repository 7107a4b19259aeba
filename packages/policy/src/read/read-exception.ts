import type { PolicyException } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { checkShape } from "../shape/check-shape.ts";
import { exceptionShape } from "../shape/shape-policy.ts";
import { attachSource } from "../yaml/position-of.ts";
import { childPath } from "../yaml/source-node.ts";
import { checkExpressions } from "./check-expressions.ts";
import { deepFreeze } from "./freeze.ts";
import { readConditions } from "./read-conditions.ts";
import { readMatch } from "./read-match.ts";
import { field, filledText, flagOf, items, optional, textOf, textsOf } from "./read-node.ts";
import { tellOfLostBounds } from "./tell-of-lost.ts";

/** Reads a PolicyException; undefined where the report has an error about it. */
export function readException(spot: Spot, report: Report): PolicyException | undefined {
  const before = report.diagnostics.length;
  const failed = (): boolean => report.diagnostics.slice(before).some((one) => one.severity === "error");
  checkShape(spot, exceptionShape, report);
  if (failed()) return undefined;
  const exception = readChecked(spot, report);
  if (failed()) return undefined;
  tellOfLostBounds(field(spot, "spec") ?? spot, report);
  return exception;
}

function readChecked(spot: Spot, report: Report): PolicyException {
  const spec = field(spot, "spec") ?? spot;
  const metadata = field(spot, "metadata");
  const match = readMatch(field(spec, "match") ?? spec, report);
  const background = flagOf(field(spec, "background")) ?? true;
  const usesUserInfo = match.filters.some((one) => one.roles ?? one.clusterRoles ?? one.subjects);
  if (background && usesUserInfo)
    report.error("conflict", field(spec, "match") ?? spec, "usage of user info is forbidden");
  if (match.filters.length === 0) {
    report.error(
      "missingField",
      field(spec, "match") ?? spec,
      "match cannot be empty: name what is excepted",
    );
  }
  checkExpressions(field(spec, "conditions"), report);
  const references = field(spec, "imageReferences");
  const expires = field(spec, "expires");
  if (expires !== undefined && !isTime(textOf(expires) ?? "")) {
    const message = '`expires` must be an RFC 3339 time in quotes, such as "2027-01-31T00:00:00Z"';
    report.error("badValue", expires, message);
  }
  checkFilled(spec, report);
  const exception: PolicyException = {
    ...placeOf({ node: spot.node, path: "" }),
    name: textOf(field(metadata, "name")) ?? "",
    ...optional("namespace", filledText(field(metadata, "namespace"))),
    background,
    match,
    ...optional("conditions", readConditions(field(spec, "conditions"), report)),
    exceptions: items(field(spec, "exceptions")).map((one) => {
      const policyName = textOf(field(one, "policyName")) ?? "";
      if (policyName === "") report.error("missingField", one, "an exception requires a policy name");
      return { ...placeOf(one), policyName, ruleNames: textsOf(field(one, "ruleNames")) };
    }),
    ...(references === undefined ? {} : { imageReferences: textsOf(references) }),
    ...optional("expires", textOf(expires)),
  };
  return deepFreeze(attachSource(exception, spot.node));
}

/**
 * Kubernetes drops fields that are null. These two narrow an exception: a template that fills in nothing must not widen
 * it to every image, or for ever.
 */
function checkFilled({ node, path }: Spot, report: Report): void {
  for (const key of ["imageReferences", "expires"]) {
    const entry = node.kind === "map" ? node.entries.get(key) : undefined;
    if (entry?.node.kind !== "scalar" || entry.node.value !== null) continue;
    const spot = { node: { ...entry.node, at: entry.keyAt }, path: childPath(path, key) };
    report.error("missingField", spot, `\`${key}\` is empty: fill it in, or leave it out`);
  }
}

function isTime(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[-+]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text))
  );
}
