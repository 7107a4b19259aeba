import { readFileSync } from "node:fs";
import { type Json, parseDocuments } from "@assay/policy";
import { expect, test } from "vitest";

interface RecordedText {
  readonly text: string;
  readonly objects?: readonly Json[];
  readonly error?: string;
}

const file = new URL("../cases/kubernetes/yaml.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { readonly cases: readonly RecordedText[] };
const read = cases.filter(({ objects }) => objects !== undefined);
const isAccepted = (text: string): boolean =>
  !parseDocuments({ text }).diagnostics.some(({ severity }) => severity === "error");

test.each(read)("what is judged is what kubectl would apply, or nothing is: %#", ({ text, objects }) => {
  const { documents } = parseDocuments({ text });
  if (isAccepted(text)) expect(documents).toEqual(objects);
});

test("of ordinary texts nothing is refused", () => {
  expect(read.filter(({ text }) => isAccepted(text)).length).toBeGreaterThan(read.length / 5);
});
