import { readdirSync, readFileSync } from "node:fs";
import { extractImages, inspectPolicies, type JsonObject, matchRule, parseDocuments } from "../src/index.ts";
import { applyFixes, lintPolicies } from "../src/lint.ts";

// Throws damaged policies and resources at everything that reads foreign text: nothing may throw, nothing may take
// long, and what a fix makes must still load. FUZZ_SECONDS (20) says how long; the seed is printed with a finding.

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 20);
const slowest = 1000;
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
const random = generator(seed);

const fixtures = new URL("../../conformance/cases/fixtures/policies/", import.meta.url);
const testdata = new URL("../testdata/", import.meta.url);
const peers: { cases: readonly { text: string }[] } = JSON.parse(
  readFileSync(new URL("kyverno-policies.json", testdata), "utf8"),
);
const corpus = [
  ...readdirSync(fixtures).map((name) => readFileSync(new URL(name, fixtures), "utf8")),
  ...["original-page-1.yaml", "original-page-2.yaml"].map((name) =>
    readFileSync(new URL(name, testdata), "utf8"),
  ),
  ...peers.cases.map((one) => one.text),
];
const scraps = [
  "[",
  "{",
  "*a",
  "&a ",
  "<<: *a",
  "? ",
  "- ",
  ": ",
  "\t",
  "\n",
  "---\n",
  "{{",
  "}}",
  "{{ x..y }}",
  "$..",
  "!!",
  "'",
  '"',
];
const pod: JsonObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {},
  spec: { containers: [{ name: "a", image: "nginx" }] },
};

let tried = 0;
let loaded = 0;
let worst = 0;
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  const text = damaged();
  const took = timed(text);
  worst = Math.max(worst, took);
  // A machine that is busy makes anything slow once: only what is slow again is a finding.
  if (took > slowest && Math.min(timed(text), timed(text)) > slowest)
    report(`took ${took.toFixed()} ms`, text, undefined);
  tried++;
}
process.stdout.write(
  `policy: ${tried} texts tried, ${loaded} policies loaded, none threw, slowest ${worst.toFixed()} ms\n`,
);

function timed(text: string): number {
  const started = performance.now();
  try {
    attempt(text);
  } catch (error) {
    report("threw", text, error);
  }
  return performance.now() - started;
}

function attempt(text: string): void {
  const { policies, diagnostics } = inspectPolicies(text);
  loaded += policies.length;
  for (const policy of policies) {
    for (const rule of policy.rules) {
      matchRule(rule, { resource: pod }, policy);
      extractImages(pod, rule.imageExtractors);
    }
  }
  const edits = lintPolicies(text).findings.flatMap((finding) => finding.edits ?? []);
  if (edits.length > 0 && diagnostics.every((one) => one.severity !== "error")) {
    const broken = inspectPolicies(applyFixes(text, edits)).diagnostics.find(
      (one) => one.severity === "error",
    );
    if (broken !== undefined) throw new Error(`a fix breaks the policy: ${broken.message}`);
  }
  // The same text as a resource.
  for (const document of parseDocuments({ text }).documents) {
    if (typeof document === "object" && document !== null && !Array.isArray(document))
      extractImages(document as JsonObject);
  }
}

function damaged(): string {
  let text = pick(corpus);
  for (let times = Math.floor(random() * 4); times >= 0; times--) {
    const at = Math.floor(random() * text.length);
    const length = Math.floor(random() * (random() < 0.1 ? 400 : 12));
    const kind = random();
    const piece = kind < 0.3 ? "" : kind < 0.6 ? pick(scraps) : slice(pick(corpus));
    text =
      text.slice(0, at) +
      piece.repeat(random() < 0.02 ? 500 : 1) +
      text.slice(at + (kind < 0.5 ? length : 0));
  }
  return text;
}

function slice(text: string): string {
  const at = Math.floor(random() * text.length);
  return text.slice(at, at + Math.floor(random() * 60));
}

function pick<T>(list: readonly T[]): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error("an empty list");
  return one;
}

function report(what: string, text: string, error: unknown): never {
  process.stderr.write(
    `policy: ${what} with FUZZ_SEED=${seed} after ${tried} texts:\n${text.slice(0, 4000)}\n`,
  );
  throw error ?? new Error(what);
}

/** mulberry32: small, and the same everywhere. */
function generator(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
