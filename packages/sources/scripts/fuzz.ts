/**
 * Changes one answer of a registry in new ways and looks for exceptions, floods, hangs and bytes that are not what they
 * are called.
 *
 *   node --conditions=assay:source scripts/fuzz.ts          20 seconds, or FUZZ_SECONDS
 *   FUZZ_SEED=4711 FUZZ_INPUTS=1 …                          one finding again
 */
import { fixtureRegistry } from "../test/fixtures.ts";
import { type Finding, fuzzRegistry } from "../test/fuzz-registry.ts";

const most = Number(process.env["FUZZ_INPUTS"] ?? Number.POSITIVE_INFINITY);
const seconds = Number(
  process.env["FUZZ_SECONDS"] ?? (Number.isFinite(most) ? Number.POSITIVE_INFINITY : 20),
);
const start = Number(process.env["FUZZ_SEED"] ?? Math.floor(Date.now() / 1000) * 1000);
const end = performance.now() + seconds * 1000;
const registries = [
  await fixtureRegistry("tags", { host: "r.example" }),
  await fixtureRegistry("referrers", { host: "r.example" }),
];
const findings: Finding[] = [];
let inputs = 0;
while (inputs < most && performance.now() < end) {
  const seed = start + inputs;
  const registry = registries[seed % registries.length];
  if (registry === undefined) break;
  const finding = await fuzzRegistry(seed, registry);
  if (finding !== undefined) findings.push(finding);
  registry.forgetRequests();
  inputs++;
}
for (const { seed, what } of findings.slice(0, 20)) process.stdout.write(`FUZZ_SEED=${seed}: ${what}\n`);
process.stdout.write(`${inputs} inputs, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
