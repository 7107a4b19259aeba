import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./workspace.ts";

/** A row of docs/compatibility.md. */
export interface CompatibilityRow {
  /** What it is about: its first cell. */
  readonly subject: string;
  /** A file of tests, or the name of one in differences.test.ts: its last cell. */
  readonly test: string;
}

/** Every row, of both tables. */
export function compatibilityRows(): readonly CompatibilityRow[] {
  return readFileSync(join(repository, "docs/compatibility.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| subject"))
    .map((line) => line.split(" | "))
    .map((cells) => ({
      subject: (cells[0] ?? "").replace(/^\| /, ""),
      test: (cells.at(-1) ?? "").replace(/ \|$/, ""),
    }));
}

/** What the rows are about. */
export function compatibilitySubjects(): readonly string[] {
  return compatibilityRows().map(({ subject }) => subject);
}
