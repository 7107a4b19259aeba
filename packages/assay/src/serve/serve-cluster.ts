import { hostname } from "node:os";
import type { Controller, ControllerOptions, PolicyDocuments, PolicyStanding } from "@assay/controller";
import type { ContextSource, Sources } from "@assay/engine";
import type { JsonObject } from "@assay/policy";
import { kubernetesContext } from "@assay/sources/cluster";
import { observedSources, type WebhookMetrics, webhookMetrics } from "@assay/webhook";
import { AssayError } from "../assay-error.ts";
import { type Assay, createAssay, optionsOf, sourcesOf } from "../create-assay.ts";
import {
  type ContextFlags,
  type LogFlags,
  parseVariables,
  type SourceFlags,
} from "../flags/evaluation-flags.ts";
import { loadKubeConfig } from "../inputs/kube-config.ts";
import { optionalPackages } from "../inputs/optional-packages.ts";
import { sourceOptions } from "../open-sources.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { loggingTerminal, logLines } from "./log-lines.ts";
import { checkTlsFlags, type ServerFlags, serveUntilStopped } from "./serve-policies.ts";
import { unsentPolicies } from "./unsent-policies.ts";

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly leaderElectionNamespace?: string;
  readonly scanInterval: number;
  readonly exceptionNamespace: readonly string[];
}

type Flags = ServerFlags & ClusterFlags & SourceFlags & ContextFlags & LogFlags;

/** Serves the cluster's own policies, following every change, and re-judges what runs if a namespace for the Lease is given. */
export async function serveCluster(
  policies: readonly string[],
  flags: Flags,
  terminal: Terminal,
): Promise<void> {
  if (policies.length > 0) {
    throw new AssayError("usage", "--cluster takes the policies from the cluster", {
      hint: "apply the files with kubectl, or leave out --cluster",
    });
  }
  const packages = ["@assay/controller", "@kubernetes/client-node"];
  const cluster = await optionalPackages(packages, () => import("./cluster-client.ts"));
  const logger = logLines(terminal, flags.logFormat);
  const config = new cluster.KubeConfig();
  loadKubeConfig(config, {
    terminal,
    ...(flags.kubeconfig !== undefined && { file: flags.kubeconfig }),
    hint: "give --kubeconfig FILE, set KUBECONFIG, or run in a Pod with a service account",
  });
  checkTlsFlags(flags);
  const metrics = webhookMetrics();
  // INVARIANT: whatever fails from here on, no watch stays open: it would keep a process running that serves nothing.
  const context = await cluster.watchedContext(config, kubernetesContext({ config }), logger);
  let controller: Controller | undefined;
  try {
    const build = await evaluatorFactory(context.source, flags, loggingTerminal(terminal, logger), metrics);
    const tellUnsent = unsentPolicies(logger, nameOf);
    controller = await cluster.startController(config, {
      build,
      logger,
      loaded: (standing) => {
        count(standing, metrics);
        tellUnsent(standing.inForce.policies);
      },
      kindServed: metrics.policyKind,
      exceptionNamespaces: flags.exceptionNamespace,
      ...scanOptions(flags, terminal),
    });
    const { evaluator, namespaceLabels } = controller;
    const serving = { flags, terminal, logger, metrics, namespaceLabels };
    await serveUntilStopped(evaluator, () => evaluator.ready(), serving);
  } finally {
    await controller?.stop();
    await context.stop();
  }
}

function scanOptions(flags: Flags, terminal: Terminal): Pick<ControllerOptions, "scan"> {
  const { leaderElectionNamespace: namespace, scanInterval } = flags;
  if (namespace === undefined) return {};
  return { scan: { election: { namespace, identity: identity(terminal) }, intervalMs: scanInterval * 1000 } };
}

/** Registries, trust roots and their caches are opened once and outlive every change of the policies. */
async function evaluatorFactory(
  context: ContextSource,
  flags: Flags,
  terminal: Terminal,
  metrics: WebhookMetrics,
): Promise<(documents: PolicyDocuments) => Assay> {
  const sources = observedSources(await clusterSources(flags, context, terminal), metrics);
  const variables = parseVariables(flags.var);
  const textOf = (document: JsonObject) => ({ text: JSON.stringify(document), file: nameOf(document) });
  return ({ policies, exceptions }) =>
    createAssay({
      policies: policies.map(textOf),
      exceptions: exceptions.map(textOf),
      variables,
      clock: terminal.now,
      logLookup: flags.logLookup,
      ...optionsOf(sources),
    });
}

/** Every kind of refusal is counted, also where there is none: an alert needs a series to look at. */
function count({ inForce, refused }: PolicyStanding, metrics: WebhookMetrics): void {
  const counts = { lastValid: 0, nothing: 0, denial: 0 };
  for (const one of refused) counts[one.inForce]++;
  metrics.policies(inForce.policies.length + inForce.exceptions.length, counts);
}

/** Positions in messages name the object, since there is no file. */
function nameOf(document: JsonObject): string {
  const metadata = document["metadata"] as
    | { readonly namespace?: string; readonly name?: string }
    | undefined;
  return [document["kind"], metadata?.namespace, metadata?.name]
    .filter((part) => part !== undefined)
    .join("/");
}

function identity(terminal: Terminal): string {
  return terminal.env["POD_NAME"] ?? `${hostname()}-${process.pid}`;
}

/** Registries with the pull secrets that Pods and policies name before docker's own; or the layout of the flags. */
async function clusterSources(flags: Flags, context: ContextSource, terminal: Terminal): Promise<Sources> {
  return sourcesOf({ ...(await sourceOptions(flags, terminal, context)), context });
}
