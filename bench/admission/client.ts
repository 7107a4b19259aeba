import { Agent, type AgentOptions, request } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";

/** Whom requests go to, and with which credentials. */
export interface Target {
  readonly url: string;
  readonly tls: AgentOptions;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts JSON over kept-alive TLS connections, as an API server does. */
export interface Client {
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: string }>;
  close(): void;
}

/** The API server of a kubeconfig's current context, by whatever credentials that names. */
export async function targetOf(kubeconfig: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const url = config.getCurrentCluster()?.server;
  if (url === undefined) throw new Error(`${kubeconfig} names no cluster`);
  const options: { headers?: Record<string, string> } & AgentOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, headers } = options;
  const tls = { ca, cert, key, ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) };
  return { url, tls, headers: Object.fromEntries(Object.entries(headers ?? {})) };
}

export function createClient({ url, tls, headers: own }: Target, connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ...tls });
  return {
    post: (path, body) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(body);
        const headers = {
          ...own,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
        };
        const sent = request(`${url}${path}`, { method: "POST", agent, headers, timeout: 30_000 }, (got) => {
          const chunks: Buffer[] = [];
          got.on("data", (chunk: Buffer) => chunks.push(chunk));
          got.on("error", reject);
          got.on("end", () =>
            resolve({ status: got.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
        });
        sent.on("timeout", () => sent.destroy(new Error(`no answer from ${url} within 30 s`)));
        sent.on("error", reject);
        sent.end(text);
      }),
    close: () => agent.destroy(),
  };
}
