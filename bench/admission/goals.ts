import type { Measurement } from "./measure.ts";
import type { Burst, Line, Memory } from "./report.ts";

/** What the figures of two peers are held to, the first against the second. */
export interface Goal {
  readonly goal: string;
  readonly met: boolean;
  /** By how much, or where not. */
  readonly because: string;
}

/** Everything that one sitting with two peers came to. */
export interface Sitting {
  readonly lines: readonly Line[];
  readonly bursts: readonly Burst[];
  readonly memory: Readonly<Record<string, Memory>>;
}

const WARM_CPU = 0.5;
const MEMORY = 0.6;

/** Whether assay is ahead of Kyverno everywhere, and by as much as we promise. */
export function goals(
  { lines, bursts, memory }: Sitting,
  [one, other]: readonly [string, string],
): readonly Goal[] {
  return [
    ahead(lines, one, other),
    warmCpu(lines, one, other),
    lessMemory(memory, one, other),
    shared(bursts, lines, one),
  ];
}

/** The columns that speak of one admission, and which way is better. */
const COMPARED: readonly {
  readonly column: string;
  readonly worse: (one: Measurement, other: Measurement) => number;
}[] = [
  { column: "req/s", worse: (one, other) => other.perSecond / one.perSecond },
  { column: "p50", worse: (one, other) => one.p50 / other.p50 },
  { column: "p99", worse: (one, other) => one.p99 / other.p99 },
  { column: "CPU", worse: (one, other) => quotient(one.cpuMs, other.cpuMs) },
  {
    column: "registry requests",
    worse: (one, other) => quotient(one.registryRequests, other.registryRequests),
  },
];

function ahead(lines: readonly Line[], one: string, other: string): Goal {
  const behind = lines.flatMap(({ way, name, concurrency, measured }) => {
    const [ours, theirs] = [measured[one], measured[other]];
    if (ours === undefined || theirs === undefined) return [];
    return COMPARED.filter(({ worse }) => !(worse(ours, theirs) <= 1)).map(
      ({ column, worse }) =>
        `${way}, ${name}, c=${concurrency}: ${column} ${worse(ours, theirs).toFixed(2)}× worse`,
    );
  });
  const goal = "ahead on every line: requests a second, p50, p99, CPU; never more registry requests";
  const because = behind.length === 0 ? `${lines.length} lines` : behind.join("\n");
  return { goal, met: lines.length > 0 && behind.length === 0, because };
}

function warmCpu(lines: readonly Line[], one: string, other: string): Goal {
  const ratios = lines
    .filter(({ name }) => name.endsWith("warm"))
    .map(({ way, name, concurrency, measured }) => ({
      where: `${way}, ${name}, c=${concurrency}`,
      ratio: quotient(measured[one]?.cpuMs, measured[other]?.cpuMs),
    }))
    .sort((a, b) => b.ratio - a.ratio);
  return atMost(`at most ${WARM_CPU}× the CPU per warm admission`, WARM_CPU, ratios);
}

function lessMemory(memory: Sitting["memory"], one: string, other: string): Goal {
  const ratios = (["idle", "after", "peak"] as const)
    .map((where) => ({ where, ratio: quotient(memory[one]?.[where], memory[other]?.[where]) }))
    .sort((a, b) => b.ratio - a.ratio);
  return atMost(`at most ${MEMORY}× the memory, idle, after the load and at its peak`, MEMORY, ratios);
}

function atMost(
  goal: string,
  limit: number,
  ratios: readonly { readonly where: string; readonly ratio: number }[],
): Goal {
  const because = ratios.map(({ where, ratio }) => `${where}: ${ratio.toFixed(2)}×`).join("\n");
  return { goal, met: ratios.length > 0 && ratios.every(({ ratio }) => ratio <= limit), because };
}

/** One set of requests is what a single admission of a new image, alone, asks the registry for. */
function shared(bursts: readonly Burst[], lines: readonly Line[], one: string): Goal {
  const compared = bursts.map(({ way, name, pods, requests }) => {
    const alone = lines.find((line) => line.way === way && line.name === name && line.concurrency === 1);
    return {
      where: `${way}, ${name}, ${pods} Pods`,
      asked: requests[one],
      set: alone?.measured[one]?.registryRequests,
    };
  });
  const because = compared
    .map(({ where, asked, set }) => `${where}: ${asked?.toFixed(1)} requests, one set is ${set?.toFixed(1)}`)
    .join("\n");
  const met = compared.every(({ asked, set }) => asked !== undefined && set !== undefined && asked <= set);
  return {
    goal: "equal images in flight cost one set of registry requests",
    met: compared.length > 0 && met,
    because,
  };
}

/** Two zeros are equal; what could not be measured is no reason to call a goal met. */
function quotient(one: number | undefined, other: number | undefined): number {
  if (one === undefined || other === undefined) return Number.POSITIVE_INFINITY;
  if (other === 0) return one === 0 ? 1 : Number.POSITIVE_INFINITY;
  return one / other;
}
