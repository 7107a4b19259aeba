/**
 * One recorded case as a glue module sees it: `{"$def"}` expanded, `{"$number":"+Inf"}` a number, `{"$bytes"}` a
 * `Uint8Array`, integers beyond 2^53 a `bigint`. Everything but `id` and `fn` depends on the function.
 */
export interface TableCase {
  readonly id: string;
  /** Which question is asked: `search`, `substitute`, `operator`, `imageInfo` … */
  readonly fn: string;
  /** The clock that the case is judged at, where it says one. */
  readonly now?: string;
  readonly [input: string]: unknown;
}

/** What assay says: a value, or an error that it returned on purpose. */
export type Received =
  | { readonly value: unknown }
  | {
      readonly error: string;
      /** Kyverno's class of the same error, where the package tells classes apart. */
      readonly errorClass?: string;
    };

/**
 * Asks the package under test. Turns the package's own error class into `error`; anything else it lets fly, and the
 * case counts as crashed.
 */
export type AnswerCase = (asked: TableCase) => Received;

/** What one glue module answers, by `fn`. */
export type Answers = Readonly<Record<string, AnswerCase>>;

/** An object of unknown fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether foreign JSON is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
