import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leanFlags } from "../src/serve/lean-heap.ts";
import { runCli } from "./run-cli.ts";

// Loaded before the command: says which flags are set while the process runs.
const witness = `
import { syncBuiltinESMExports } from "node:module";
import v8 from "node:v8";
const set = v8.setFlagsFromString;
v8.setFlagsFromString = (flag) => {
  process.stderr.write(\`set \${flag}\\n\`);
  set(flag);
};
syncBuiltinESMExports();
`;
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "assay-heap-"));
  writeFileSync(join(directory, "witness.mjs"), witness);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("assay serve has V8 keep little memory", () => {
  test("when the command serves, beside what NODE_OPTIONS says", async () => {
    const env = { NODE_OPTIONS: `--import=${join(directory, "witness.mjs")} --max-semi-space-size=16` };
    const { err } = await runCli(["serve", "missing.yaml"], { env });
    expect(err.match(/^set .+$/gm)).toEqual(["set --no-maglev"]);
  });

  test("where nothing else was chosen", () => {
    expect(leanFlags(["--import", "./register.mjs", "--max-old-space-size=400"])).toEqual([
      "--optimize-for-size",
      "--no-maglev",
    ]);
  });

  test.each([
    ["--max-semi-space-size=16", ["--no-maglev"]],
    ["--max_semi_space_size=16", ["--no-maglev"]],
    ["--no-optimize-for-size", ["--no-maglev"]],
    ["--maglev", ["--optimize-for-size"]],
    ["--no-maglev", ["--optimize-for-size"]],
    ["--nomaglev", ["--optimize-for-size"]],
    ["--lite-mode", []],
  ])("and leaves alone what %s chose", (given, flags) => {
    expect(leanFlags([given])).toEqual(flags);
  });
});
