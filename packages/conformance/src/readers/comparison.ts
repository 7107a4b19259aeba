import type fc from "fast-check";
import type { Answer } from "./go-reader.ts";

/** One kind of text that two readers must not read differently. */
export interface Comparison {
  /** Of the Go reader. */
  readonly name: string;
  readonly sentence: string;
  readonly texts: fc.Arbitrary<string>;
  readonly read: (text: string) => Answer;
}
