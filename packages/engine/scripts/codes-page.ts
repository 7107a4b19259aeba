import type { Outcome } from "@assay/policy";
import { codes } from "../src/verdict/codes.ts";

const sections: readonly (readonly [Outcome, string])[] = [
  ["fail", "`fail`: follows from the evidence, or from the object. Asking again would not help."],
  ["error", '`error`: could not be told. It is never reported as "not signed", and never allows by itself.'],
  ["skip", "`skip`: was not asked, or does not apply."],
  ["pass", "`pass`: holds."],
];

/** `docs/codes.md`: every code with what it means and what to do. */
export function codesPage(): string {
  const lines = [
    "# Codes",
    "",
    "<!-- Made by packages/engine/scripts/write-codes.ts from packages/engine/src/verdict/codes.ts: change it there. -->",
    "",
    "Every result and every step of a trace has one of these codes. They are stable: programs may switch on them.",
    "What an outcome does to the request (`failureAction`, `failurePolicy`) is in the README of `@assay/engine`.",
  ];
  for (const [outcome, title] of sections) {
    lines.push("", `## ${title}`, "", "| code | what was found | what to do |", "| --- | --- | --- |");
    for (const [code, help] of Object.entries(codes)) {
      if (help.outcome === outcome) lines.push(`| \`${code}\` | ${help.meaning} | ${help.nextStep} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
