import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { ContextSource } from "@assay/engine";
import type { ScanJournal, ScanOutcome, ScanProgress } from "@assay/sources/fleet";
import { type Command, Option } from "commander";
import { AssayError } from "../assay-error.ts";
import type { Assay } from "../create-assay.ts";
import { addOutputFlag, collect } from "../flags/evaluation-flags.ts";
import {
  addJudgingFlags,
  type JudgingFlags,
  judgingCommand,
  limitsOf,
  type ResourceFlags,
} from "../flags/judging-command.ts";
import { refuseUnheeded } from "../flags/unheeded-flags.ts";
import { clusterIdentity, loadKubeConfig } from "../inputs/kube-config.ts";
import { optionalPackages } from "../inputs/optional-packages.ts";
import type { ScanItem } from "../scan/scan-items.ts";
import type { ScanCounter, ScanResult } from "../scan/scan-result.ts";
import { type CommandContext, exitCode } from "../terminal/command-line.ts";
import { countsText, type DecisionCounts, decisionOf } from "../terminal/decision.ts";
import { plainText } from "../terminal/plain-text.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { VERSION } from "../version.ts";

interface Flags extends JudgingFlags, ResourceFlags {
  readonly images: readonly string[];
  readonly cluster?: boolean;
  readonly journal?: string;
  readonly redis?: string;
  readonly worker?: boolean;
  readonly concurrency: number;
  readonly output: "text" | "jsonl";
}

/** `assay scan`: every image of a list, a directory or a cluster. */
export function addScanCommand(program: Command, { terminal, finish }: CommandContext): void {
  const command = judgingCommand(
    program,
    "scan",
    "judge every image of a list, a directory of manifests or a cluster; resumable, on one machine or several",
  )
    .option("--images <file>", "file with an image a line, or - for standard input; repeatable", collect, [])
    .option("--cluster", "judge the Pods of the cluster that kubectl is set to")
    .option("--journal <file>", "write each result down as a line of JSON, and go on from there after a stop")
    .option("--redis <url>", "share the work with other machines by a queue on this Redis")
    .option("--worker", "be one of those that judge what is in the queue")
    .addOption(
      new Option("--concurrency <n>", "items under way at a time").argParser(parseCount).default(32),
    );
  addJudgingFlags(command);
  addOutputFlag(command, ["text", "jsonl"]);
  command.addHelpText("after", EXAMPLES).action(async (policies: readonly string[], flags: Flags) => {
    if (flags.cluster === true)
      refuseUnheeded(command, { configmap: "with --cluster they are the cluster's" });
    const work = await open(policies, flags, terminal);
    if (flags.worker === true) await beWorker(work);
    else {
      const counts = await scanAll(work);
      terminal.out(flags.output === "text" ? `${countsText(counts)}\n` : "");
      if (counts.denied > 0) finish(exitCode.denied);
      if (counts.undecided > 0) finish(exitCode.undecided);
    }
  });
}

interface Work {
  readonly assay: Assay;
  /** ConfigMaps, Secrets and API calls: the cluster's, or those of files. */
  readonly context: ContextSource;
  /** Whether the policies ask for labels of namespaces. */
  readonly selectsNamespaces: boolean;
  /** Of the policies and everything that a verdict depends on: results of others are not reused. */
  readonly fingerprint: string;
  readonly flags: Flags;
  readonly terminal: Terminal;
}

interface Cluster {
  readonly context: ContextSource;
  readonly identity: string;
}

async function open(policies: readonly string[], flags: Flags, terminal: Terminal): Promise<Work> {
  if (flags.worker === true && flags.redis === undefined)
    throw new AssayError("usage", "--worker needs --redis");
  const nothing = flags.images.length + flags.resource.length === 0 && flags.cluster !== true;
  if (nothing && flags.worker !== true) {
    throw new AssayError("usage", "there is nothing to scan", {
      hint: "give --images FILE, --resource DIR or --cluster",
    });
  }
  const cluster = flags.cluster === true ? await openCluster(terminal) : undefined;
  const opened = await openWork(policies, cluster, { flags, terminal });
  return { ...opened, flags, terminal };
}

/**
 * The policies and what their verdicts depend on. INVARIANT: all of it is read once, so that the fingerprint is of what
 * judges: standard input and pipes are empty when they are read again.
 */
async function openWork(
  policies: readonly string[],
  cluster: Cluster | undefined,
  { flags, terminal }: Pick<Work, "flags" | "terminal">,
): Promise<Omit<Work, "flags" | "terminal">> {
  const { openAssay, policyFiles } = await import("../open-assay.ts");
  const { trustOf } = await import("../open-sources.ts");
  const { readObjects } = await import("../inputs/read-objects.ts");
  const { contextFromObjects } = await import("@assay/sources/cluster");
  const { trustedRoot, ...rest } = flags;
  const files = await policyFiles(policies, flags, terminal);
  const objects = (await readObjects(flags.configmap, terminal)).map(({ object }) => object);
  const trust = trustedRoot === undefined ? undefined : await trustOf(flags, terminal);
  const root = await trust?.fetch({ kind: "trustRoot", name: "public-good" }, { signal: terminal.signal });
  const context = cluster?.context ?? contextFromObjects(objects);
  const assay = await openAssay(policies, rest, terminal, {
    files,
    context,
    ...(trust === undefined ? {} : { trust }),
  });
  const settings = {
    version: VERSION,
    texts: files.map(({ text }) => text),
    context: cluster === undefined ? objects : cluster.identity,
    var: flags.var,
    mutate: flags.mutate,
    now: flags.now?.toISOString(),
    logLookup: flags.logLookup,
    layout: flags.layout === undefined ? undefined : resolve(terminal.cwd, flags.layout),
    trust: root?.ok === true ? root.value.json : undefined,
  };
  const fingerprint = createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 16);
  const selectsNamespaces = files.some(({ text }) => text.includes("namespaceSelector"));
  return { assay, context, selectsNamespaces, fingerprint };
}

async function openCluster(terminal: Terminal): Promise<Cluster> {
  const { kubernetesContext } = await import("@assay/sources/cluster");
  const { KubeConfig } = await optionalPackages(
    ["@kubernetes/client-node"],
    () => import("../scan/cluster-client.ts"),
  );
  const config = new KubeConfig();
  loadKubeConfig(config, { terminal, hint: "set KUBECONFIG, or run in a Pod with a service account" });
  return { context: kubernetesContext({ config }), identity: clusterIdentity(config) };
}

async function evaluate({ assay, flags }: Work, item: ScanItem, signal: AbortSignal): Promise<ScanResult> {
  const { scanResult } = await import("../scan/scan-result.ts");
  const { withRunningImages } = await import("@assay/engine");
  const { resource, namespaceLabels } = item;
  const labels = namespaceLabels === undefined ? {} : { namespaceLabels };
  const request = { resource, mutate: flags.mutate, ...labels };
  const evaluation = await assay.evaluation(request, limitsOf(flags, { signal }));
  return scanResult(item.name, withRunningImages(evaluation.verdict, resource), evaluation);
}

async function scanAll(work: Work): Promise<DecisionCounts> {
  const { queuedScan, scan } = await import("@assay/sources/fleet");
  const { scanItems, scanKey } = await import("../scan/scan-items.ts");
  const { isScanResult, scanCounter } = await import("../scan/scan-result.ts");
  const { flags, terminal, fingerprint, context, selectsNamespaces } = work;
  const counter = scanCounter();
  const holds = await holding(work);
  const journal = await openJournal(work, holds, counter);
  const cluster = flags.cluster === true ? { cluster: { context, selectsNamespaces } } : {};
  const common = {
    items: scanItems({ images: flags.images, resource: flags.resource, ...cluster }, terminal),
    key: (item: ScanItem) => scanKey(item, fingerprint),
    journal,
    signal: terminal.signal,
    onProgress: progressLine(terminal),
    onOutcome: (outcome: ScanOutcome<ScanResult>) => {
      counter.judged(outcome);
      report(outcome, flags, terminal);
    },
  };
  try {
    await (flags.redis === undefined
      ? scan({
          ...common,
          concurrency: flags.concurrency,
          evaluate: (item, { signal }) => evaluate(work, item, signal),
        })
      : queuedScan({
          ...common,
          ...{ reuse: holds, isResult: isScanResult, redis: flags.redis, name: queueName(work) },
          onError: (error) => terminal.err(`assay: ${plainText(error.message)}\n`),
        }));
  } finally {
    await journal.close();
    if (terminal.progress) terminal.err("\r\u001b[K");
  }
  return counter.counts();
}

type Holds = (outcome: ScanOutcome<ScanResult>) => Promise<boolean>;

/** Whether an earlier run found out something by these policies, and what it read of the cluster is there as it was. */
async function holding({ terminal, fingerprint, context }: Work): Promise<Holds> {
  const { readsHold } = await import("../scan/cluster-reads.ts");
  const { isScanResult, isSettled } = await import("../scan/scan-result.ts");
  const { defaultKeys } = await import("../default-keys.ts");
  const hold = readsHold({ context, keys: defaultKeys(context) }, terminal.signal);
  return async (outcome) =>
    outcome.key.endsWith(` ${fingerprint}`) &&
    "result" in outcome &&
    isScanResult(outcome.result) &&
    isSettled(outcome) &&
    (await hold(outcome.result.reads));
}

/** The journal of the flags; what of it holds is counted where its item comes. */
async function openJournal(
  { flags, terminal }: Work,
  holds: Holds,
  counter: ScanCounter,
): Promise<ScanJournal<ScanResult>> {
  const { fileJournal, memoryJournal } = await import("@assay/sources/fleet");
  if (flags.journal === undefined) return memoryJournal();
  const reuse = async (outcome: ScanOutcome<ScanResult>): Promise<boolean> => {
    const isHeld = await holds(outcome);
    if (isHeld && "result" in outcome) counter.known(outcome.key, outcome.result);
    return isHeld;
  };
  const journal = await fileJournal<ScanResult>(resolve(terminal.cwd, flags.journal), { reuse });
  const has = (key: string): boolean => {
    const isDone = journal.has(key);
    if (isDone) counter.resumed(key);
    return isDone;
  };
  return { ...journal, has };
}

async function beWorker(work: Work): Promise<void> {
  const { scanWorker } = await import("@assay/sources/fleet");
  const { flags, terminal } = work;
  const worker = await scanWorker({
    redis: flags.redis ?? "",
    name: queueName(work),
    concurrency: flags.concurrency,
    evaluate: (item: ScanItem, { signal }) => evaluate(work, item, signal),
    onError: (error) => terminal.err(`assay: ${plainText(error.message)}\n`),
    signal: terminal.signal,
  });
  terminal.err(`working on queue ${queueName(work)}; Ctrl-C ends\n`);
  await new Promise<void>((done) => {
    if (terminal.signal.aborted) done();
    terminal.signal.addEventListener("abort", () => done(), { once: true });
  });
  await worker.close();
}

/** Workers with other policies have another queue. */
function queueName({ fingerprint }: Work): string {
  return `assay-scan-${fingerprint}`;
}

function report(outcome: ScanOutcome<ScanResult>, { output }: Flags, terminal: Terminal): void {
  if (output === "jsonl") terminal.out(`${JSON.stringify(outcome)}\n`);
  else if ("error" in outcome)
    terminal.out(plainText(`undecided ${outcome.key.split(" ")[0]}: ${outcome.error}`).concat("\n"));
  else if (!outcome.result.allowed) {
    const { name, outcome: worst, results } = outcome.result;
    const reasons = results
      .filter((result) => result.outcome === worst)
      .map((result) => `\n  ${result.code}: ${result.message}`);
    terminal.out(`${plainText(`${decisionOf(outcome.result)} ${name}${reasons.join("")}`)}\n`);
  }
}

function progressLine(terminal: Terminal): (progress: ScanProgress) => void {
  return ({ done, resumed, failed }) => {
    if (terminal.progress) terminal.err(`\rjudged ${done}, from before ${resumed}, failed ${failed}`);
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1000) return count;
  throw new AssayError("usage", `--concurrency \`${text}\` is not a number between 1 and 1000`);
}

const EXAMPLES = `
A journal keeps results of several clusters and sets of policies apart. What could not be decided is judged again, and so is what rests
on a ConfigMap, a Secret or an API call whose answer has changed, or on a call to a service or a POST, which are not made again to
see. What registries hold is as of then. A Pod that runs another digest than its tag names now is undecided.
With --cluster a rule's namespaceSelector is heeded; of files and images, whose namespaces nobody knows, it selects all.
Workers must be given the same policies, flags and cluster: others have another queue. Results come back through the Redis: whoever
can write to it can write results. What it loses is judged again; where it stays away for a minute, the scan ends, and the same command
goes on later. Workers wait for it, but for one that is not there when they start.
Exit status: 0 all allowed, 1 something denied, 2 wrong usage or something could not be decided.

Examples:
  assay scan policies/ --images images.txt --journal scan.jsonl     stopped? the same command goes on
  assay scan policies/ --resource manifests/ --output jsonl
  assay scan policies/ --cluster
  assay scan policies/ --images images.txt --redis redis://queue:6379 --journal scan.jsonl
  assay scan policies/ --redis redis://queue:6379 --worker          on as many machines as you like`;
