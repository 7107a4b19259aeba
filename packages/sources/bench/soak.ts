// Mixed load at 200 concurrent evaluations against a registry of which a tenth of the requests goes wrong:
// `node --expose-gc --conditions=assay:source bench/soak.ts [SECONDS]` (default 20; 600 for the real thing). Exit 1: a wrong
// verdict, or a heap that grows.
import { fork } from "node:child_process";
import { once } from "node:events";
import { registrySource } from "@assay/sources/registry";
import { type Fleet, imageJudge } from "./judge-image.ts";

const seconds = Number(process.argv[2] ?? 20);
const [images, concurrency, faults] = [400, 200, 0.1];
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const collect = globalThis.gc;
if (collect === undefined) throw new Error("run me with --expose-gc");

const script = new URL("./registry-process.ts", import.meta.url).pathname;
const registry = fork(script, [String(images), String(faults)], {
  execArgv: ["--conditions=assay:source", "--disable-warning=ExperimentalWarning"],
});
const [fleet] = (await once(registry, "message")) as [Fleet];
const evidence = registrySource({ timeoutMs: 2000, retry: { attempts: 2, baseMs: 20 } });
const judge = imageJudge(fleet, evidence);

const counts = { allowed: 0, denied: 0, undecided: 0, cancelled: 0, wrong: 0 };
const times: number[] = [];
const heaps: number[] = [];
const ends = performance.now() + seconds * 1000;
let turn = 0;

async function client(): Promise<void> {
  while (performance.now() < ends) await evaluateOne(turn++);
}

async function evaluateOne(number: number): Promise<void> {
  // A few images are popular, and now and then somebody gives up.
  const index = number % 3 === 0 ? number % 8 : (number * 31) % images;
  const controller = new AbortController();
  const givesUp = number % 50 === 0;
  const timer = givesUp ? setTimeout(() => controller.abort(new Error("gave up")), 5) : undefined;
  const started = performance.now();
  try {
    const allowed = await judge(`${fleet.host}/acme/app-${index}:v1`, { signal: controller.signal });
    counts[allowed ? "allowed" : "denied"]++;
    if (allowed !== (index % 100 !== 7)) counts.wrong++;
  } catch {
    counts[controller.signal.aborted ? "cancelled" : "undecided"]++;
  } finally {
    clearTimeout(timer);
    if (times.length < 1_000_000) times.push(performance.now() - started);
  }
}

const sampling = setInterval(
  () => {
    collect();
    heaps.push(process.memoryUsage().heapUsed);
  },
  (seconds * 1000) / 12,
);
await Promise.all(Array.from({ length: concurrency }, client));
clearInterval(sampling);
registry.disconnect();

times.sort((a, b) => a - b);
const at = (share: number): string => `${Math.round(times[Math.floor(times.length * share)] ?? 0)} ms`;
const megabytes = heaps.map((bytes) => (bytes / 2 ** 20).toFixed(1));
say(`${times.length} evaluations in ${seconds} s: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(0.9999)}`);
say(
  `allowed ${counts.allowed}, denied ${counts.denied}, undecided ${counts.undecided}, cancelled ${counts.cancelled}`,
);
say(`heap after GC, MiB: ${megabytes.join(" ")}`);
// The first third fills caches; times of evaluations are kept here and grow with the run.
const early = heaps[Math.floor(heaps.length / 3)] ?? 0;
const late = heaps.at(-1) ?? 0;
const kept = times.length * 16;
const grew = late - early - kept > 0.1 * early + 4 * 2 ** 20;
const enough = counts.allowed > 0 && counts.denied > 0 && counts.undecided > 0;
say(
  `${counts.wrong} wrong verdicts; the heap ${grew ? "GREW" : "stayed flat"}${enough ? "" : "; TOO LITTLE was seen"}`,
);
process.exitCode = counts.wrong === 0 && !grew && enough ? 0 : 1;
