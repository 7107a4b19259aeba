import type { Verdict } from "@assay/engine";
import { expect } from "vitest";
import { type DenialExpectation, isAllowed, isDenied, type MatchResult } from "./matchers.ts";
import { verdictSerializer } from "./verdict-serializer.ts";

expect.extend({
  toBeAllowed: (received: Verdict): MatchResult => isAllowed(received),
  toBeDenied: (received: Verdict, expected?: DenialExpectation): MatchResult => isDenied(received, expected),
});

expect.addSnapshotSerializer(verdictSerializer);

declare module "vitest" {
  // Type parameters as vitest declares them: declarations only merge where they are identical.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** The verdict allows. */
    toBeAllowed(this: Matchers<R, T>): R;
    /** The verdict denies; with `code` or `message`, for that reason. */
    toBeDenied(this: Matchers<R, T>, expected?: DenialExpectation): R;
  }
}

export type { DenialExpectation };
