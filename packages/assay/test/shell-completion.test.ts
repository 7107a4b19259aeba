import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../src/commands/index.ts";
import { createProgram, runCommandLine } from "../src/terminal/command-line.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const directory = mkdtempSync(join(tmpdir(), "assay-completion-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The last word of what each shell makes of a line when the tabulator is pressed at its end. */
const completed = {
  bash: (file: string, line: string): string => {
    const asked = `COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _assay; echo "\${COMPREPLY[@]}"`;
    return output("bash", "-c", `source ${file}; ${asked}`);
  },
  zsh: (file: string, line: string): string => {
    const program = fileURLToPath(new URL("complete.zsh", import.meta.url));
    return output("zsh", "-f", program, file, line).split(" ").at(-1) ?? "";
  },
  fish: (file: string, line: string): string =>
    output("fish", "-c", `source ${file}; complete -C '${line}'`).split("\t")[0] ?? "",
} as const;

function output(shell: string, ...args: readonly string[]): string {
  return execFileSync(shell, args, { encoding: "utf8", timeout: 20_000 }).trim();
}

describe.each(["bash", "zsh", "fish"] as const)("in %s", (shell) => {
  const file = join(directory, shell);
  let script = "";
  beforeAll(async () => {
    const terminal = fakeTerminal({ cwd: "/" });
    expect(await runCommandLine(["completion", shell], terminal, commands)).toBe(0);
    script = terminal.printed.out;
    writeFileSync(file, script);
  });

  test("every command is known", () => {
    const program = createProgram({ terminal: fakeTerminal({ cwd: "/" }), finish: () => {} }, commands);
    for (const command of program.commands) expect(script).toContain(command.name());
  });

  test.skipIf(spawnSync(shell, ["-c", "exit 0"]).status !== 0).each([
    ["assay rek", "rekor"],
    ["assay rekor search --sh", "--sha"],
    ["assay apply --output sa", "sarif"],
  ])("`%s` becomes `%s`", (line, word) => {
    expect(completed[shell](file, line)).toBe(word);
  });
});
