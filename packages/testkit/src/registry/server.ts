import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TestkitError } from "../testkit-error.ts";
import { ConnectionRefused } from "./faults.ts";
import type { Handler } from "./host-fetch.ts";

/** A handler that listens on loopback. */
export interface RunningServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a handler over HTTP on 127.0.0.1, for clients that bring their own network: cosign, crane, another process. */
export async function listen(handler: Handler, port = 0): Promise<RunningServer> {
  const server = createServer((incoming, outgoing) => {
    void serve(handler, incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new TestkitError("notReady", "the server has no port");
  const host = `127.0.0.1:${address.port}`;
  return {
    host,
    url: `http://${host}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    const answer = await handler(requestOf(incoming));
    outgoing.writeHead(answer.status, headersOf(answer));
    if (incoming.method === "HEAD" || answer.body === null) outgoing.end();
    else await pipeline(Readable.fromWeb(answer.body), outgoing);
  } catch (error) {
    // A client that went away, or a fault that refuses the connection: both end it without an answer.
    if (error instanceof ConnectionRefused || outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500).end();
  }
}

function requestOf(incoming: IncomingMessage): Request {
  const method = incoming.method ?? "GET";
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const url = `http://${incoming.headers.host ?? "127.0.0.1"}${incoming.url ?? "/"}`;
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers });
  return new Request(url, { method, headers, body: Readable.toWeb(incoming), duplex: "half" });
}

function headersOf(answer: Response): Record<string, string> {
  return Object.fromEntries(answer.headers);
}
