import { askProgram } from "../ask-program.ts";

/** What a reader made of a text: a value, or why it refuses. */
export type Answer = { readonly value: unknown } | { readonly error: string };

/** Reads texts with `reader` of the program of scripts/lanes/go-readers: an answer for each, in order. */
export function askGo(program: string, reader: string, texts: readonly string[]): readonly Answer[] {
  return askProgram([program, reader], texts);
}
