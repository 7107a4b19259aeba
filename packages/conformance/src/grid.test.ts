import { describe, expect, test } from "vitest";
import { cellName, cells, expectationOf } from "./grid/cells.ts";
import { formatsPage } from "./grid/formats-page.ts";
import { gridSigners, judgeCell } from "./grid/judge-cell.ts";

const signers = gridSigners();
const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte));

describe("every kind of signer in every format with every proof", () => {
  for (const cell of cells()) {
    const expected = expectationOf(cell);
    if (expected.outcome === "impossible") continue;
    test(`${cellName(cell)}: ${expected.outcome}`, () => {
      const { outcome, codes, messages } = judgeCell(signers, cell);
      expect(outcome, messages.join("\n")).toBe(expected.outcome);
      if (expected.outcome === "denied") expect(codes).toContain(expected.code);
      const broken = judgeCell(signers, cell, { edit: { signature: flipped } });
      expect(broken.outcome, broken.messages.join("\n")).toBe("denied");
    });
  }
});

test("docs/formats.md is what the grid says", async () => {
  await expect(formatsPage()).toMatchFileSnapshot("../../../docs/formats.md");
});
