import type { Terminal } from "./terminal.ts";

/** A counter on standard error, drawn over itself; silent where nobody watches. */
export interface Progress {
  step(): void;
  /** Takes the counter away. */
  done(): void;
}

/** Starts a counter of `total` steps. One step needs no counter. */
export function showProgress(terminal: Terminal, total: number, what = "judging"): Progress {
  if (!terminal.progress || total < 2) return { step: () => {}, done: () => {} };
  let count = 0;
  const draw = (): void => terminal.err(`\r${what} ${count} of ${total}`);
  draw();
  return {
    step: () => {
      count++;
      draw();
    },
    done: () => terminal.err("\r\u001b[K"),
  };
}
