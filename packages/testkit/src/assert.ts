import { AssertionError } from "node:assert";
import type { Verdict } from "@assay/engine";
import { type DenialExpectation, isAllowed, isDenied, type MatchResult } from "./matchers.ts";

/** Throws an `AssertionError` with every reason unless the verdict allows. For node:test and anything else. */
export function assertAllowed(verdict: Verdict): void {
  demand(isAllowed(verdict), assertAllowed);
}

/** Throws an `AssertionError` unless the verdict denies, for the reason given. */
export function assertDenied(verdict: Verdict, expected: DenialExpectation = {}): void {
  demand(isDenied(verdict, expected), assertDenied);
}

function demand({ pass, message }: MatchResult, stackStartFn: typeof assertAllowed): void {
  if (!pass) throw new AssertionError({ message: message(), stackStartFn });
}

export { stableExplain } from "./stable-explain.ts";
export type { DenialExpectation };
