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
const chunk = 10_000;
let [done, allowed, found] = [0, 0, 0];
while (done < inputs && performance.now() < end) {
  const count = Math.min(chunk, inputs - done);
  const report = fuzzEvidence(start + done, count, () => performance.now() > end);
  for (const { seed, what } of report.findings.slice(0, Math.max(0, 20 - found)))
    process.stdout.write(`FUZZ_SEED=${seed}: ${what}\n`);
  done += report.inputs;
  allowed += report.allowed;
  found += report.findings.length;
  // A nightly run takes most of an hour: say how far it is, and keep what was found if it is stopped.
  if (report.inputs === chunk) process.stderr.write(`${done} inputs, ${found} findings\n`);
}
process.stdout.write(`${done} inputs, ${allowed} still accepted, ${found} findings\n`);
process.exitCode = found === 0 ? 0 : 1;
