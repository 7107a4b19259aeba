import { PendingLookup } from "../gather/answer-book.ts";

/** A step's value, or that it waits for an answer. */
export type Attempt<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "pending"; readonly error: PendingLookup };

/** Runs a step; anything but `PendingLookup` is thrown on. */
export function attempt<T>(step: () => T): Attempt<T> {
  try {
    return { kind: "done", value: step() };
  } catch (error) {
    if (error instanceof PendingLookup) return { kind: "pending", error };
    throw error;
  }
}

/** Runs every step so that each notes its wishes, and only then says that something is pending. */
export function settle<T>(steps: readonly (() => T)[]): T[] {
  const tried = steps.map(attempt);
  const pending = tried.find((one) => one.kind === "pending");
  if (pending?.kind === "pending") throw pending.error;
  return tried.flatMap((one) => (one.kind === "done" ? [one.value] : []));
}
