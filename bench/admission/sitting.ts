import { setTimeout as sleep } from "node:timers/promises";
import { type Case, casesFor, type Images } from "./cases.ts";
import type { Sitting } from "./goals.ts";
import { load } from "./load.ts";
import { measureRound, pooled, type Round, usage } from "./measure.ts";
import type { Options } from "./options.ts";
import type { Peer } from "./peers/peer.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Registry } from "./registry.ts";
import type { Burst, Line, Memory } from "./report.ts";
import type { Way } from "./ways.ts";

const CONCURRENCIES = [1, 8];
/** Pods of a burst, all at once. */
const BURST = 32;
/** How long memory is left to settle before it is read. */
const SETTLE_MS = 5_000;

/** What one sitting measures, and until when. */
export interface Plan {
  readonly peers: readonly Peer[];
  readonly ways: readonly Way[];
  readonly options: Options;
  readonly images: Images;
  /** Undefined where the images are in someone else's, which counts no requests for us. */
  readonly registry: Registry | undefined;
  /** When the last line may begin, in milliseconds since 1970. */
  readonly deadline: number;
  /** Told of each line as soon as it is measured. */
  readonly tell: (way: Way, line: Line) => void;
}

/** A peer with the cases that it alone meets. */
interface Candidate {
  readonly peer: Peer;
  readonly cases: readonly Case[];
}

/** How many images nobody has met the options need: each peer meets each of them once. */
export function coldImages({ rounds, direct, created }: Options): number {
  return rounds * (CONCURRENCIES.length * (direct + created) + 2);
}

/** Measures every line, the peers taking turns, and the bursts; incomplete where the deadline came first. */
export async function measure(plan: Plan): Promise<Sitting & { readonly complete: boolean }> {
  const { peers, ways, options, images, deadline, tell } = plan;
  const candidates = peers.map((peer) => ({ peer, cases: casesFor(images) }));
  const names = (candidates[0]?.cases ?? [])
    .map(({ name }) => name)
    .filter((name) => options.only.test(name));
  const idle = await settled(peers);
  await warmUp(plan, candidates);
  const lines: Line[] = [];
  for (const way of ways) {
    for (const name of names) {
      for (const concurrency of CONCURRENCIES) {
        if (Date.now() > deadline) return { lines, bursts: [], memory: {}, complete: false };
        const line = { way: way.name, name, concurrency };
        const measured = await measureLine(plan, candidates, { way, name, concurrency });
        lines.push({ ...line, measured });
        tell(way, { ...line, measured });
      }
    }
  }
  const bursts = await measureBursts(
    plan,
    candidates,
    names.filter((name) => name.endsWith("cold")),
  );
  return { lines, bursts, memory: memoryOf(peers, idle, await settled(peers)), complete: true };
}

/** Both run as they do after days in a cluster: nothing of what follows is their start. */
async function warmUp({ ways, options }: Plan, candidates: readonly Candidate[]): Promise<void> {
  const [way] = ways;
  if (way === undefined || options.warmUp === 0) return;
  for (const { peer, cases } of candidates) {
    const connection = way.connect(peer, 8);
    try {
      for (const one of cases.filter(({ cold }) => !cold)) {
        await load(options.warmUp, 8, () => connection.admit(one));
      }
    } finally {
      connection.close();
    }
  }
}

interface Asked {
  readonly way: Way;
  readonly name: string;
  readonly concurrency: number;
}

/** One after the other, and again: what drifts on the machine drifts for all of them. */
async function measureLine(
  { options, registry }: Plan,
  candidates: readonly Candidate[],
  { way, name, concurrency }: Asked,
): Promise<Line["measured"]> {
  const rounds = new Map<string, Round[]>(candidates.map(({ peer }) => [peer.name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const { peer, cases } of candidates) {
      const question = { peer, way, concurrency, one: named(cases, name), idle: named(cases, "no match") };
      rounds.get(peer.name)?.push(await measureRound(question, registry, way.count));
    }
  }
  return Object.fromEntries([...rounds].map(([peer, measured]) => [peer, pooled(measured)]));
}

/** Many Pods of one image that nobody has met, on connections that are open already. */
async function measureBursts(
  { ways, options, registry }: Plan,
  candidates: readonly Candidate[],
  names: readonly string[],
): Promise<readonly Burst[]> {
  const bursts: Burst[] = [];
  for (const way of ways) {
    for (const name of names) {
      const requests = Object.fromEntries(candidates.map(({ peer }) => [peer.name, 0]));
      for (let round = 0; round < options.rounds; round++) {
        for (const { peer, cases } of candidates) {
          const one = named(cases, name);
          const image = one.image();
          const question = { peer, way, concurrency: BURST, one: { ...one, image: () => image } };
          const measured = await measureRound(
            { ...question, idle: named(cases, "no match") },
            registry,
            BURST,
          );
          requests[peer.name] =
            (requests[peer.name] ?? 0) + (measured.registryRequests ?? 0) / options.rounds;
        }
      }
      bursts.push({ way: way.name, name, pods: BURST, requests });
    }
  }
  return bursts;
}

async function settled(peers: readonly Peer[]): Promise<readonly (ProcessUsage | undefined)[]> {
  await sleep(SETTLE_MS);
  return peers.map(usage);
}

function memoryOf(
  peers: readonly Peer[],
  before: readonly (ProcessUsage | undefined)[],
  after: readonly (ProcessUsage | undefined)[],
): Readonly<Record<string, Memory>> {
  const seen = peers.flatMap(({ name }, i): [string, Memory][] => {
    const [idle, last] = [before[i], after[i]];
    if (idle === undefined || last === undefined) return [];
    return [[name, { idle: idle.rssMiB, after: last.rssMiB, peak: last.peakMiB }]];
  });
  return Object.fromEntries(seen);
}

function named(cases: readonly Case[], name: string): Case {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case \`${name}\``);
  return found;
}
