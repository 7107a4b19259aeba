/**
 * Changes real evidence in new ways and looks for exceptions, hangs and refusals that turn into passes.
 *
 *   node --conditions=assay:source scripts/fuzz.ts                      20 seconds, or FUZZ_SECONDS
 *   FUZZ_INPUTS=1000000 node --conditions=assay:source scripts/fuzz.ts  a nightly run
 *   FUZZ_SEED=4711 FUZZ_INPUTS=1 …                                      one finding again
 */
import { fuzzEvidence } from "../test/fuzz/fuzz-evidence.ts";

const inputs = Number(process.env["FUZZ_INPUTS"] ?? Number.POSITIVE_INFINITY);
const seconds = Number(
  process.env["FUZZ_SECONDS"] ?? (Number.isFinite(inputs) ? Number.POSITIVE_INFINITY : 20),
);
const start = Number(process.env["FUZZ_SEED"] ?? Math.floor(Date.now() / 1000) * 1000);
const end = performance.now() + seconds * 1000;
const report = fuzzEvidence(start, inputs, () => performance.now() > end);
for (const { seed, what } of report.findings.slice(0, 20))
  process.stdout.write(`FUZZ_SEED=${seed}: ${what}\n`);
process.stdout.write(
  `${report.inputs} inputs, ${report.allowed} still accepted, ${report.findings.length} findings\n`,
);
process.exitCode = report.findings.length === 0 ? 0 : 1;
