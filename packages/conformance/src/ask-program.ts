import { spawnSync } from "node:child_process";

/** Milliseconds for one call, however many questions. */
const deadline = 120_000;

/** Puts questions to a program that reads them from standard input, one JSON a line, and answers each with one, in order. */
export function askProgram<Answer>(
  command: readonly string[],
  questions: readonly unknown[],
): readonly Answer[] {
  const [program = "", ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, {
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(""),
    encoding: "utf8",
    timeout: deadline,
    maxBuffer: 256 << 20,
  });
  const answers = stdout.split("\n").slice(0, -1);
  if (status !== 0 || answers.length !== questions.length)
    throw new Error(
      `${command.join(" ")}: ${answers.length} answers to ${questions.length} questions. ${stderr}`,
    );
  return answers.map((line) => JSON.parse(line));
}
