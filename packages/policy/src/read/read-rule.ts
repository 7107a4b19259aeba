import { selectJsonPath } from "../images/select-json-path.ts";
import type { ImageExtractor, Rule } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { setOwn } from "../yaml/source-node.ts";
import { checkExpressions } from "./check-expressions.ts";
import { readConditions } from "./read-conditions.ts";
import { readContextEntry } from "./read-context.ts";
import { readMatch } from "./read-match.ts";
import { entries, field, filledText, items, optional, textOf, textRecord } from "./read-node.ts";
import { readImageVerification } from "./read-verify-images.ts";

const kinds = ["mutate", "validate", "generate", "verifyImages"] as const;

/** What a rule does; undefined (and reported) where it does nothing or several things. */
export function ruleKind(spot: Spot, report: Report): (typeof kinds)[number] | undefined {
  const given = kinds.filter((kind) => {
    const one = field(spot, kind);
    return one !== undefined && (kind !== "verifyImages" || items(one).length > 0);
  });
  const name = textOf(field(spot, "name")) ?? "";
  if (given.length === 0) {
    const message = `no operation defined in the rule '${name}'.(supported operations: mutate,validate,generate,verifyImages)`;
    report.error("missingField", spot, message);
  }
  if (given.length > 1) {
    const message = `multiple operations defined in the rule '${name}', only one operation (mutate,validate,generate,verifyImages) is allowed per rule`;
    report.error("conflict", spot, message);
  }
  return given.length === 1 ? given[0] : undefined;
}

/** Reads a rule that verifies images. Its shape was checked. */
export function readRule(spot: Spot, report: Report): Rule {
  const match = field(spot, "match") ?? spot;
  const exclude = field(spot, "exclude");
  const matched = readMatch(match, report);
  checkMatch(match, matched, report);
  const verifyImages = items(field(spot, "verifyImages")).map((entry) =>
    readImageVerification(entry, report),
  );
  const cel = field(spot, "celPreconditions");
  if (cel !== undefined)
    report.error("unsupported", cel, "`celPreconditions` are not evaluated: use `preconditions`");
  for (const part of ["preconditions", "context", "verifyImages", "imageExtractors"]) {
    checkExpressions(field(spot, part), report);
  }
  const excluded = exclude === undefined ? undefined : readMatch(exclude, report);
  return {
    ...placeOf(spot),
    name: textOf(field(spot, "name")) ?? "",
    match: matched,
    ...(excluded === undefined || excluded.filters.length === 0 ? {} : { exclude: excluded }),
    ...optional("preconditions", readConditions(field(spot, "preconditions"), report)),
    context: items(field(spot, "context")).flatMap((entry) => readContextEntry(entry, report) ?? []),
    imageExtractors: readExtractors(
      spot,
      verifyImages.some((one) => one.mutateDigest),
      report,
    ),
    verifyImages,
    reportProperties: textRecord(field(spot, "reportProperties")),
  };
}

function checkMatch(spot: Spot, match: Rule["match"], report: Report): void {
  const empty =
    match.filters.length === 0 || match.filters.some((filter) => Object.keys(filter).length === 0);
  if (empty) report.error("missingField", spot, "match cannot be empty: name the kinds of resources");
  const kinds = match.filters.flatMap((filter) => filter.kinds ?? []);
  if (kinds.some((kind) => /^(?:\*\/)*\*$/.test(kind))) {
    report.error(
      "unsupported",
      spot,
      "wildcard policy does not support rule type verifyImages: name the kinds",
    );
  }
}

function readExtractors(spot: Spot, mutates: boolean, report: Report): Rule["imageExtractors"] {
  const byKind: Record<string, readonly ImageExtractor[]> = {};
  for (const [kind, list] of entries(field(spot, "imageExtractors"))) {
    const extractors = items(list).map((one) => readExtractor(one, mutates, report));
    if (extractors.length === 0) report.error("missingField", list, `no extractors found for ${kind}`);
    setOwn(byKind, kind, extractors);
  }
  return byKind;
}

function readExtractor(spot: Spot, mutates: boolean, report: Report): ImageExtractor {
  const path = textOf(field(spot, "path")) ?? "";
  const jmesPath = filledText(field(spot, "jmesPath"));
  const isPath = path.trim().startsWith("$") || path.split("/").some((part) => part.trim() !== "");
  if (!isPath)
    report.error("badValue", field(spot, "path") ?? spot, "the path of an image extractor is empty");
  if (path.trim().startsWith("$")) checkJsonPath(field(spot, "path") ?? spot, path.trim(), report);
  if (jmesPath !== undefined && mutates) {
    const message =
      "jmespath may not be used in an image extractor when mutating digests with verify images: set `mutateDigest: false`";
    report.error("conflict", field(spot, "jmesPath") ?? spot, message);
  }
  return {
    place: placeOf(spot),
    path,
    ...optional("value", filledText(field(spot, "value"))),
    ...optional("name", filledText(field(spot, "name"))),
    ...optional("key", filledText(field(spot, "key"))),
    ...optional("jmesPath", jmesPath),
  };
}

function checkJsonPath(spot: Spot, path: string, report: Report): void {
  try {
    selectJsonPath(path, {});
  } catch (error) {
    const message = `JSONPath \`${path.slice(0, 120)}\` cannot be read: ${error instanceof Error ? error.message : ""}`;
    report.error("badExpression", spot, message);
  }
}
