import { compile as compileTheirs, search, TreeInterpreter } from "@jmespath-community/jmespath";
import { check, compile, compileConditions, createScope, evaluate, type JsonObject } from "../src/index.ts";

// How fast compiled expressions and conditions are, in ratios of one run: beside the community JMESPath engine on a
// small document, beside JSON.parse of a large one. Nothing here is asserted.

const now = new Date("2024-06-02T10:00:00Z");
const provenance = {
  buildType: "https://github.com/slsa-framework/slsa-github-generator",
  builder: {
    id: "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/x.yml@refs/tags/v1",
  },
  metadata: { buildInvocationID: "1-1", completeness: { parameters: true } },
};

/** Median of several rounds, in nanoseconds of processor time for one call: machines that run this are busy. */
function nanoseconds(calls: number, run: () => unknown): number {
  for (let warm = 0; warm < Math.min(calls, 20_000); warm++) run();
  const rounds = Array.from({ length: 9 }, () => {
    const began = process.cpuUsage();
    for (let call = 0; call < calls; call++) run();
    const { user, system } = process.cpuUsage(began);
    return ((user + system) * 1_000) / calls;
  });
  return rounds.sort((a, b) => a - b)[4] ?? 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function small(): void {
  const expression = "builder.id";
  const compiled = compile(expression);
  const scope = createScope({ data: provenance, now });
  const ours = nanoseconds(300_000, () => evaluate(compiled, scope));
  const theirs = nanoseconds(100_000, () => search(provenance, expression));
  const tree = compileTheirs(expression);
  const theirsCompiled = nanoseconds(300_000, () => TreeInterpreter.search(tree, provenance));
  print(`\`${expression}\`, small document: ${ours.toFixed(0)} ns`);
  print(
    `  ${(theirs / ours).toFixed(1)} times as fast as @jmespath-community/jmespath search (${theirs.toFixed(0)} ns)`,
  );
  print(
    `  ${(theirsCompiled / ours).toFixed(1)} times as fast as its tree, parsed once (${theirsCompiled.toFixed(0)} ns)`,
  );

  const equality = `builder.id == '${provenance.builder.id}'`;
  const compared = compile(equality);
  const equal = nanoseconds(300_000, () => evaluate(compared, scope));
  const searched = nanoseconds(100_000, () => search(provenance, equality));
  print(`\`builder.id == '…'\`: ${equal.toFixed(0)} ns`);
  print(
    `  ${(searched / equal).toFixed(1)} times as fast as the library's search (${searched.toFixed(0)} ns)`,
  );

  const value = `${provenance.builder.id.slice(0, -2)}*`;
  const condition = [{ all: [{ key: "{{ builder.id }}", operator: "Equals", value }] }];
  const conditions = compileConditions(condition, { kind: "preconditions" });
  const checked = nanoseconds(100_000, () => check(conditions, scope, { kind: "preconditions" }).holds);
  print(`\`{{ builder.id }} Equals …*\`, a wildcard: ${checked.toFixed(0)} ns`);
  print(`  ${(searched / checked).toFixed(1)} times as fast as the library's search for equality`);
}

/** An SPDX document of the wanted size. */
function spdx(bytes: number): JsonObject {
  const packages = Array.from({ length: Math.ceil(bytes / 420) }, (_, at) => ({
    SPDXID: `SPDXRef-Package-${at}`,
    name: `package-${at}`,
    versionInfo: `1.${at % 100}.${at % 7}`,
    downloadLocation: "NOASSERTION",
    licenseConcluded: at % 9 === 0 ? "GPL-3.0-only" : "Apache-2.0",
    checksums: [{ algorithm: "SHA256", checksumValue: String(at).padStart(64, "0") }],
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceLocator: `pkg:npm/package-${at}@1.0.0` }],
  }));
  return {
    spdxVersion: "SPDX-2.3",
    name: "app",
    creationInfo: { created: "2024-06-01T10:00:00Z" },
    packages,
  };
}

const tenConditions = [
  { key: "{{ spdxVersion }}", operator: "Equals", value: "SPDX-2.3" },
  { key: "{{ creationInfo.created }}", operator: "GreaterThan", value: "{{ time_now_utc() - '48h' }}" },
  { key: "{{ length(packages) }}", operator: "GreaterThan", value: 10 },
  { key: "{{ packages[0].name }}", operator: "Equals", value: "package-*" },
  { key: "{{ packages[-1].SPDXID }}", operator: "NotEquals", value: "" },
  { key: "{{ packages[?name == 'left-pad'] | length(@) }}", operator: "Equals", value: 0 },
  { key: "{{ packages[?licenseConcluded == 'AGPL-3.0-only'] | length(@) }}", operator: "Equals", value: 0 },
  { key: "{{ packages[*].versionInfo | length(@) }}", operator: "GreaterThan", value: 10 },
  { key: "{{ packages[0:3].name }}", operator: "AllIn", value: ["package-*"] },
  { key: "{{ name }}", operator: "AnyIn", value: ["app", "web"] },
];

function large(): void {
  const text = JSON.stringify(spdx(10_000_000));
  const predicate = JSON.parse(text) as JsonObject;
  const scope = createScope({ data: predicate, now });
  const conditions = compileConditions([{ all: tenConditions }], { kind: "attestation" });
  const result = check(conditions, scope, { kind: "attestation" });
  if (!result.holds) throw new Error(`the conditions should hold: ${result.message}`);
  const parsed = nanoseconds(3, () => JSON.parse(text));
  const checked = nanoseconds(10, () => check(conditions, scope, { kind: "attestation" }));
  print(`ten conditions over ${(text.length / 1e6).toFixed(1)} MB of SPDX: ${(checked / 1e6).toFixed(1)} ms`);
  print(
    `  ${(checked / parsed).toFixed(2)} of the time that JSON.parse takes (${(parsed / 1e6).toFixed(0)} ms)`,
  );
}

small();
large();
