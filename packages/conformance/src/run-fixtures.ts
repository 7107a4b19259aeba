import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createAssay, explain } from "assay";
import { parse } from "yaml";
import type { CaseResult } from "./case-result.ts";
import { fixtureRegistries } from "./fixture-registry.ts";

type Assay = ReturnType<typeof createAssay>;
type Verdict = Awaited<ReturnType<Assay["evaluate"]>>;
type Resource = Parameters<Assay["evaluate"]>[0]["resource"];

/** One line of `cases.json`. */
export interface FixtureCase {
  readonly policy: string;
  readonly resource: string;
  readonly with?: {
    readonly trustedRoot?: string;
    /** `namespace/name` to key to file. */
    readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
  /** `allowed`, `denied`, `error`, or several of them with `|` between; absent: no answer is agreed on. */
  readonly assay?: string;
  readonly why?: string;
}

/** The directory, its cases, and the clock they are judged at. */
export interface FixtureSet {
  readonly directory: string;
  readonly clock: string;
  readonly cases: readonly FixtureCase[];
}

export function loadFixtures(directory: string): FixtureSet {
  const file = JSON.parse(readFileSync(join(directory, "cases.json"), "utf8")) as Omit<
    FixtureSet,
    "directory"
  >;
  return { directory, clock: file.clock, cases: file.cases };
}

/**
 * Judges every case. Registries are served from memory, or (`live`) are whatever listens at 127.0.0.1:5001 and :5002.
 */
export async function runFixtures(
  set: FixtureSet,
  options: { readonly live?: boolean; readonly only?: string } = {},
): Promise<readonly CaseResult[]> {
  const reach = options.live === true ? fetch : (await fixtureRegistries(set.directory)).fetch;
  const { only = "" } = options;
  const results: CaseResult[] = [];
  for (const [i, asked] of set.cases.entries())
    if (caseName(asked, i).includes(only))
      results.push(await runFixture(set, asked, { fetch: reach, name: caseName(asked, i) }));
  return results;
}

/** How a case is called in reports: its position keeps two cases of one policy and Pod apart. */
export function caseName(asked: FixtureCase, position: number): string {
  return `${position + 1} ${asked.policy} × ${asked.resource}`;
}

/** Judges one case. */
export async function runFixture(
  set: FixtureSet,
  asked: FixtureCase,
  { fetch, name }: { readonly fetch: typeof globalThis.fetch; readonly name: string },
): Promise<CaseResult> {
  const wanted = asked.assay?.split("|");
  const { answer, because } = await judgeFixture(set, asked, fetch);
  const passed = wanted === undefined ? answer !== "crashed" : wanted.includes(answer);
  return {
    id: name,
    group: "fixtures",
    outcome: passed ? "passed" : "failed",
    expected: `${asked.assay ?? "any answer"}${asked.why === undefined ? "" : ` (${asked.why})`}`,
    received: `${answer}: ${because}`,
  };
}

interface Judged {
  readonly answer: "allowed" | "denied" | "error" | "crashed";
  readonly because: string;
}

/** An invalid policy is an `error`; what is not an error of assay's own is a crash. */
async function judgeFixture(
  set: FixtureSet,
  asked: FixtureCase,
  fetch: typeof globalThis.fetch,
): Promise<Judged> {
  try {
    const assay = fixtureAssay(set, asked, fetch);
    return judged(await assay.evaluate({ resource: fixtureResource(set, asked) }));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "invalidPolicy")
      return { answer: "error", because: error.message };
    return {
      answer: "crashed",
      because: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

/** An assay with the case's policy, ConfigMaps and trust root, and no other way to reach anything. */
export function fixtureAssay(set: FixtureSet, asked: FixtureCase, fetch: typeof globalThis.fetch): Assay {
  const { trustedRoot, configMaps = {} } = asked.with ?? {};
  const file = `policies/${asked.policy}.yaml`;
  return createAssay({
    policies: [{ file, text: readFileSync(join(set.directory, file), "utf8") }],
    registry: { fetch, credentials: [] },
    trust:
      trustedRoot === undefined ? NO_TRUST : { json: readFileSync(join(set.directory, trustedRoot), "utf8") },
    objects: Object.entries(configMaps).map(([name, data]) => configMap(set, name, data)),
    clock: () => new Date(set.clock),
  });
}

/** The Pod of a case. */
export function fixtureResource(set: FixtureSet, asked: FixtureCase): Resource {
  return parse(readFileSync(join(set.directory, "resources", `${asked.resource}.yaml`), "utf8")) as Resource;
}

const NO_TRUST = {
  fetch: async () => ({
    ok: false as const,
    failure: { code: "unavailable" as const, message: "no trust root is given here", origin: "fixtures" },
  }),
};

function configMap(set: FixtureSet, name: string, files: Readonly<Record<string, string>>): Resource {
  const [namespace = "", short = ""] = name.split("/");
  const data = Object.entries(files).map(([key, file]) => [
    key,
    readFileSync(join(set.directory, file), "utf8"),
  ]);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name: short },
    data: Object.fromEntries(data),
  };
}

function judged(verdict: Verdict): Judged {
  const answer = verdict.allowed ? "allowed" : verdict.outcome === "error" ? "error" : "denied";
  return { answer, because: explain(verdict) };
}
