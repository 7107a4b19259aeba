/** Median, smallest and largest of several runs, in milliseconds. */
export interface Timing {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Times `work` several times; the first run is thrown away where `warmUp` says so. */
export async function timed(
  work: () => Promise<unknown>,
  { runs, warmUp }: { readonly runs: number; readonly warmUp: boolean },
): Promise<Timing> {
  if (warmUp) await work();
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.round(share * (times.length - 1))] ?? 0;
  return { median: at(0.5), min: at(0), max: at(1) };
}

/** `12.3 ms (11.0–15.2)`. */
export function milliseconds({ median, min, max }: Timing): string {
  return `${short(median)} ms (${short(min)}–${short(max)})`;
}

/** How many times as long as the other. */
export function ratio(one: Timing, other: { readonly median: number }): string {
  return `${(one.median / other.median).toFixed(2)}×`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
