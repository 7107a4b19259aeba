// Measures admission webhooks: AdmissionReviews sent to them directly, and server-side dry-run Pod creations through a
// real API server. assay alone, or beside the real Kyverno admission controller in one sitting: same machine, API
// server, registry, images and policy, in alternating rounds. bench/README.md says how.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { own } from "../../packages/conformance/src/lanes/cluster/owned.ts";
import { type Goal, goals } from "./goals.ts";
import { type Options, readOptions } from "./options.ts";
import { startRegistry } from "./registry.ts";
import { burstRows, lineHead, lineRows, memoryRows } from "./report.ts";
import { setUp } from "./set-up.ts";
import { coldImages, measure, type Plan } from "./sitting.ts";

const options = understood();
const owned = own("admission");
const began = Date.now();
const busy = await busyShare();
print(
  `${cpus()[0]?.model ?? "unknown CPU"} × ${cpus().length}, ${(busy * 100).toFixed(0)} % busy before the run`,
);
if (busy > 0.1) print("NOT QUIET: other work runs on this machine, so these figures are a smoke test");
try {
  process.exitCode = await run();
} catch (cause) {
  for (const name of ["assay", "kyverno"]) {
    const log = owned.log(name);
    if (log !== "") process.stderr.write(`last lines of ${name}:\n${log}\n`);
  }
  process.stderr.write(`${cause instanceof Error ? cause.stack : cause}\n`);
  process.exitCode = 1;
}
process.exit();

async function run(): Promise<number> {
  const registry =
    options.given === undefined
      ? await startRegistry(owned, { cold: coldImages(options), late: options.late })
      : undefined;
  const { peers, ways, images } = await setUp(options, owned, registry);
  for (const { name, about } of peers) print(`${name}: ${about}`);
  const deadline = began + options.minutes * 60_000;
  let title = "";
  const tell: Plan["tell"] = (way, line) => {
    if (way.title !== title) print(`\n${way.title}\n${lineHead()}`);
    title = way.title;
    for (const row of lineRows(line)) print(row);
  };
  const sitting = await measure({ peers, ways, options, images, registry, deadline, tell });
  if (sitting.bursts.length > 0) print("\nregistry requests of a burst, all Pods at once");
  for (const row of burstRows(sitting.bursts)) print(row);
  print("\nresident memory, MiB");
  for (const row of memoryRows(sitting.memory)) print(row);
  const [one, other] = peers;
  const reached = one && other && sitting.complete ? goals(sitting, [one.name, other.name]) : [];
  for (const each of reached) printGoal(each);
  if (!sitting.complete) print(`\nstopped after ${options.minutes} minutes (--minutes): lines are missing`);
  writeJson(options, {
    peers: peers.map(({ name, about }) => ({ name, about })),
    ...sitting,
    goals: reached,
  });
  print(`\n${((Date.now() - began) / 60_000).toFixed(1)} minutes`);
  return sitting.complete ? 0 : 1;
}

/** A command line that makes no sense ends the run before it begins anything. */
function understood(): Options {
  try {
    return readOptions();
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : cause}\n`);
    process.exit(2);
  }
}

/** How much of the machine others use: what is measured beside them is not worth much. */
async function busyShare(): Promise<number> {
  const times = (): { all: number; idle: number } =>
    cpus().reduce(
      ({ all, idle }, { times: { user, nice, sys, irq, idle: more } }) => ({
        all: all + user + nice + sys + irq + more,
        idle: idle + more,
      }),
      { all: 0, idle: 0 },
    );
  const before = times();
  await sleep(3_000);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function printGoal({ goal, met, because }: Goal): void {
  print(`\n${met ? "met    " : "NOT MET"} ${goal}`);
  for (const line of (because || "nothing was measured").split("\n")) print(`        ${line}`);
}

function writeJson({ json, rounds, direct, created, late }: Options, figures: object): void {
  if (json === undefined) return;
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, busyBefore: busy };
  const at = new Date(began).toISOString();
  const run = { rounds, direct, created, late };
  writeFileSync(json, `${JSON.stringify({ at, machine, run, ...figures }, null, 2)}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
