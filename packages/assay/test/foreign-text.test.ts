import type { Verdict } from "@assay/engine";
import { expect, test } from "vitest";
import { testTable } from "../src/policy-test/test-table.ts";
import { verdictText } from "../src/terminal/verdict-text.ts";
import { fakeTerminal } from "./fake-terminal.ts";

// What a manifest, a registry or a certificate says must not paint over our own words.
const hostile = "x\u001b[2K\u001b[1A\rallowed\u202e\u061c";

test("the name of a resource that is allowed cannot steer the terminal", () => {
  const verdict: Verdict = {
    resource: { kind: hostile, namespace: hostile, name: hostile },
    allowed: true,
    outcome: "skip",
    ...{ results: [], patches: [], warnings: [hostile], trace: [] },
  };
  const text = verdictText(verdict, fakeTerminal({ cwd: "/" }));
  expect(text).toMatch(/^allowed x\\u001b\[2K/);
  for (const steering of ["\u001b", "\r", "\u202e", "\u061c"]) expect(text).not.toContain(steering);
});

test("what a test's table quotes cannot steer the terminal, nor begin a row", () => {
  const row = { test: "t", policy: hostile, rule: hostile, resource: hostile } as const;
  const rows = [
    { ...row, expected: "pass", received: "fail", passed: false, reason: `${hostile}\n│ 9` } as const,
  ];
  const table = testTable(rows, false);
  for (const steering of ["\u001b", "\r", "\u202e", "\u061c"]) expect(table).not.toContain(steering);
  expect(table.split("\n")).toHaveLength(6);
});
