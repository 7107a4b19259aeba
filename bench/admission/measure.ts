import type { Case } from "./cases.ts";
import { load, type Series } from "./load.ts";
import type { Peer } from "./peers/peer.ts";
import { type ProcessUsage, processUsage } from "./process-usage.ts";
import type { Registry } from "./registry.ts";
import type { Way } from "./ways.ts";

/** What all rounds of one line came to, for one peer. */
export interface Measurement {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** The rest is missing where the process or the registry is not ours to look at. */
  readonly cpuMs?: number;
  readonly rssMiB?: number;
  readonly peakMiB?: number;
  readonly registryRequests?: number;
}

/** One round of one line. */
export interface Round {
  readonly series: Series;
  readonly before: ProcessUsage | undefined;
  readonly after: ProcessUsage | undefined;
  readonly registryRequests: number | undefined;
}

/** Who is asked for what, in which way, how many at a time. */
export interface Question {
  readonly peer: Peer;
  readonly way: Way;
  readonly concurrency: number;
  readonly one: Case;
  /** Admits what no policy speaks of: opens the connections where the case must not be met before it is timed. */
  readonly idle: Case;
}

/** Warms up, measures `count` admissions, and says what they took. */
export async function measureRound(
  { peer, way, concurrency, one, idle }: Question,
  registry: Registry | undefined,
  count: number = way.count,
): Promise<Round> {
  const connection = way.connect(peer, concurrency);
  try {
    await warmUp(() => connection.admit(one.cold ? idle : one), concurrency, registry);
    const before = usage(peer);
    const series = await load(count, concurrency, () => connection.admit(one));
    return { series, before, after: usage(peer), registryRequests: await registry?.requests() };
  } finally {
    connection.close();
  }
}

/**
 * Warms up until that asks the registry for no less than the time before: Kyverno's cache takes an image in only after it
 * was asked for several times.
 */
async function warmUp(
  admit: () => Promise<void>,
  concurrency: number,
  registry: Registry | undefined,
): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 10; time++) {
    await load(Math.max(20, concurrency), concurrency, admit);
    const asked = (await registry?.requests()) ?? 0;
    if (asked >= before * 0.9) return;
    before = asked;
  }
}

/** All rounds as one: the times pooled, the rest summed. */
export function pooled(rounds: readonly Round[]): Measurement {
  const times = rounds.flatMap(({ series }) => series.times).sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  const seconds = rounds.reduce((sum, { series }) => sum + series.seconds, 0);
  const last = rounds.at(-1)?.after;
  const cpuMs = sum(rounds.map(({ before, after }) => before && after && after.cpuMs - before.cpuMs));
  const asked = sum(rounds.map(({ registryRequests }) => registryRequests));
  return {
    perSecond: times.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    ...(cpuMs !== undefined && { cpuMs: cpuMs / times.length }),
    ...(last !== undefined && { rssMiB: last.rssMiB, peakMiB: last.peakMiB }),
    ...(asked !== undefined && { registryRequests: asked / times.length }),
  };
}

/** What a peer uses now. */
export function usage({ pid }: Peer): ProcessUsage | undefined {
  return pid === undefined ? undefined : processUsage(pid);
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce(
    (total, value) => (total === undefined || value === undefined ? undefined : total + value),
    0,
  );
}
