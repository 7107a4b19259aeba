import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { codesPage } from "../scripts/codes-page.ts";
import { codes, nextStep } from "../src/verdict/codes.ts";

test("docs/codes.md is what the table of codes makes of it", () => {
  const page = readFileSync(new URL("../../../docs/codes.md", import.meta.url), "utf8");
  expect(page).toBe(codesPage());
});

test.each(Object.entries(codes))("%s tells what was found and what to do, in sentences", (_code, help) => {
  expect(help.meaning).toMatch(/^[A-Z`].*\.$/);
  expect(help.nextStep).toMatch(/^[A-Z`].*[.)]$/s);
});

test("a next step is there for every code", () => {
  expect(nextStep("notSigned")).toContain("cosign sign");
});
