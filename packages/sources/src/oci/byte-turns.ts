/** About a millisecond's work: what one turn of the event loop hashes and copies at most. */
const turnBytes = 512 * 1024;

/** Shares out the work on large bytes among turns of the event loop, so that none of them is held up. */
export interface ByteTurns {
  /** Calls `work` with slice after slice; in one turn of the event loop with 512 KiB at most, whoever else asks. */
  each(bytes: Uint8Array, work: (slice: Uint8Array, at: number) => void): Promise<void>;
}

/** One budget for everything that a source does. */
export function byteTurns(): ByteTurns {
  let left = turnBytes;
  let next: Promise<void> | undefined;
  const nextTurn = (): Promise<void> => {
    next ??= new Promise((resolve) => {
      setImmediate(() => {
        next = undefined;
        left = turnBytes;
        resolve();
      });
    });
    return next;
  };
  return {
    async each(bytes, work) {
      for (let at = 0; at < bytes.byteLength; ) {
        while (left === 0) await nextTurn();
        // Asked for also where nobody waits: what is used up in this turn is there again in the next.
        void nextTurn();
        const slice = bytes.subarray(at, at + left);
        left -= slice.byteLength;
        work(slice, at);
        at += slice.byteLength;
      }
    },
  };
}
