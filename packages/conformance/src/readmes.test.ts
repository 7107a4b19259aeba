import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { repository } from "./workspace.ts";

const run = promisify(execFile);

interface Example {
  readonly name: string;
  readonly code: string;
  /** The `text` block that follows the example, if one does: what it prints. */
  readonly prints?: string;
}

/** Every `ts` block of a document is a program; a `text` block right behind it is its output. */
function examplesOf(document: string): readonly Example[] {
  const markdown = readFileSync(join(repository, document), "utf8");
  const blocks = [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return blocks.flatMap(([, language, code = ""], i) => {
    if (language !== "ts") return [];
    const next = blocks[i + 1];
    const prints = next?.[1] === "text" ? next[2] : undefined;
    return [{ name: `${document}, block ${i + 1}`, code, ...(prints === undefined ? {} : { prints }) }];
  });
}

const packages = readdirSync(join(repository, "packages")).filter((name) => name !== "conformance");
const documents = ["README.md", "docs/start.md", ...packages.map((name) => `packages/${name}/README.md`)];

test.each(documents)("%s exists and has an example", (document) => {
  expect(existsSync(join(repository, document)), `${document} is missing`).toBe(true);
  expect(examplesOf(document).length).toBeGreaterThan(0);
});

describe("an example of a README runs and prints what it says", () => {
  const examples = documents.filter((document) => existsSync(join(repository, document))).flatMap(examplesOf);
  test.each(examples.map((example) => [example.name, example] as const))(
    "%s",
    async (_name, { code, prints }) => {
      const flags = ["--conditions=assay:source", "--disable-warning=ExperimentalWarning"];
      // This package depends on all the others, so every import of a README resolves from here.
      const cwd = join(repository, "packages/conformance");
      const args = [...flags, "--input-type=module-typescript", "--eval", code];
      const { stdout } = await run(process.execPath, args, { cwd, timeout: 30_000 });
      if (prints !== undefined) expect(stdout.trimEnd()).toBe(prints.trimEnd());
    },
  );
});
