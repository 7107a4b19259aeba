import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repository } from "../../workspace.ts";
import { expectedDifferences } from "./differences.ts";

test("every difference that is recognised has its row in docs/compatibility.md", () => {
  const subjects = readFileSync(join(repository, "docs/compatibility.md"), "utf8")
    .split("\n")
    .flatMap((line) => /^\| (.*?) \| /.exec(line)?.[1] ?? []);
  const missing = expectedDifferences.filter(({ row }) => !subjects.includes(row));
  expect(missing.map(({ row }) => row)).toEqual([]);
});
