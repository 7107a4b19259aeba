import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeRecord, replay } from "../src/index.ts";
import { ROOT } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

const POLICY = "examples/policies/made-by-cosign.yaml";
const PODS = "examples/03-policy-tests/pods.yaml";
const IMAGES = [
  ...["--layout", `${ROOT}examples/testdata/cosign-images`],
  ...["--trusted-root", "examples/testdata/cosign-trusted-root.json"],
];
const FILES = [
  "default-Pod-other-key",
  "default-Pod-other-repository",
  "default-Pod-signed",
  "default-Pod-unsigned",
];

let directory = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-records-"));
  const { status, err } = await runHere([
    "record",
    POLICY,
    "-r",
    PODS,
    ...IMAGES,
    "--out",
    `${directory}/all/`,
  ]);
  expect(err).toBe("");
  expect(status).toBe(1);
});
afterAll(() => rm(directory, { recursive: true }));

test("record writes one file for each resource into a directory", async () => {
  expect((await readdir(join(directory, "all"))).sort()).toEqual(FILES.map((name) => `${name}.record.json`));
});

test.runIf(process.platform !== "win32")(
  "a record, which may hold Secrets, is read by nobody else",
  async () => {
    const { mode } = await stat(join(directory, "all", "default-Pod-unsigned.record.json"));
    expect((mode & 0o777).toString(8)).toBe("600");
  },
);

test("record --output json lists what was written", async () => {
  const args = ["record", POLICY, "-r", PODS, ...IMAGES, "--out", `${directory}/listed/`, "--output", "json"];
  const { records } = JSON.parse((await runHere(args)).out);
  expect(records.map(({ allowed }: { allowed: boolean }) => allowed)).toEqual([true, false, false, false]);
  expect(records[0].resource).toEqual({ kind: "Pod", namespace: "default", name: "signed" });
});

test("record refuses one file for several resources before it asks anybody", async () => {
  const { status, err } = await runHere(["record", POLICY, "-r", PODS, "--out", join(directory, "one.json")]);
  expect(err).toContain("is one file, and there are 4 resources");
  expect(status).toBe(2);
});

test("replay gives the recorded verdicts without layout, trust root or network", async () => {
  const applied = await runHere(["apply", POLICY, "-r", PODS, ...IMAGES, "--output", "json"]);
  const replayed = await runHere(["replay", join(directory, "all"), "--output", "json"]);
  const byName = (out: string): unknown[] =>
    JSON.parse(out).verdicts.sort((a: { resource: { name: string } }, b: { resource: { name: string } }) =>
      a.resource.name < b.resource.name ? -1 : 1,
    );
  expect(byName(replayed.out)).toEqual(byName(applied.out));
  expect(replayed.status).toBe(1);
  expect(replayed.err).toBe("");
});

test.each<[string, string, string]>([
  [
    "nothing but a ConfigMap",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n",
    "there is no policy in",
  ],
  ["an empty file", "", "there is no policy in"],
  [
    "only an exception",
    "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: { name: x, namespace: team }\nspec: { exceptions: [{ policyName: p, ruleNames: [r] }], match: { any: [{ resources: { kinds: [Pod] } }] } }\n",
    "only PolicyExceptions",
  ],
])("a record is not judged by %s, which would allow everything", async (_, text, said) => {
  const file = join(directory, "none.yaml");
  const record = join(directory, "all", "default-Pod-unsigned.record.json");
  await writeFile(file, text);
  const { status, out, err } = await runHere(["diff", POLICY, file, record]);
  expect(err).toContain(said);
  expect(out).toBe("");
  expect(status).toBe(2);
  const attempt = replay(decodeRecord(await readFile(record, "utf8")), { file, text });
  await expect(attempt).rejects.toMatchObject({ name: "AssayError", code: "invalidPolicy" });
});

test("two resources of one name have a record each", async () => {
  const twice = (await readFile(join(ROOT, PODS), "utf8")).split(/^---$/m).slice(0, 1);
  const stdin = [...twice, ...twice, ...twice].join("\n---\n");
  const out = `${directory}/alike/`;
  const { status, out: said } = await runHere(["record", POLICY, "-r", "-", ...IMAGES, "--out", out], {
    stdin,
  });
  const files = (await readdir(out)).sort();
  expect(files).toHaveLength(3);
  expect(
    said
      .trim()
      .split("\n")
      .map((line) => line.replace(/^.*\/|: .*$/g, ""))
      .sort(),
  ).toEqual(files);
  expect(status).toBeLessThan(2);
});

test("replay says when a record holds another verdict than the one that follows from it", async () => {
  const path = join(directory, "all", "default-Pod-unsigned.record.json");
  const record = JSON.parse(await readFile(path, "utf8"));
  const forged = join(directory, "forged.json");
  await writeFile(
    forged,
    JSON.stringify({ ...record, verdict: { ...record.verdict, allowed: true, outcome: "pass" } }),
  );
  const { status, err, out } = await runHere(["replay", forged]);
  expect(out).toContain("denied");
  expect(err).toContain("holds another verdict");
  expect(status).toBe(2);
});

test.each([
  ["not JSON", "{", "not JSON"],
  ["not a record", "{}", "not one of `assay record`"],
])("replay of what is %s exits 2", async (_, text, said) => {
  const path = join(directory, "broken.json");
  await writeFile(path, text);
  const { status, err } = await runHere(["replay", path]);
  expect(err).toContain(said);
  expect(err).not.toContain("    at ");
  expect(status).toBe(2);
});

describe("diff", () => {
  test("of a policy with itself flips nothing", async () => {
    const { status, out } = await runHere(["diff", POLICY, POLICY, join(directory, "all")]);
    expect(out).toContain("4 decisions, 0 would flip");
    expect(status).toBe(0);
  });

  test("names the decision that a stricter policy turns, and why", async () => {
    const stricter = join(directory, "stricter.yaml");
    const text = await readFile(join(ROOT, POLICY), "utf8");
    await writeFile(
      stricter,
      text.replace(
        "generator_container_slsa3.yml@refs/tags/v*",
        "generator_container_slsa3.yml@refs/tags/v9*",
      ),
    );
    const { status, out } = await runHere(["diff", POLICY, stricter, join(directory, "all")]);
    expect(out).toContain("Pod/default/signed: allowed → denied");
    expect(out).toContain("after:  failed to verify image");
    expect(out).toContain("4 decisions, 1 would flip");
    expect(status).toBe(1);
    const json = await runHere(["diff", POLICY, stricter, join(directory, "all"), "--output", "json"]);
    expect(JSON.parse(json.out).diffs.filter((diff: { flips: boolean }) => diff.flips)).toHaveLength(1);
  });

  test("tells a rule of another name as new and the other as gone, though nothing flips", async () => {
    const renamed = join(directory, "renamed.yaml");
    const text = await readFile(join(ROOT, POLICY), "utf8");
    await writeFile(renamed, text.replace("name: signed-with-key", "name: renamed"));
    const { status, out } = await runHere(["diff", POLICY, renamed, join(directory, "all")]);
    expect(out).toContain("Pod/default/unsigned: still denied\n");
    expect(out).toContain("Pod/default/signed: still allowed\n");
    expect(out).toMatch(/^ {2}made-by-cosign\/signed-with-key \S+:v1: gone, was fail$/m);
    expect(out).toMatch(/^ {2}made-by-cosign\/renamed \S+:v1: new: fail \(failed to verify image /m);
    expect(out).toContain("4 decisions, 0 would flip");
    expect(status).toBe(0);
  });

  test("what was not asked when the record was made is never allowed", async () => {
    const other = join(directory, "other.yaml");
    const text = await readFile(join(ROOT, POLICY), "utf8");
    await writeFile(
      other,
      text.replaceAll("- keys:", "- repository: registry.example.com/elsewhere\n                  keys:"),
    );
    const { out } = await runHere(["diff", POLICY, other, join(directory, "all")]);
    expect(out).toContain("Pod/default/signed: allowed → undecided");
    expect(out).toContain("was not asked when this was recorded");
  });
});

describe("explain", () => {
  test.each<[string, object, string]>([
    ["of nothing", { resource: null }, "`resource` is not an object"],
    [
      "with a code that is none",
      { trace: [{ outcome: "pass", code: "fine" }] },
      "`trace[0].code` is none of ours",
    ],
  ])("a verdict %s is named with its file and the field", async (_, over, said) => {
    const record = await readFile(join(directory, "all", "default-Pod-unsigned.record.json"), "utf8");
    const { verdict } = JSON.parse(record);
    await writeFile(join(directory, "odd.json"), JSON.stringify({ ...verdict, ...over }));
    const { status, err } = await runHere(["explain", "odd.json"], { cwd: directory });
    expect(err).toContain(`\`odd.json\` holds no verdict: ${said}`);
    expect(status).toBe(2);
  });

  test("prints the report of apply as a tree", async () => {
    const { out: report } = await runHere(["apply", POLICY, "-r", PODS, ...IMAGES, "--output", "json"]);
    const { out, status } = await runHere(["explain", "-"], { stdin: report });
    expect(out).toContain("Pod default/signed: allowed");
    expect(out).toContain("made-by-cosign.yaml:");
    expect(status).toBe(0);
  });

  test("prints a record", async () => {
    const { out } = await runHere(["explain", join(directory, "all", "default-Pod-unsigned.record.json")]);
    expect(out).toContain("Pod default/unsigned: denied");
  });

  test("as JSON, codes and verdicts together", async () => {
    const record = join(directory, "all", "default-Pod-unsigned.record.json");
    const { out } = await runHere(["explain", "notSigned", record, "--output", "json"]);
    const { codes, verdicts } = JSON.parse(out);
    expect(codes.notSigned.nextStep).toContain("cosign sign");
    expect(verdicts[0].allowed).toBe(false);
  });

  test("says what a code means and what to do", async () => {
    const { out } = await runHere(["explain", "notSigned"]);
    expect(out).toContain("cosign sign");
  });

  test.each(["constructor", "nosuchcode"])("%s is neither a code nor a file", async (text) => {
    const { status, err } = await runHere(["explain", text]);
    expect(err).toContain(`\`${text}\` is neither a code nor a file`);
    expect(status).toBe(2);
  });
});
