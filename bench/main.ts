// Times `assay apply` for 1 and 20 Pods and `evaluate` in process, beside `cosign` where it is installed, with 0 ms and
// 50 ms per registry request. Numbers in one column come from this run; Kyverno's were recorded (see below).
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { createAssay, type JsonObject } from "assay";
import { milliseconds, ratio, type Timing, timed } from "./measure.ts";

const fixtures = new URL("../packages/conformance/cases/fixtures/", import.meta.url).pathname;
const cli = new URL("../packages/assay/", import.meta.url).pathname;
const RUNS = Number(process.env["BENCH_RUNS"] ?? 7);

/** Kyverno's CLI 1.19.1 on a machine of the same kind (2 cores, loopback), recorded 2026-11-23: median of 5 to 10 runs. */
const KYVERNO: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "signature, 1 Pod": { 0: 565, 50: 952 },
  "signature + 3 attestations, 1 Pod": { 0: 544, 50: 1636 },
  "signature, 20 Pods": { 0: 595, 50: 5152 },
  "signature + 3 attestations, 20 Pods": { 0: 829, 50: 15425 },
};

const CASES = [
  { name: "signature", policy: "key", image: "key-ecdsa" },
  { name: "signature + 3 attestations", policy: "att3", image: "key-att3" },
] as const;
type Case = (typeof CASES)[number];

const directory = mkdtempSync(join(tmpdir(), "assay-bench-"));
const cosign = findCosign();
print(
  `node ${process.version}; assay ${existsSync(join(cli, "dist/cli.js")) ? "as built" : "from sources"}; ${RUNS} runs: median (smallest–largest)`,
);
print(cosign === undefined ? "cosign is not installed: its rows are missing" : `cosign: ${cosign}`);
try {
  for (const late of [0, 50]) await benchWith(late);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function benchWith(late: number): Promise<void> {
  print(`\n${late} ms per registry request`);
  const registry = await startRegistry(late);
  try {
    for (const one of CASES) {
      await benchCommand(one, late, registry);
      await benchInProcess(one, registry);
    }
  } finally {
    await registry.stop();
  }
}

async function benchCommand(one: Case, late: number, registry: Registry): Promise<void> {
  const policy = join(fixtures, "policies", `${one.policy}.yaml`);
  const theirs = cosign === undefined ? undefined : await benchCosign(cosign, one);
  if (theirs !== undefined)
    row(
      `${one.name}: cosign verify${one.policy === "att3" ? " and verify-attestation × 3" : ""}`,
      theirs,
      [],
    );
  for (const pods of [1, 20]) {
    const files = Array.from({ length: pods }, (_, i) => podFile(one, i));
    const args = ["apply", policy, ...files.flatMap((file) => ["--resource", file])];
    const command = (): Promise<void> =>
      runCommand(process.execPath, [...assayCommand(), ...args, "--now", "2026-11-23T12:00:00Z"]);
    await registry.requests();
    await command();
    const requests = await registry.requests();
    const ours = await timed(command, { runs: RUNS, warmUp: false });
    const name = `${one.name}, ${pods} ${pods === 1 ? "Pod" : "Pods"}`;
    const kyverno = KYVERNO[name]?.[late];
    row(`${name}: assay apply`, ours, [
      `${requests} requests`,
      ...(theirs === undefined ? [] : [`${ratio(ours, theirs)} cosign`]),
      ...(kyverno === undefined
        ? []
        : [`${ratio(ours, { median: kyverno })} Kyverno's recorded ${kyverno} ms`]),
    ]);
  }
}

async function benchInProcess(one: Case, registry: Registry): Promise<void> {
  const policies = readFileSync(join(fixtures, "policies", `${one.policy}.yaml`), "utf8");
  const resource = pod(one, 0);
  const fresh = (): ReturnType<typeof createAssay> =>
    createAssay({ policies, registry: { credentials: [] }, clock: () => new Date("2026-11-23T12:00:00Z") });
  const evaluate = async (assay: ReturnType<typeof createAssay>): Promise<void> => {
    const { allowed, results } = await assay.evaluate({ resource });
    if (!allowed) throw new Error(`denied: ${JSON.stringify(results)}`);
  };
  const cold = await timed(() => evaluate(fresh()), { runs: RUNS * 3, warmUp: true });
  const kept = fresh();
  await evaluate(kept);
  await registry.requests();
  await evaluate(kept);
  const requests = await registry.requests();
  const warm = await timed(() => evaluate(kept), { runs: RUNS * 30, warmUp: true });
  row(`${one.name}: evaluate, cold (policy loaded anew)`, cold, []);
  row(`${one.name}: evaluate, warm`, warm, [`${requests} requests`, `${ratio(warm, cold)} cold`]);
}

async function benchCosign(binary: string, one: Case): Promise<Timing> {
  const image = `127.0.0.1:5001/acme/${one.image}:v1`;
  const flags = ["--insecure-ignore-tlog=true", "--key", join(fixtures, "keys/cosign.pub")];
  const types = one.policy === "att3" ? ["slsaprovenance", "spdxjson", "vuln"] : [];
  return await timed(
    async () => {
      await runCommand(binary, ["verify", ...flags, image]);
      for (const type of types)
        await runCommand(binary, ["verify-attestation", ...flags, "--type", type, image]);
    },
    { runs: RUNS, warmUp: true },
  );
}

interface Registry {
  /** Requests since the last time this was asked. */
  readonly requests: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

async function startRegistry(late: number): Promise<Registry> {
  const script = new URL("registry-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--conditions=assay:source", script, String(late)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if ((await lines.next()).value !== "listening")
    throw new Error("the registry does not listen on 127.0.0.1:5001");
  return {
    requests: async () => {
      child.stdin.write("\n");
      return Number((await lines.next()).value);
    },
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** The built command where there is one; else from sources, which adds the time to strip types. */
function assayCommand(): readonly string[] {
  const built = join(cli, "dist/cli.js");
  return existsSync(built)
    ? [built]
    : ["--conditions=assay:source", "--disable-warning=ExperimentalWarning", join(cli, "src/cli.ts")];
}

async function runCommand(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: directory },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${said}`);
}

function pod(one: Case, i: number): JsonObject {
  const containers = [{ name: "app", image: `127.0.0.1:5001/acme/${one.image}:v1` }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `app-${i}`, namespace: "default" },
    spec: { containers },
  };
}

function podFile(one: Case, i: number): string {
  const path = join(directory, `${one.policy}-${i}.json`);
  writeFileSync(path, JSON.stringify(pod(one, i)));
  return path;
}

function findCosign(): string | undefined {
  const cached = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "assay-lanes/bin/cosign");
  return ["cosign", cached].find((binary) => spawnSync(binary, ["version"]).status === 0);
}

function row(what: string, timing: Timing, notes: readonly string[]): void {
  print(`  ${what.padEnd(62)} ${milliseconds(timing).padEnd(26)} ${notes.join(", ")}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
