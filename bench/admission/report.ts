import type { Measurement } from "./measure.ts";

/** One row of the table: one case in one way at one concurrency, by peer. */
export interface Line {
  readonly way: "direct" | "API server";
  readonly name: string;
  readonly concurrency: number;
  readonly measured: Readonly<Record<string, Measurement>>;
}

/** What one new image, asked for by many Pods at once, cost the registry. */
export interface Burst {
  readonly way: "direct" | "API server";
  readonly name: string;
  readonly pods: number;
  /** Registry requests of the whole burst, by peer. */
  readonly requests: Readonly<Record<string, number>>;
}

/** Resident memory in MiB: before the load, after it, and the largest ever. */
export interface Memory {
  readonly idle: number;
  readonly after: number;
  readonly peak: number;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly digits: number;
  readonly of: (measurement: Measurement) => number | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: "req/s", width: 8, digits: 0, of: ({ perSecond }) => perSecond },
  { title: "p50 ms", width: 8, digits: 1, of: ({ p50 }) => p50 },
  { title: "p99 ms", width: 8, digits: 1, of: ({ p99 }) => p99 },
  { title: "CPU ms/adm", width: 11, digits: 2, of: ({ cpuMs }) => cpuMs },
  { title: "RSS MiB", width: 8, digits: 0, of: ({ rssMiB }) => rssMiB },
  { title: "peak MiB", width: 9, digits: 0, of: ({ peakMiB }) => peakMiB },
  { title: "registry req/adm", width: 17, digits: 2, of: ({ registryRequests }) => registryRequests },
];

/** The head of the table of lines. */
export function lineHead(): string {
  return [first("case", "c", ""), ...COLUMNS.map(({ title, width }) => title.padStart(width))].join("");
}

/** A row for each peer, and the ratio of the first to the second beneath them. */
export function lineRows({ name, concurrency, measured }: Line): readonly string[] {
  const peers = Object.entries(measured);
  const rows = peers.map(([peer, measurement], i) => [
    first(i === 0 ? name : "", i === 0 ? String(concurrency) : "", peer),
    ...COLUMNS.map(({ of, width, digits }) => (of(measurement)?.toFixed(digits) ?? "-").padStart(width)),
  ]);
  const [one, other] = peers.map(([, measurement]) => measurement);
  if (one !== undefined && other !== undefined) {
    const ratios = COLUMNS.map(({ of, width }) => ratioText(of(one), of(other)).padStart(width));
    rows.push([first("", "", "ratio"), ...ratios]);
  }
  return rows.map((cells) => cells.join(""));
}

/** The bursts, as a table of their own. */
export function burstRows(bursts: readonly Burst[]): readonly string[] {
  return bursts.map(({ way, name, pods, requests }) => {
    const counts = Object.entries(requests).map(([peer, count]) => `${peer} ${count.toFixed(1)}`);
    const [one, other] = Object.values(requests);
    const ratio = other === undefined ? "" : `  ratio ${ratioText(one, other)}`;
    return `${`${pods} Pods of one new image, ${name}, ${way}:`.padEnd(72)} ${counts.join(", ")}${ratio}`;
  });
}

/** The peers' memory, as a table of its own. */
export function memoryRows(memory: Readonly<Record<string, Memory>>): readonly string[] {
  const cells = (name: string, values: readonly string[]): string =>
    [name.padEnd(9), ...values.map((value) => value.padStart(9))].join("");
  const peers = Object.entries(memory);
  const rows = [cells("", ["idle", "after", "peak"])];
  for (const [peer, { idle, after, peak }] of peers)
    rows.push(
      cells(
        peer,
        [idle, after, peak].map((value) => value.toFixed(0)),
      ),
    );
  const [one, other] = Object.values(memory);
  if (one !== undefined && other !== undefined) {
    const keys = ["idle", "after", "peak"] as const;
    rows.push(
      cells(
        "ratio",
        keys.map((key) => ratioText(one[key], other[key])),
      ),
    );
  }
  return rows;
}

function first(name: string, concurrency: string, peer: string): string {
  return `${name.padEnd(31)}${concurrency.padStart(2)}  ${peer.padEnd(8)}`;
}

/** `0.52×`; two zeros are equal, and what is not known is `-`. */
function ratioText(one: number | undefined, other: number | undefined): string {
  if (one === undefined || other === undefined) return "-";
  if (other === 0) return one === 0 ? "1.00×" : "∞";
  return `${(one / other).toFixed(2)}×`;
}
