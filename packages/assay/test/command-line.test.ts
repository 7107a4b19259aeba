import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { runCommandLine } from "../src/command-line.ts";
import { commands } from "../src/commands/index.ts";
import { plainText } from "../src/plain-text.ts";
import { fakeTerminal } from "./fake-terminal.ts";

async function assay(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const terminal = fakeTerminal({ cwd: "/" });
  const status = await runCommandLine(args, terminal, commands);
  return { status, ...terminal.printed };
}

test.each([["--help"], ["help"], ["--version"], ["rekor", "--help"]])("%s %s exits 0", async (...args) => {
  const { status, out, err } = await assay(...args);
  expect(status).toBe(0);
  expect(out).not.toBe("");
  expect(err).toBe("");
});

test.each(commands.map((_, i) => i))("command %i has a description and examples", async (i) => {
  const { out } = await assay("--help");
  const names = [...out.matchAll(/^ {2}([a-z-]+)\b(?! *\[command\])/gm)].map((match) => match[1] ?? "");
  const known = names.filter((name) => name !== "help" && name !== "assay");
  const { out: help } = await assay(
    ...(known[i] === "rekor" ? ["rekor", "search"] : [known[i] ?? ""]),
    "--help",
  );
  expect(help).toContain("Examples:");
});

test("a misspelt command exits 2 and proposes the right one", async () => {
  const { status, err } = await assay("completoin");
  expect(status).toBe(2);
  expect(err).toContain("Did you mean completion?");
});

test.each(["bash", "zsh", "fish"])("the %s completion names every command", async (shell) => {
  const { status, out } = await assay("completion", shell);
  expect(status).toBe(0);
  expect(out).toContain("rekor");
  expect(out).toContain("search");
});

test("the bash completion is valid and completes commands, flags and choices", async () => {
  const { out } = await assay("completion", "bash");
  const complete = (words: string): string =>
    execFileSync(
      "bash",
      [
        "-c",
        `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _assay; echo "\${COMPREPLY[@]}"`,
      ],
      { encoding: "utf8" },
    ).trim();
  expect(complete("assay rek")).toBe("rekor");
  expect(complete("assay rekor search --sh")).toBe("--sha");
  expect(complete("assay apply --output sa")).toBe("sarif");
});

test("foreign text cannot paint over ours", () => {
  expect(plainText("a\u001b[2Kb\r\u009bc\u202ed\n")).toBe("a\\u001b[2Kb\\u000d\\u009bc\\u202ed\n");
});
