/** One for all: making it takes a stack trace. */
const overdue = new DOMException("the evaluation did not end in time", "TimeoutError");
/** How long an evaluation whose signal was aborted may take to say so, with its reasons. */
const graceMs = 200;

/**
 * Has `timeoutMs` milliseconds for the work, whose signal is aborted then. What does not heed it is left behind 200 ms
 * later, by rejection with a `TimeoutError`: the API server would take silence by its own failurePolicy.
 */
export async function inTime<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  // Own timers rather than `AbortSignal.timeout`, which can't be called off: at hundreds of reviews a second, thousands
  // of finished ones would stay in memory until their time is up.
  const deadline = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const late = new Promise<never>((_resolve, reject) => {
    timers.push(setTimeout(() => deadline.abort(overdue), timeoutMs));
    timers.push(setTimeout(() => reject(overdue), timeoutMs + graceMs));
  });
  try {
    return await Promise.race([work(deadline.signal), late]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}
