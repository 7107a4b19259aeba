import type { Verdict } from "@assay/engine";
import { stableExplain } from "./stable-explain.ts";

const FIELDS = ["allowed", "outcome", "results", "patches", "trace"];

/** Makes `expect(verdict).toMatchSnapshot()` keep the explanation, without what differs from run to run. */
export const verdictSerializer: {
  test(value: unknown): boolean;
  serialize(verdict: Verdict): string;
} = {
  test: (value) =>
    typeof value === "object" && value !== null && FIELDS.every((field) => Object.hasOwn(value, field)),
  serialize: stableExplain,
};
