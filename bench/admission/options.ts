import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** The repository's root, with a slash at its end. */
export const root: string = new URL("../../", import.meta.url).pathname;

/** What a run was asked to do. */
export interface Options {
  /** Measure Kyverno beside assay. Default: where `scripts/lanes/kyverno-build.sh` has built it. */
  readonly kyverno: boolean;
  /** How often each line is measured, the peers taking turns. */
  readonly rounds: number;
  /** AdmissionReviews per round that are sent to the webhook itself. */
  readonly direct: number;
  /** Server-side dry-run Pod creations per round. */
  readonly created: number;
  /** Admissions of each warm case before the first line: what a runtime compiles while it runs is compiled by then. */
  readonly warmUp: number;
  /** No further line is begun after so many minutes. */
  readonly minutes: number;
  /** Milliseconds by which the registry answers late. */
  readonly late: number;
  /** Only cases whose name this matches. */
  readonly only: RegExp;
  /** Where the figures go as JSON too. */
  readonly json?: string;
  /** assay reads the policy from a file, though there is an API server that has it. */
  readonly fromFiles: boolean;
  /** Registers assay's mutating webhook only, not the validating one beside it. */
  readonly mutatingOnly: boolean;
  /** Someone else's webhook instead of ours. */
  readonly given?: Given;
  /** The directory that `cluster-build.sh` fills; undefined where it has not. */
  readonly clusterBinaries?: string;
  /** The directory that `kyverno-build.sh` fills; undefined where it has not. */
  readonly kyvernoFiles?: string;
}

/** A webhook, and perhaps an API server, that run already and know their policy. */
export interface Given {
  readonly url: string;
  readonly ca: string;
  readonly pid?: number;
  /** Where the fixtures' images are. */
  readonly registry: string;
  /** How to reach the API server that calls the webhook. */
  readonly kubeconfig?: string;
  /** The namespace whose Pods the webhook is asked about. */
  readonly namespace: string;
}

const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "assay-lanes");

/** Reads the command line; throws on what makes no sense. */
export function readOptions(): Options {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      kyverno: { type: "boolean" },
      "warm-up": { type: "string", default: "1000" },
      rounds: { type: "string", default: "2" },
      direct: { type: "string", default: "500" },
      created: { type: "string", default: "300" },
      minutes: { type: "string", default: "18" },
      late: { type: "string", default: "0" },
      only: { type: "string", default: "" },
      json: { type: "string" },
      "from-files": { type: "boolean", default: false },
      "mutating-only": { type: "boolean", default: false },
      webhook: { type: "string" },
      ca: { type: "string" },
      pid: { type: "string" },
      registry: { type: "string" },
      kubeconfig: { type: "string" },
      namespace: { type: "string", default: "default" },
    },
  });
  const clusterBinaries = built("cluster", "kube-apiserver");
  const kyvernoFiles = built("kyverno", "kyverno");
  const given = readGiven(values);
  const kyverno =
    values.kyverno ?? (given === undefined && clusterBinaries !== undefined && kyvernoFiles !== undefined);
  if (kyverno && given !== undefined)
    throw new Error("--kyverno is measured beside assay, not beside --webhook");
  return {
    kyverno,
    rounds: count("rounds", values.rounds),
    warmUp: Number(values["warm-up"]),
    direct: count("direct", values.direct),
    created: count("created", values.created),
    minutes: count("minutes", values.minutes),
    late: Number(values.late),
    only: new RegExp(values.only),
    fromFiles: values["from-files"],
    mutatingOnly: values["mutating-only"],
    ...(values.json !== undefined && { json: values.json }),
    ...(given !== undefined && { given }),
    ...(clusterBinaries !== undefined && { clusterBinaries }),
    ...(kyvernoFiles !== undefined && { kyvernoFiles }),
  };
}

function readGiven(values: Readonly<Record<string, string | boolean | undefined>>): Given | undefined {
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const [url, ca, registry, pid, kubeconfig] = ["webhook", "ca", "registry", "pid", "kubeconfig"].map(text);
  if (url === undefined) {
    if (kubeconfig !== undefined)
      throw new Error("--kubeconfig needs --webhook URL: which webhook does it call?");
    return undefined;
  }
  if (ca === undefined) throw new Error("--webhook needs --ca FILE, the authority of its certificate");
  if (registry === undefined)
    throw new Error("--webhook needs --registry HOST:PORT, where the fixtures' images are");
  return {
    url,
    ca,
    registry,
    namespace: text("namespace") ?? "default",
    ...(pid !== undefined && { pid: count("pid", pid) }),
    ...(kubeconfig !== undefined && { kubeconfig }),
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a whole number, not \`${text}\``);
  return value;
}

/** The newest version in the lane cache that is complete. */
function built(name: string, binary: string): string | undefined {
  const directories = existsSync(cache)
    ? readdirSync(cache).filter((each) => each.startsWith(`${name}-`))
    : [];
  const complete = directories.filter((each) => existsSync(join(cache, each, binary))).sort();
  return complete.length === 0 ? undefined : join(cache, complete.at(-1) ?? "");
}
