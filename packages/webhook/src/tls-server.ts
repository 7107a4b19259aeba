import { createServer, type Server } from "node:https";
import { type AddressInfo, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@assay/engine";
import { getRequestListener } from "@hono/node-server";
import { type WebhookMetrics, webhookMetrics } from "./metrics.ts";
import type { RequestBody } from "./read-json-body.ts";
import {
  checkAuthorities,
  endOf,
  outOfTime,
  readTlsFiles,
  type TlsFiles,
  type TlsMaterial,
  watchTlsFiles,
} from "./tls-files.ts";
import { WebhookError } from "./webhook-error.ts";

export interface TlsServerOptions {
  readonly tls: TlsFiles;
  /** PEM text of authorities whose client certificates are demanded. Default: clients are not asked for one. */
  readonly clientCa?: string;
  /** How often the TLS files are looked at, in milliseconds. Default 5,000. */
  readonly tlsIntervalMs?: number;
  /** Default 8443; 0 picks a free one. */
  readonly port?: number;
  /** Default all interfaces. */
  readonly host?: string;
  /** Readiness beside "is listening": e.g. whether policies were loaded. Default always ready. */
  readonly ready?: () => boolean;
  /**
   * How long everything is still answered after `close`, but for readiness, in milliseconds: who sends requests here hears of
   * the end meanwhile, and nothing is refused. Default 0.
   */
  readonly shutdownDelayMs?: number;
  /** Longest wait for requests in flight when closing, in milliseconds. Default 10,000. */
  readonly drainMs?: number;
  readonly logger?: Logger;
  readonly metrics?: WebhookMetrics;
}

export interface TlsServer {
  readonly url: string;
  readonly port: number;
  readonly metrics: WebhookMetrics;
  /** Stops being ready, waits for `shutdownDelayMs`, lets requests in flight finish, then closes. */
  close(): Promise<void>;
}

/** Handlers by path. `body` is the request's, without the streams of the web standard that cost more than a whole verdict. */
export type Routes = Readonly<Record<string, (request: Request, body: RequestBody) => Promise<Response>>>;

/**
 * Serves the routes over TLS, and `/healthz`, `/readyz` and `/metrics` beside them. HTTP/1.1 with long keep-alive:
 * measured cheaper for the API server and for us than HTTP/2.
 */
export async function createTlsServer(routes: Routes, options: TlsServerOptions): Promise<TlsServer> {
  const metrics = options.metrics ?? webhookMetrics();
  let closing = false;
  const own = ownRoutes(metrics, () => !closing && (options.ready?.() ?? true));
  const all = { ...own, ...routes };
  const material = readTlsFiles(options.tls);
  const server = createServer(
    {
      ...material,
      ...(options.clientCa === undefined
        ? {}
        : { ca: checkAuthorities(options.clientCa), requestCert: true, rejectUnauthorized: true }),
      keepAliveTimeout: 120_000,
      headersTimeout: 20_000,
      requestTimeout: 60_000,
    },
    getRequestListener((request, { incoming }) => route(request, incoming, all)),
  );
  const port = await listen(server, options.port ?? 8443, options.host);
  const unwatch = reloadTls(server, material, { ...options, metrics });
  return {
    url: `https://${addressOf(options.host ?? "127.0.0.1", port)}`,
    port,
    metrics,
    close: async () => {
      closing = true;
      // Whoever asks from now on is told to ask elsewhere next time.
      server.prependListener("request", (_request, response) => {
        response.shouldKeepAlive = false;
      });
      await sleep(options.shutdownDelayMs ?? 0);
      unwatch();
      await drain(server, options.drainMs ?? 10_000);
    },
  };
}

function ownRoutes(metrics: WebhookMetrics, ready: () => boolean): Routes {
  return {
    "/healthz": async () => new Response("ok\n"),
    "/readyz": async () => (ready() ? new Response("ok\n") : new Response("not ready\n", { status: 503 })),
    "/metrics": async () => {
      const { contentType, text } = await metrics.render();
      return new Response(text, { headers: { "content-type": contentType } });
    },
  };
}

async function route(request: Request, body: RequestBody, routes: Routes): Promise<Response> {
  const path = new URL(request.url).pathname;
  const handler = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (handler !== undefined) return handler(request, body);
  return new Response(`not found: try ${Object.keys(routes).join(", ")}\n`, { status: 404 });
}

function reloadTls(
  server: Server,
  first: TlsMaterial,
  options: TlsServerOptions & { readonly metrics: WebhookMetrics },
): () => void {
  const { tls, logger, metrics } = options;
  const ca = options.clientCa === undefined ? {} : { ca: options.clientCa };
  const tellOutOfTime = outOfTimeTeller(options);
  let current = first;
  tellOutOfTime(current);
  metrics.certificateEnds(endOf(current.cert));
  return watchTlsFiles(
    tls,
    first,
    {
      changed: (material) => {
        server.setSecureContext({ ...material, ...ca });
        current = material;
        metrics.certificateEnds(endOf(material.cert));
        logger?.info({ file: tls.certFile }, "TLS certificate reloaded");
      },
      failed: (error) =>
        logger?.error({ error: String(error) }, "TLS certificate not reloaded, the old one stays"),
      looked: () => tellOutOfTime(current),
    },
    options.tlsIntervalMs,
  );
}

/**
 * Warns of a certificate that clients refuse, once. It is served all the same: nothing is won by refusing it, and the file may
 * be on its way of being renewed.
 */
function outOfTimeTeller({ tls, logger }: TlsServerOptions): (material: TlsMaterial) => void {
  let told = "";
  return ({ cert }) => {
    const found = outOfTime(cert, Date.now());
    const news = JSON.stringify(found) ?? "";
    if (found !== undefined && news !== told) {
      const { problem, ...fields } = found;
      logger?.warn({ file: tls.certFile, ...fields }, `TLS certificate ${problem}: clients refuse it`);
    }
    told = news;
  };
}

async function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refused = (error: Error): void => reject(cannotListen(addressOf(host ?? "", port), error));
    server.once("error", refused);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off("error", refused);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

function addressOf(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Node says `listen EADDRINUSE: address already in use 127.0.0.1:8443`. */
function cannotListen(address: string, cause: Error): WebhookError {
  const reason = /^listen \w+: (.*?)(?: \S+:\d+)?$/.exec(cause.message)?.[1] ?? cause.message;
  return new WebhookError("badOptions", address, `can't listen on \`${address}\`: ${reason}`, cause);
}

async function drain(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // Connections whose last request is answered meanwhile are kept by Node, and would be waited for to the limit.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const timer = setTimeout(() => server.closeAllConnections(), limitMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
