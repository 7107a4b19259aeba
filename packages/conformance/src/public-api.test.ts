import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exportsOf, repository, workspacePackages } from "./workspace.ts";

const doors = workspacePackages()
  .filter(({ manifest }) => manifest.private !== true)
  .flatMap(({ directory, manifest }) =>
    Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
      typeof target === "string"
        ? []
        : [{ name: `${manifest.name}${path.slice(1)}`, file: sourceOf(directory, target) }],
    ),
  );

function sourceOf(directory: string, target: Readonly<Record<string, string>>): string {
  const source = target["assay:source"];
  if (source === undefined) throw new Error(`an export of ${directory} has no condition assay:source`);
  return join(directory, source);
}

describe.each(doors)("$name", ({ name, file }) => {
  const exported = exportsOf(file);

  test("exports what the list in api/ says", async () => {
    const lines = exported.map((entry) => `${entry.typeOnly ? "type " : ""}${entry.name}`);
    const list = `${lines.sort().join("\n")}\n`;
    await expect(list).toMatchFileSnapshot(join("../api", `${name.replaceAll("/", "+")}.txt`));
  });

  test("names what it exports: no default, no `export *`", () => {
    expect(exported.filter((entry) => entry.name === "default" || entry.name === "*")).toEqual([]);
  });
});

test("every package can be required from CommonJS: no module waits at its top level", () => {
  const load = `for (const file of ${JSON.stringify(doors.map(({ file }) => file))}) {
    try { require(file); } catch (error) { console.log(file + ": " + error.code + " " + error.message.split("\\n")[0]); }
  }`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=assay:source", "--disable-warning=ExperimentalWarning", "--eval", load],
    { cwd: join(repository, "packages/conformance"), encoding: "utf8", timeout: 60_000 },
  );
  expect(stdout).toBe("");
  expect(stderr).toBe("");
});
