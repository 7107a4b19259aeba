import { expect, test } from "vitest";
import type { Judged } from "./world.ts";

/** One abuse case: its number and sentence, how it is judged, and what must come of it. */
export interface AbuseCase {
  /** `22 a signature copied from another image`. */
  readonly name: string;
  readonly judge: () => Judged | Promise<Judged>;
  /** Default `denied`. */
  readonly want?: Judged["outcome"];
  /** Why the case does not hold yet. It fails the run on the day it does. */
  readonly gap?: string;
  /** A code that must be among the reasons. */
  readonly code?: string;
}

/** One test per case, named `NUMBER sentence: outcome`. */
export function abuseCases(cases: readonly AbuseCase[]): void {
  for (const { name, judge, want = "denied", code, gap } of cases) {
    const run = gap === undefined ? test : test.fails;
    run(`${name}: ${want}`, async () => {
      const { outcome, codes, messages } = await judge();
      expect(outcome, messages.join("\n")).toBe(want);
      if (code !== undefined) expect(codes, messages.join("\n")).toContain(code);
    });
  }
}
