/** What a series of requests took. */
export interface Series {
  /** Milliseconds of each request. */
  readonly times: readonly number[];
  readonly seconds: number;
}

/** Makes `count` requests, `concurrency` at a time, and times each one. */
export async function load(
  count: number,
  concurrency: number,
  request: () => Promise<void>,
): Promise<Series> {
  const times: number[] = [];
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun++;
      const began = performance.now();
      await request();
      times.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  return { times, seconds: (performance.now() - began) / 1000 };
}
