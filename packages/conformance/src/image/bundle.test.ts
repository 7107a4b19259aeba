import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { repository } from "../workspace.ts";

// `src/image/main.ts` bundles the real packages, once they are built. These are what the script refuses.

const licensed = { version: "1.2.3", license: "MIT" };
/** What npm would install: an assay that imports two packages. */
const installed = {
  "assay/package.json": { name: "assay", type: "module", sideEffects: false, ...licensed },
  "assay/dist/cli.js": 'import "named"; import { name } from "texts"; console.log(name);',
  "@assay/engine/package.json": { name: "@assay/engine", type: "module", ...licensed },
  "@assay/engine/dist/judge-worker.js": "console.log('judges');",
  "named/package.json": { name: "named", main: "index.js", ...licensed },
  "named/index.js": "console.log('effect');",
  "texts/package.json": { name: "texts", main: "esm/index.js", version: "4.5.6" },
  "texts/esm/package.json": { type: "module" },
  "texts/esm/index.js": "export const name = 'texts';",
  "texts/LICENSE.md": "do as you like",
  "texts/NOTICE": "somebody made this",
};
type Files = Readonly<Record<string, string | object | undefined>>;

/** Bundles the packages of a project in which these files are different. */
async function bundle(changed: Files) {
  const directory = mkdtempSync(join(tmpdir(), "assay-bundle-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries({ ...installed, ...changed })) {
    if (content === undefined) continue;
    const file = join(directory, "node_modules", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  }
  const to = join(directory, "app");
  const args = [join(repository, "deploy/bundle.mts"), directory, to];
  const { status, stderr } = await run(args);
  return {
    status,
    stderr,
    has: (name: string) => existsSync(join(to, name)),
    read: (name: string) => readFileSync(join(to, name), "utf8"),
    run: (name: string) => run([join(to, name)]),
  };
}

function run(args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
  });
}

test("the bundle runs without the packages, and says whose code it holds, by which licence", async () => {
  const made = await bundle({});
  expect(made.stderr).toBe("");
  expect((await made.run("dist/cli.js")).stdout).toBe("effect\ntexts\n");
  expect((await made.run("dist/judge-worker.js")).stdout).toBe("judges\n");
  expect(JSON.parse(made.read("package.json"))).toMatchObject({ name: "assay", version: "1.2.3" });
  const notices = made.read("NOTICES.txt");
  for (const line of ["assay 1.2.3 (MIT)", "@assay/engine 1.2.3 (MIT)", "named 1.2.3 (MIT)"])
    expect(notices).toContain(`${line}\n`);
  expect(notices).toMatch(/texts 4\.5\.6 .*\n=+\n\ndo as you like\n\nsomebody made this\n/);
});

test.each<readonly [string, Files, string]>([
  ["a package without a licence", { "texts/LICENSE.md": undefined, "texts/NOTICE": undefined }, "no licence"],
  [
    "a package that is not installed",
    { "assay/dist/cli.js": 'import "other";' },
    'Could not resolve "other"',
  ],
  [
    "one that would be looked for when it runs",
    { "assay/dist/cli.js": 'try { await import("other"); } catch {}' },
    "not installed, so not in the bundle: other",
  ],
  [
    "one that is required only where it is there",
    { "named/index.js": 'try { require("other"); } catch {}' },
    "not installed, so not in the bundle: other",
  ],
])("refuses %s, and leaves nothing that looks whole", async (_, changed, reason) => {
  const made = await bundle(changed);
  expect(made.stderr).toContain(reason);
  expect(made.status).toBe(1);
  expect(made.has("NOTICES.txt")).toBe(false);
});
