import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { runHere } from "./run-here.ts";

vi.setConfig({ testTimeout: 30_000 });

/** Images that the real cosign signed, judged by the real Kyverno; `assay` is what each case has to come to. */
interface FixtureCase {
  readonly policy: string;
  readonly resource: string;
  readonly assay?: "allowed" | "denied" | "error" | "denied|error";
  readonly with?: {
    readonly trustedRoot?: string;
    readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

const fixtures = fileURLToPath(new URL("../../conformance/cases/fixtures/", import.meta.url));
const { clock, cases }: { clock: string; cases: readonly FixtureCase[] } = JSON.parse(
  readFileSync(join(fixtures, "cases.json"), "utf8"),
);
const directory = mkdtempSync(join(tmpdir(), "assay-fixtures-"));
afterAll(() => rmSync(directory, { recursive: true }));

const STATUS = { allowed: [0], denied: [1], error: [2], "denied|error": [1, 2] } as const;

/** What the case is given, as flags. */
function inputsOf({ with: given = {} }: FixtureCase): readonly string[] {
  const objects = Object.entries(given.configMaps ?? {}).map(([name, data]) => {
    const [namespace, own] = name.split("/");
    const entries = Object.entries(data).map(([key, file]) => [
      key,
      readFileSync(join(fixtures, file), "utf8"),
    ]);
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { namespace, name: own },
      data: Object.fromEntries(entries),
    };
  });
  const file = join(directory, "objects.yaml");
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  return [
    ...(objects.length === 0 ? [] : ["--configmap", file]),
    ...(given.trustedRoot === undefined ? [] : ["--trusted-root", join(fixtures, given.trustedRoot)]),
  ];
}

// The layouts with a trust root that cannot be read: without --trusted-root there is none to be had, network or not.
for (const name of ["tags", "referrers"]) {
  cpSync(join(fixtures, "images", name), join(directory, name), { recursive: true });
  writeFileSync(join(directory, name, "trusted_root.json"), "none");
}

const judged = cases.filter((one) => one.assay !== undefined);

test("there are cases", () => expect(judged.length).toBeGreaterThan(150));

test.each(judged.map((one, i) => [`${i} ${one.policy} × ${one.resource}: ${one.assay}`, one] as const))(
  "assay apply: %s",
  async (_, one) => {
    const layout = join(directory, one.resource.includes("-5002-") ? "referrers" : "tags");
    const { status, out, err } = await runHere([
      ...["apply", join(fixtures, "policies", `${one.policy}.yaml`)],
      ...["--resource", join(fixtures, "resources", `${one.resource}.yaml`)],
      ...["--layout", layout, "--now", clock, "--output", "json", ...inputsOf(one)],
    ]);
    const expected: readonly number[] = STATUS[one.assay ?? "error"];
    expect(expected, `${out}${err}`.slice(0, 2000)).toContain(status);
  },
);
