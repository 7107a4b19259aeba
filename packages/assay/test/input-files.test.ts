import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readInputFiles } from "../src/inputs/input-files.ts";
import { readObjects } from "../src/inputs/read-objects.ts";
import { fakeTerminal } from "./fake-terminal.ts";

let cwd = "";
const FILES = ["a.yaml", "b.json", "c.txt", "sub/d.yml", "sub/deep/e.yaml", ".hidden/f.yaml", "{x}.yaml"];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-files-"));
  await mkdir(join(cwd, "sub/deep"), { recursive: true });
  await mkdir(join(cwd, "empty"));
  await mkdir(join(cwd, ".hidden"));
  for (const file of FILES) await writeFile(join(cwd, file), `# ${file}`);
  await symlink(cwd, join(cwd, "sub/loop"));
});
afterAll(() => rm(cwd, { recursive: true }));

test.each([
  [["a.yaml"], ["a.yaml"]],
  [["c.txt"], ["c.txt"]],
  [["./a.yaml", "a.yaml"], ["./a.yaml"]],
  [["."], [".hidden/f.yaml", "a.yaml", "b.json", "sub/d.yml", "sub/deep/e.yaml", "{x}.yaml"]],
  [["sub"], ["sub/d.yml", "sub/deep/e.yaml"]],
  [["*.yaml"], ["a.yaml", "{x}.yaml"]],
  [["**/*.yaml"], [".hidden/f.yaml", "a.yaml", "sub/deep/e.yaml", "{x}.yaml"]],
  [["sub/**/*.y*ml"], ["sub/d.yml", "sub/deep/e.yaml"]],
  [["[ab].*"], ["a.yaml", "b.json"]],
  [["{x}.yaml"], ["{x}.yaml"]],
])("%j names %j", async (patterns, expected) => {
  const files = await readInputFiles(patterns, fakeTerminal({ cwd }));
  expect(files.map((file) => file.file)).toEqual(expected);
});

test("- is standard input, read once", async () => {
  const files = await readInputFiles(["-", "-"], fakeTerminal({ cwd, stdin: "kind: Pod" }));
  expect(files).toEqual([{ file: "-", text: "kind: Pod" }]);
});

test.each([
  ["nowhere.yaml", "no file matches `nowhere.yaml`"],
  ["no/where/*.yaml", "no file matches `no/where/*.yaml`"],
  ["{a,b}.yaml", "no file matches `{a,b}.yaml`"],
  ["empty", "directory `empty` holds no .yaml, .yml or .json file"],
])("%s: %s", async (pattern, message) => {
  await expect(readInputFiles([pattern], fakeTerminal({ cwd }))).rejects.toMatchObject({
    code: "fileNotFound",
    message,
  });
});

test("a file larger than the limit is refused, not cut", async () => {
  const limits = { maxBytes: 3 };
  await expect(readInputFiles(["a.yaml"], fakeTerminal({ cwd }), limits)).rejects.toMatchObject({
    code: "fileTooLarge",
  });
});

test("a directory with too many files is refused, not cut", async () => {
  const limits = { maxFiles: 2 };
  await expect(readInputFiles(["."], fakeTerminal({ cwd }), limits)).rejects.toMatchObject({
    code: "tooManyFiles",
  });
});

test("objects are looked for wherever kubectl would find them, policies not among what was installed", async () => {
  const installed = join(cwd, "k8s/node_modules/x");
  await mkdir(installed, { recursive: true });
  const text = "{ kind: Pod, metadata: { name: hidden } }";
  await writeFile(join(installed, "pod.yaml"), text);
  await writeFile(join(cwd, "k8s/pod.yaml"), text.replace("hidden", "seen"));
  const terminal = fakeTerminal({ cwd });
  const objects = await readObjects(["k8s"], terminal);
  expect(objects.map(({ file }) => file)).toEqual(["k8s/node_modules/x/pod.yaml", "k8s/pod.yaml"]);
  expect((await readInputFiles(["k8s"], terminal)).map(({ file }) => file)).toEqual(["k8s/pod.yaml"]);
});
