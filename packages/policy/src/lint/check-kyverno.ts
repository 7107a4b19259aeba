import { ConditionError, compile, type Extension } from "@assay/conditions";
import type { Json, Rule } from "../model.ts";
import { isObject, ownText } from "../own-field.ts";
import { childPath } from "../yaml/source-node.ts";
import { type At, found, type Linting } from "./report-finding.ts";

/** What Kyverno would read otherwise or not at all. */
export function checkKyverno(linting: Linting, at: At): void {
  const { rule } = at;
  if (rule === undefined) return;
  const known = knownNames(rule);
  for (const [index, entry] of rule.verifyImages.entries()) {
    const path = `${rule.path}.verifyImages[${index}]`;
    if (entry.signaturePredicateTypes !== undefined)
      ownField(linting, at, `${entry.path}.signaturePredicateTypes`);
    const { attestations, ...rest } = entry;
    checkTexts(linting, { ...at, path }, rest as never, known);
    for (const [position, attestation] of attestations.entries()) {
      const here: At = { ...at, path: `${path}.attestations[${position}]` };
      const { attestors, conditions, ...own } = attestation;
      if (attestation.quantifier !== "all") ownField(linting, at, `${attestation.path}.quantifier`);
      checkTexts(
        linting,
        here,
        (attestation.inheritsAttestors ? own : { ...own, attestors }) as never,
        known,
      );
      // The predicate's own keys are names there: nothing can be said of them.
      checkTexts(linting, { ...here, path: `${here.path}.conditions` }, conditions ?? null, undefined);
    }
  }
  for (const extractors of Object.values(rule.imageExtractors)) {
    for (const extractor of extractors) {
      if (extractor.path.startsWith("/")) continue;
      const path = `${extractor.place.path}.path`;
      found(
        linting,
        "kyverno-field",
        { ...at, path },
        { message: "Kyverno: `path must begin with a forward slash`" },
      );
    }
  }
}

function ownField(linting: Linting, at: At, path: string): void {
  const name = path.slice(path.lastIndexOf(".") + 1);
  found(linting, "kyverno-field", { ...at, path }, { message: `\`${name}\` is assay's own` });
}

/** Root names that a rule's variables may begin with in Kyverno. */
function knownNames(rule: Rule): ReadonlySet<string> {
  return new Set([
    "request",
    "images",
    "image",
    "serviceAccountName",
    "serviceAccountNamespace",
    "element",
    "elementIndex",
    "target",
    ...rule.context.map((entry) => entry.name.split(".", 1)[0] ?? ""),
    ...rule.verifyImages.flatMap((entry) => entry.attestations.flatMap((one) => one.name ?? [])),
  ]);
}

function checkTexts(linting: Linting, at: At, value: Json, known: ReadonlySet<string> | undefined): void {
  if (typeof value === "string") {
    // Only variables without others inside: what is computed has no name yet.
    for (const [, expression] of value.matchAll(/\{\{-?((?:\{[^{}]*\}|[^{}])*)\}\}/g)) {
      if (expression !== undefined) checkExpression(linting, at, expression.trim(), known);
    }
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      checkTexts(linting, { ...at, path: `${at.path}[${index}]` }, item, known);
  } else if (isObject(value)) {
    // Nodes of the model know their own path, which may be deeper than where they hang.
    const isPlace = Object.hasOwn(value, "path") && Object.hasOwn(value, "source");
    const base = isPlace ? ownText(value, "path") : at.path;
    for (const [key, item] of Object.entries(value)) {
      if (isPlace && (key === "path" || key === "source")) continue;
      checkTexts(linting, { ...at, path: childPath(base, key) }, item, known);
    }
  }
}

function checkExpression(
  linting: Linting,
  at: At,
  expression: string,
  known: ReadonlySet<string> | undefined,
): void {
  try {
    const { extensions, roots } = compile(expression);
    const used = extensions.filter((one) => one !== "timeComparison");
    if (used.length > 0) {
      const message = `\`{{ ${expression} }}\` needs ${[...new Set(used.map((one) => words[one]))].join(" and ")}`;
      found(linting, "kyverno-expression", at, { message });
    }
    const unknown = known === undefined ? undefined : roots?.find((root) => !known.has(root));
    if (unknown !== undefined) {
      const message = `\`${unknown}\` of \`{{ ${expression} }}\` is not defined in the policy`;
      found(linting, "kyverno-undefined-variable", at, { message });
    }
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    found(linting, "kyverno-expression", at, { message: `\`{{ ${expression} }}\`: ${error.message}` });
  }
}

const words: Readonly<Record<Extension, string>> = {
  arithmetic: "arithmetic on times, durations or quantities",
  hyphenIdentifier: "an unquoted hyphen",
  jsonPath: "JSONPath",
  attestationPath: "`attestation.…`",
  timeComparison: "comparison of times",
};
