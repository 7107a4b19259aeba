import { describe, expect, test } from "vitest";
import { type Cell, cellName, cells, expectationOf } from "./grid/cells.ts";
import { formatsPage } from "./grid/formats-page.ts";
import { gridSigners, judgeCell } from "./grid/judge-cell.ts";

const signers = gridSigners();
const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte));

/** Cells that do not hold yet. Each fails the run on the day it does. */
function gapOf({ format }: Cell): string | undefined {
  return format.content === "message"
    ? "message signatures over the image manifest are not read yet"
    : undefined;
}

describe("every kind of signer in every format with every proof", () => {
  for (const cell of cells()) {
    const expected = expectationOf(cell);
    if (expected.outcome === "impossible") continue;
    const gap = gapOf(cell);
    if (gap !== undefined && expected.outcome === "denied") continue;
    const run = gap === undefined ? test : test.fails;
    run(`${cellName(cell)}: ${expected.outcome}`, () => {
      const { outcome, codes, messages } = judgeCell(signers, cell);
      expect(outcome, messages.join("\n")).toBe(expected.outcome);
      if (expected.outcome === "denied") expect(codes).toContain(expected.code);
      const broken = judgeCell(signers, cell, { edit: { signature: flipped } });
      expect(broken.outcome, broken.messages.join("\n")).toBe("denied");
    });
  }
});

test("docs/formats.md is what the grid says", async () => {
  await expect(formatsPage(gapOf)).toMatchFileSnapshot("../../../docs/formats.md");
});
