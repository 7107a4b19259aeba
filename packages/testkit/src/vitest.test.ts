import type { Verdict } from "@assay/engine";
import { expect, test } from "vitest";
import "./vitest.ts";

const verdict = (allowed: boolean): Verdict => ({
  resource: { kind: "Pod", name: "web" },
  allowed,
  outcome: allowed ? "pass" : "fail",
  results: [
    {
      ...{ policy: "signed", rule: "key", image: "a/b:1", failureAction: "Enforce" },
      ...(allowed
        ? { outcome: "pass", code: "ok", message: "verified" }
        : { outcome: "fail", code: "notSigned", message: "no signatures found" }),
    },
  ],
  patches: [],
  warnings: [],
  trace: [],
});

test("toBeAllowed and toBeDenied say what a verdict is and why", () => {
  expect(verdict(true)).toBeAllowed();
  expect(verdict(false)).not.toBeAllowed();
  expect(verdict(false)).toBeDenied();
  expect(verdict(false)).toBeDenied({ code: "notSigned" });
  expect(verdict(false)).toBeDenied({ code: "notSigned", message: /^no signatures/ });
  expect(verdict(true)).not.toBeDenied();
  expect(() => expect(verdict(false)).toBeAllowed()).toThrow(
    "fail notSigned: signed/key a/b:1: no signatures found",
  );
});

test("a denial for another reason is not the one that was asked for", () => {
  expect(verdict(false)).not.toBeDenied({ code: "untrustedSigner" });
  expect(verdict(false)).not.toBeDenied({ message: "expired" });
  expect(() => expect(verdict(false)).toBeDenied({ code: "untrustedSigner" })).toThrow(
    "with code `untrustedSigner`",
  );
});
