import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-lint-"));
});
afterAll(() => rm(cwd, { recursive: true }));

async function lint(
  text: string,
  ...flags: string[]
): Promise<{ status: number | null; out: string; err: string }> {
  await writeFile(join(cwd, "policy.yaml"), text);
  return runHere(["lint", "policy.yaml", ...flags], { cwd });
}

const page = (name: string): Promise<string> => readFile(join(ROOT, "examples/policies", name), "utf8");

test("the page's policies are linted without an error, and with what is different in Kyverno", async () => {
  const { status, out } = await lint(await page("verify-image-signature.yaml"));
  expect(out).toContain("policy.yaml:36:15: warning attestations-without-attestors:");
  expect(out).toContain("    fix: ");
  expect(out).toMatch(/^0 errors, \d+ warnings, \d+ notes$/m);
  expect(status).toBe(0);
});

test.each([
  ["error", 0],
  ["warning", 1],
  ["info", 1],
  ["never", 0],
])("--fail-on %s exits %d where there are warnings", async (level, expected) => {
  const { status } = await lint(await page("verify-image-signature.yaml"), "--fail-on", level);
  expect(status).toBe(expected);
});

test("each finding is said once, though the loader warns of it too and an alias repeats it", async () => {
  const { out } = await lint(await page("verify-image-signature.yaml"), "--output", "json");
  const { findings } = JSON.parse(out);
  const places = findings.map(
    (finding: { source: { line: number; column: number }; id: string; message: string }) =>
      `${finding.source.line}:${finding.source.column} ${finding.id} ${finding.message}`,
  );
  expect(new Set(places).size).toBe(places.length);
  expect(places.filter((place: string) => place.includes("`enforce` is deprecated"))).toHaveLength(1);
});

describe("what would be refused at load is an error", () => {
  test.each<[string, (text: string) => string, string]>([
    [
      "an unknown field",
      (t) => t.replace("imageReferences", "imageReferencs"),
      "did you mean `imageReferences`?",
    ],
    ["a bad PEM", (t) => t.replace(/MFk[^\n]*/, "????"), "policy.yaml:"],
    ["a bad regular expression", (t) => t.replace(/subject: .*/, 'subjectRegExp: "("'), "policy.yaml:"],
  ])("%s", async (_, edit, said) => {
    const { status, out } = await lint(edit(await page("verify-image-signature.yaml")));
    expect(out).toContain(said);
    expect(out).toContain(": error ");
    expect(status).toBe(1);
  });
});

test("every bad key of every file is a finding", async () => {
  const broken = (await page("verify-image-signature.yaml")).replace(/MFk[^\n]*/, "????");
  await writeFile(join(cwd, "second.yaml"), broken);
  const { out } = await lint(broken, "second.yaml", "--output", "json");
  const errors = JSON.parse(out).findings.filter(
    ({ severity }: { severity: string }) => severity === "error",
  );
  expect(errors.map(({ source }: { source: { file: string } }) => source.file)).toEqual([
    "policy.yaml",
    "second.yaml",
  ]);
});

test("SARIF names a file with spaces by an address", async () => {
  await writeFile(join(cwd, "my policy.yaml"), await page("verify-image-signature.yaml"));
  const { out } = await runHere(["lint", "my policy.yaml", "--output", "sarif"], { cwd });
  const { artifactLocation } = JSON.parse(out).runs[0].results[0].locations[0].physicalLocation;
  expect(artifactLocation.uri).toBe("my%20policy.yaml");
});

test("lint and apply say the same of a ClusterPolicy with a namespace", async () => {
  const text = await page("verify-image-signature.yaml");
  expect(text).toContain("  namespace: ");
  const { out } = await lint(text, "--output", "json");
  const found = JSON.parse(out).findings.find(({ id }: { id: string }) => id === "kyverno-namespace");
  const stdin = "apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [] }\n";
  const { err } = await runHere(["apply", "policy.yaml", "--resource", "-"], { cwd, stdin });
  const warned = err.split("\n").find((line) => line.includes("a ClusterPolicy has no namespace"));
  expect(warned).toContain(
    `${found.severity}: policy.yaml:${found.source.line}:${found.source.column}: ${found.message}`,
  );
  for (const said of [warned, found.why]) {
    expect(said).toContain("leaves the policy out: `A clusterpolicy should not have the namespace defined`");
  }
});

test("SARIF names the rule, the place and what to do", async () => {
  const { out } = await lint(await page("verify-image-signature.yaml"), "--output", "sarif");
  const { runs } = JSON.parse(out);
  const rule = runs[0].tool.driver.rules.find(
    (one: { id: string }) => one.id === "attestations-without-attestors",
  );
  expect(rule.help.text).not.toBe("");
  expect(runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe("policy.yaml");
});

test("--fix mends what is mechanical and leaves a policy that means the same", async () => {
  const before = await page("verify-image-signature.yaml");
  const { status, err, out } = await lint(before, "--fix");
  const after = await readFile(join(cwd, "policy.yaml"), "utf8");
  expect(err).toMatch(/^mended \d+ findings$/m);
  expect(after).toContain("validationFailureAction: Enforce");
  expect(after).not.toContain("predicateType:");
  expect(out).not.toContain("deprecated");
  expect(status).toBe(0);
});

test("--fix of standard input is refused", async () => {
  const { status, err } = await runHere(["lint", "-", "--fix"], {
    stdin: await page("verify-image-signature.yaml"),
  });
  expect(err).toContain("cannot mend standard input");
  expect(status).toBe(2);
});

test("schema prints a JSON Schema that knows image verification", async () => {
  const { status, out } = await runHere(["schema"]);
  expect(JSON.parse(out).$schema).toContain("json-schema.org");
  expect(out).toContain("imageReferences");
  expect(status).toBe(0);
});

test("a file of exceptions can be linted without the policies that they are from", async () => {
  const { status, out } = await lint(
    "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: x, namespace: team}\nspec: {exceptions: [{policyName: p, ruleNames: [r]}], match: {any: [{resources: {kinds: [Pod]}}]}}\n",
  );
  expect(out).toMatch(/^0 errors/m);
  expect(status).toBe(0);
});
