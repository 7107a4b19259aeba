import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...readme.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language, text]) => ({
  language,
  text,
}));

afterEach(() => {
  vi.restoreAllMocks();
});

test("the example of the README is the one that runs here", () => {
  const example = readFileSync(new URL("./readme-example.ts", import.meta.url), "utf8");
  expect(blocks.find(({ language }) => language === "ts")?.text).toBe(example);
});

test("it prints what the README says", async () => {
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await import("./readme-example.ts");
  const printed = written.mock.calls.map(([text]) => String(text)).join("");
  vi.restoreAllMocks();
  expect(printed).toBe(blocks.find(({ language }) => language === "text")?.text);
});
