import { spawnSync } from "node:child_process";

/** What a reader made of a text: a value, or why it refuses. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** Reads texts with `reader` of the program of scripts/lanes/go-readers: an answer for each, in order. */
export function askGo(program: string, reader: string, texts: readonly string[]): readonly Answer[] {
  const { status, stdout, stderr } = spawnSync(program, [reader], {
    input: texts.map((text) => `${JSON.stringify(text)}\n`).join(""),
    encoding: "utf8",
    timeout: 60_000,
    maxBuffer: 256 << 20,
  });
  const answers = stdout.split("\n").slice(0, -1);
  if (status !== 0 || answers.length !== texts.length)
    throw new Error(`${program} ${reader}: ${answers.length} answers to ${texts.length} texts. ${stderr}`);
  return answers.map((line) => JSON.parse(line));
}
