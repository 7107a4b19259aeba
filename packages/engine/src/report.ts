import type { Trace } from "@assay/policy";
import { codes } from "./verdict/codes.ts";
import type { Result, Verdict } from "./verdict/verdict.ts";

/** A verdict with the file its object came from, where there is one. */
export interface ReportedVerdict {
  readonly verdict: Verdict;
  readonly file?: string;
}

/**
 * SARIF 2.1.0 for code scanning: one result per failed, undecided or audited rule and image, placed in the policy, with
 * the object as related location.
 */
export function toSarif(verdicts: readonly ReportedVerdict[], version: string): string {
  const results = verdicts.flatMap(({ verdict, file }) =>
    troubled(verdict).map((result) => sarifResult(result, verdict, file)),
  );
  const used = [...new Set(results.map(({ ruleId }) => ruleId))].sort();
  const driver = {
    name: "assay",
    version,
    rules: used.map((id) => ({
      id,
      shortDescription: { text: codes[id].meaning },
      help: { text: codes[id].nextStep },
    })),
  };
  return json({
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{ tool: { driver }, results }],
  });
}

/** JUnit XML: one suite per object, one case per rule and image. `error` is an error, an enforced `fail` a failure. */
export function toJUnit(verdicts: readonly ReportedVerdict[]): string {
  const suites = verdicts.map(({ verdict, file }) => junitSuite(verdict, file));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="assay">\n${suites.join("")}</testsuites>\n`;
}

function troubled(verdict: Verdict): readonly Result[] {
  return verdict.results.filter(({ outcome }) => outcome === "fail" || outcome === "error");
}

function sarifResult(result: Result, verdict: Verdict, file: string | undefined) {
  const place = placeOf(result, verdict.trace);
  return {
    ruleId: result.code,
    level: result.failureAction === "Enforce" || result.outcome === "error" ? "error" : "warning",
    message: { text: `${objectName(verdict)}: ${result.message}` },
    locations: place?.source === undefined ? [] : [location(place.source.file, place.source)],
    relatedLocations: file === undefined ? [] : [location(file)],
    partialFingerprints: {
      assay: [objectName(verdict), result.policy, result.rule, result.image ?? "", result.code].join("|"),
    },
    properties: {
      policy: result.policy,
      rule: result.rule,
      ...(result.image === undefined ? {} : { image: result.image }),
      ...(result.digest === undefined ? {} : { digest: result.digest }),
      outcome: result.outcome,
    },
  };
}

function location(file: string, position?: { readonly line: number; readonly column: number }) {
  const region =
    position === undefined ? {} : { region: { startLine: position.line, startColumn: position.column } };
  return { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, ...region } };
}

/** The deepest step with the result's code below its rule: the place in the policy that decided. */
function placeOf(result: Result, traces: readonly Trace[]): Trace | undefined {
  const policy = traces.find(({ facts }) => isNamed(result.policy, facts));
  const rule = policy?.children.find(({ facts }) => facts?.["rule"] === result.rule);
  const image = rule?.children.find(({ facts }) => facts?.["image"] === result.image) ?? rule;
  return image === undefined ? policy : deepest(image, result);
}

/** A Policy's results are by `namespace/name`, its trace has the name. */
function isNamed(policy: string, facts: Trace["facts"]): boolean {
  const { policy: name, kind } = facts ?? {};
  return policy === name || (kind === "Policy" && policy.slice(policy.indexOf("/") + 1) === name);
}

function deepest(trace: Trace, result: Result): Trace {
  const next = trace.children.find(
    (child) => child.outcome === trace.outcome && child.source !== undefined && child.code === result.code,
  );
  return next === undefined ? trace : deepest(next, result);
}

function junitSuite(verdict: Verdict, file: string | undefined): string {
  const cases = verdict.results.map((result) => junitCase(result, verdict));
  const failures = verdict.results.filter((result) => kindOf(result) === "failure").length;
  const errors = verdict.results.filter((result) => kindOf(result) === "error").length;
  const skipped = verdict.results.filter((result) => kindOf(result) === "skipped").length;
  const attributes = [
    `name="${escapeXml(objectName(verdict))}"`,
    `tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`,
    ...(file === undefined ? [] : [`file="${escapeXml(file)}"`]),
  ];
  return `  <testsuite ${attributes.join(" ")}>\n${cases.join("")}  </testsuite>\n`;
}

function kindOf(result: Result): "failure" | "error" | "skipped" | "passed" {
  if (result.outcome === "error") return "error";
  if (result.outcome === "fail") return result.failureAction === "Enforce" ? "failure" : "passed";
  return result.outcome === "skip" ? "skipped" : "passed";
}

function junitCase(result: Result, verdict: Verdict): string {
  const name = result.image === undefined ? result.rule : `${result.rule}: ${result.image}`;
  const open = `    <testcase classname="${escapeXml(result.policy)}" name="${escapeXml(name)}"`;
  const kind = kindOf(result);
  if (kind === "passed") {
    return result.outcome === "pass"
      ? `${open}/>\n`
      : `${open}>\n      <system-out>${escapeXml(`audit: ${result.message}`)}</system-out>\n    </testcase>\n`;
  }
  if (kind === "skipped")
    return `${open}>\n      <skipped message="${escapeXml(result.message)}"/>\n    </testcase>\n`;
  const place = placeOf(result, verdict.trace)?.source;
  const where = place === undefined ? "" : `${place.file}:${place.line}:${place.column}\n`;
  const text = escapeXml(`${where}${codes[result.code].nextStep}`);
  return `${open}>\n      <${kind} type="${result.code}" message="${escapeXml(result.message)}">${text}</${kind}>\n    </testcase>\n`;
}

function objectName({ resource: { kind, namespace, name } }: Verdict): string {
  return `${kind}/${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** XML 1.0 cannot hold most control characters at all. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "?")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\n", "&#10;");
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
