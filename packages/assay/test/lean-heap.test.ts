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
    const serving = async (options: string): Promise<readonly string[] | null> => {
      const env = { NODE_OPTIONS: `--import=${join(directory, "witness.mjs")} ${options}` };
      return (await runCli(["serve", "missing.yaml"], { env })).err.match(/^set .+$/gm);
    };
    expect(await serving("")).toEqual(["set --optimize-for-size"]);
    expect(await serving("--max-semi-space-size=16")).toBeNull();
  });

  test("where nothing else was chosen", () => {
    const given = ["--import", "./register.mjs", "--max-old-space-size=400", "--no-maglev"];
    expect(leanFlags(given)).toEqual(["--optimize-for-size"]);
  });

  test.each([
    ["--max-semi-space-size=16"],
    ["--max_semi_space_size=16"],
    ["--no-optimize-for-size"],
    ["--nolite-mode"],
  ])("and leaves alone what %s chose", (given) => {
    expect(leanFlags([given])).toEqual([]);
  });
});
