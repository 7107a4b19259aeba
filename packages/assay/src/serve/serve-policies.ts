import type { Evaluator, Logger, Sources } from "@assay/engine";
import {
  type AdmissionHandlerOptions,
  createWebhookServer,
  observedSources,
  type TlsFiles,
  type WebhookMetrics,
  webhookMetrics,
} from "@assay/webhook";
import { AssayError } from "../assay-error.ts";
import type { ContextFlags, LogFlags, SourceFlags } from "../flags/evaluation-flags.ts";
import { openAssay } from "../open-assay.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { loggingTerminal, logLines } from "./log-lines.ts";

export interface ServerFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly port: number;
  readonly host?: string;
  readonly shutdownDelay: number;
  readonly logFormat: "json" | "text";
}

/** Serves the policies of files until the terminal's signal aborts. */
export async function servePolicies(
  policies: readonly string[],
  flags: ServerFlags & SourceFlags & ContextFlags & Partial<LogFlags>,
  terminal: Terminal,
): Promise<void> {
  if (policies.length === 0) {
    throw new AssayError("usage", "there is no policy to serve", {
      hint: "name policy files or directories, or take them from the cluster: --cluster",
    });
  }
  checkTlsFlags(flags);
  const metrics = webhookMetrics();
  const observe = (sources: Sources): Sources => observedSources(sources, metrics);
  const logger = logLines(terminal, flags.logFormat);
  const assay = await openAssay(policies, flags, loggingTerminal(terminal, logger), { observe });
  await serveUntilStopped(assay, () => true, { flags, terminal, logger, metrics });
}

/** The certificate that the flags name. Called before anything is opened, too: a mistake needs no cluster to be seen. */
export function checkTlsFlags({ tlsCert, tlsKey }: ServerFlags): TlsFiles {
  if (tlsCert !== undefined && tlsKey !== undefined) return { certFile: tlsCert, keyFile: tlsKey };
  throw new AssayError("usage", "an API server only calls webhooks over TLS", {
    hint: "give --tls-cert and --tls-key; cert-manager makes and rotates them",
  });
}

interface Serving {
  readonly flags: ServerFlags;
  readonly terminal: Terminal;
  readonly logger: Logger;
  readonly metrics?: WebhookMetrics;
  readonly namespaceLabels?: AdmissionHandlerOptions["namespaceLabels"];
}

/** Listens, says so in the log, and closes gently when the terminal's signal aborts. */
export async function serveUntilStopped(
  evaluator: Evaluator,
  ready: () => boolean,
  { flags, terminal, logger, metrics, namespaceLabels }: Serving,
): Promise<void> {
  const { port, host, shutdownDelay } = flags;
  const server = await createWebhookServer(evaluator, {
    tls: checkTlsFlags(flags),
    port,
    ...(host === undefined ? {} : { host }),
    ready,
    shutdownDelayMs: shutdownDelay * 1000,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
    ...(namespaceLabels === undefined ? {} : { namespaceLabels }),
  });
  logger.info({ port: server.port }, "image verification webhook is listening");
  await stopped(terminal.signal);
  logger.info({ shutdownDelay }, "stopping: no longer ready, then the reviews in flight finish");
  await server.close();
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
