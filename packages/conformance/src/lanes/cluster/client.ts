import { Agent, type AgentOptions, request } from "node:https";

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

/** As many connections at most. */
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
