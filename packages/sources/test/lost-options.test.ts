import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubernetesContext } from "@assay/sources/cluster";
import { dockerConfigCredentials } from "@assay/sources/credentials";
import { fileJournal, queuedScan, scan, scanWorker } from "@assay/sources/fleet";
import { kmsKeys } from "@assay/sources/kms";
import { layoutSource } from "@assay/sources/layout";
import { rekorLogs } from "@assay/sources/rekor";
import { tufTrust } from "@assay/sources/trust";
import { expect, test } from "vitest";

// Whatever a program without types loses of an option, it is an error with a code, not the option's default: another mirror
// would be trusted, another cluster or Vault asked, an outcome that no longer holds taken.

const { signal } = new AbortController();
const nothing = (): undefined => undefined;

const calls: Readonly<Record<string, readonly [call: (options: never) => unknown, options: object]>> = {
  tufTrust: [
    tufTrust,
    {
      ...{ mirror: "https://tuf.example.com", root: "{}", target: "trusted_root.json" },
      ...{ cacheDirectory: "/nowhere", expired: "refuse", refreshMs: 1000, timeoutMs: 1000, retries: 1 },
      now: Date.now,
    },
  ],
  kmsKeys: [
    kmsKeys,
    { context: { fetch: nothing }, env: { VAULT_ADDR: "x" }, fetch: nothing, load: nothing, keepMs: 1 },
  ],
  kubernetesContext: [
    kubernetesContext,
    { config: { getCurrentCluster: nothing }, maxBytes: 10, timeoutMs: 10, globalContext: nothing },
  ],
  rekorLogs: [rekorLogs, { fetch: nothing, maxBytes: 10, timeoutMs: 10, keepMs: 10 }],
  layoutSource: [
    layoutSource,
    { path: "/nowhere", registry: "registry.example.com", tagPrefix: "v1-", limits: { manifestBytes: 10 } },
  ],
  dockerConfigCredentials: [dockerConfigCredentials, { path: "/nowhere", env: { PATH: "" } }],
};

/** The options with one of them taken for another thing, each in turn; an option that is `undefined` is not there. */
function* lost(options: Readonly<Record<string, unknown>>): Generator<readonly [string, unknown]> {
  for (const [what, instead] of odd(options)) yield [`options ${what}`, instead];
  for (const [name, value] of Object.entries(options)) {
    for (const [what, instead] of odd(value)) yield [`${name} ${what}`, { ...options, [name]: instead }];
    const { [name]: _, ...others } = options;
    for (const wrong of [`${name}s`, name.slice(0, -1), name.toUpperCase(), ` ${name}`])
      yield [`${wrong} misspelt`, { ...others, [wrong]: value }];
  }
}

function odd(value: unknown): readonly (readonly [string, unknown])[] {
  const every: readonly (readonly [string, unknown])[] = [
    ["null", null],
    ["empty", value === "" ? null : ""],
    ["in a list", [value]],
    ["awaited", Promise.resolve(value)],
    ["a Map", new Map()],
    ["a symbol", Symbol("x")],
    ["no number", Number.NaN],
    ["a flag", true],
  ];
  return typeof value === "function" ? every : [...every, ["a function", () => value]];
}

/** What is taken without a word, or with another one than `misuse`. */
async function taken(options: object, call: (options: never) => unknown): Promise<readonly string[]> {
  const found: string[] = [];
  for (const [what, given] of lost(options as Readonly<Record<string, unknown>>)) {
    try {
      await call(given as never);
      found.push(what);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "misuse") found.push(`${what}: ${String(error)}`);
    }
  }
  return found;
}

test.each(Object.keys(calls))("%s that loses a part of its options says so", async (name) => {
  const [call, options] = calls[name] ?? [];
  expect(() => call?.(options as never)).not.toThrow();
  // No prefix is one.
  const fine = name === "layoutSource" ? ["tagPrefix empty"] : [];
  const found = call === undefined ? [name] : await taken(options ?? {}, call);
  expect(found.filter((what) => !fine.includes(what))).toEqual([]);
});

test("a scan that loses a part of its options judges nothing, and says so", async () => {
  const judge = async (item: number) => item;
  const outcome = (): undefined => undefined;
  const common = { items: [1], key: String, onOutcome: outcome, onProgress: outcome };
  const found = await taken({ ...common, evaluate: judge, concurrency: 2 }, (given: object) =>
    scan({ ...given, signal } as never),
  );
  // A list in a list, and an empty Map, are lists of items; the spread of no object is no options.
  const fine = ["items in a list", "items a Map"];
  expect(found.filter((what) => !what.startsWith("options ") && !fine.includes(what))).toEqual([]);
});

test("a journal that loses what tells whether an outcome holds does not take them all", async () => {
  const directory = await mkdtemp(join(tmpdir(), "assay-lost-"));
  const path = join(directory, "journal");
  await writeFile(path, '{"key":"a","result":1}\n');
  const found = await taken({ reuse: () => false }, async (given: never) =>
    (await fileJournal(path, given)).close(),
  );
  await rm(directory, { recursive: true });
  expect(found).toEqual([]);
});

test("a shared scan that loses a part of its options says so before it asks Redis", async () => {
  const redis = "redis://127.0.0.1:1";
  const options = { name: "n", reuse: nothing, isResult: nothing, onError: nothing, timeoutMs: 10 };
  const begin = (given: object) => queuedScan({ ...given, redis, items: [], key: String, signal } as never);
  expect((await taken(options, begin)).filter((what) => !what.startsWith("options "))).toEqual([]);
  const worker = { name: "n", evaluate: nothing, concurrency: 2, onError: nothing };
  const work = (given: object) => scanWorker({ ...given, redis } as never);
  expect((await taken(worker, work)).filter((what) => !what.startsWith("options "))).toEqual([]);
});
