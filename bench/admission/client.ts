import { Agent, request } from "node:https";

export interface ClientOptions {
  readonly url: string;
  /** PEM text. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly connections: number;
}

export interface Client {
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: string }>;
  close(): void;
}

/** Posts JSON over kept-alive TLS connections, as an API server does. */
export function createClient({ url, connections, ...tls }: ClientOptions): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ...tls });
  return {
    post: (path, body) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(body);
        const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
        const sent = request(`${url}${path}`, { method: "POST", agent, headers }, (got) => {
          const chunks: Buffer[] = [];
          got.on("data", (chunk: Buffer) => chunks.push(chunk));
          got.on("end", () =>
            resolve({ status: got.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
        });
        sent.on("error", reject);
        sent.end(text);
      }),
    close: () => agent.destroy(),
  };
}
