import type { Result, Verdict } from "@assay/engine";
import { expect, test } from "vitest";
import { denialText } from "./denial-text.ts";

const result = (policy: string, rule: string, outcome: Result["outcome"]): Result => ({
  ...{ policy, rule, outcome, failureAction: "Enforce" },
  code: outcome === "error" ? "unavailable" : "notSigned",
  message: `${outcome} of ${rule}`,
});
const verdict = (resource: Verdict["resource"], ...results: readonly Result[]): Verdict => ({
  ...{ resource, results, allowed: false, outcome: "fail", patches: [], warnings: [], trace: [] },
});

test("a denial names every rule that failed or could not be decided, under its policy, and no other", () => {
  const text = denialText(
    verdict(
      { kind: "Pod", namespace: "prod", name: "web" },
      result("signed", "key", "fail"),
      result("signed", "log", "error"),
      result("signed", "tag", "pass"),
      result("scanned", "vuln", "skip"),
      result("built", "slsa", "fail"),
    ),
  );
  expect(text).toBe(`

resource Pod/prod/web was blocked due to the following policies

signed:
  key: fail of key [notSigned]
  log: error of log [unavailable]
built:
  slsa: fail of slsa [notSigned]`);
});

test.each<[Verdict["resource"], string]>([
  [{ kind: "Node", name: "n1" }, "resource Node/n1 was blocked"],
  [{ kind: "Pod", namespace: "prod", name: "" }, "resource Pod/prod was blocked"],
])("%j is named by what it has", (resource, text) => {
  expect(denialText(verdict(resource, result("p", "r", "fail")))).toContain(text);
});
