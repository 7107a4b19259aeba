import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** The abuse list has cases 1 to 94. Where they are tested: here end to end, and with the sources' own servers. */
const FOLDERS = [new URL("./", import.meta.url), new URL("../../../sources/test/", import.meta.url)];

test("every case of the abuse list has a test that bears its number", () => {
  const numbers = new Set<number>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".test.ts"))) {
      const text = readFileSync(new URL(name, folder), "utf8");
      for (const [, number] of text.matchAll(/["'`](\d{1,2}) [^\s"'`]/g)) numbers.add(Number(number));
    }
  }
  const missing = Array.from({ length: 94 }, (_, i) => i + 1).filter((number) => !numbers.has(number));
  expect(missing).toEqual([]);
});
