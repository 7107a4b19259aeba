import { Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { ConnectionRefused } from "./faults.ts";

/** Answers the requests of one host. */
export type Handler = (request: Request) => Promise<Response>;

const MAX_REDIRECTS = 20;

/**
 * A `fetch` that reaches only these hosts, in memory. It behaves like Node's where a registry client can tell:
 * redirects by `redirect` mode (credentials are dropped when the origin changes), abort signals on waiting and on
 * reading, `TypeError: fetch failed` for what cannot be reached, decoding by `Content-Encoding`.
 */
export function hostFetch(hosts: Readonly<Record<string, Handler>>): typeof fetch {
  return async (input, init) => {
    let request = new Request(input, init);
    for (let redirects = 0; ; redirects++) {
      const answer = await reach(hosts, request);
      const next = redirectOf(request, answer);
      if (next === undefined) return finished(answer, request);
      if (request.redirect === "error" || redirects === MAX_REDIRECTS)
        throw failed(new Error("unexpected redirect"));
      request = next;
    }
  };
}

async function reach(hosts: Readonly<Record<string, Handler>>, request: Request): Promise<Response> {
  request.signal.throwIfAborted();
  const { host } = new URL(request.url);
  const handler = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (handler === undefined)
    throw failed(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" }));
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(request.signal.reason);
  });
  request.signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([handler(request), aborted]);
  } catch (error) {
    throw error instanceof ConnectionRefused ? failed(error) : error;
  } finally {
    request.signal.removeEventListener("abort", abort);
  }
}

function redirectOf(request: Request, answer: Response): Request | undefined {
  const location = answer.headers.get("location");
  if (
    request.redirect === "manual" ||
    location === null ||
    ![301, 302, 303, 307, 308].includes(answer.status)
  )
    return undefined;
  const target = new URL(location, request.url);
  const headers = new Headers(request.headers);
  if (target.origin !== new URL(request.url).origin) {
    headers.delete("authorization");
    headers.delete("cookie");
  }
  const method = answer.status === 303 && request.method !== "HEAD" ? "GET" : request.method;
  return new Request(target, { method, headers, signal: request.signal, redirect: request.redirect });
}

function finished(answer: Response, request: Request): Response {
  const body = request.method === "HEAD" ? null : decoded(answer);
  const response = new Response(
    body?.pipeThrough(new TransformStream(), { signal: request.signal }) ?? null,
    {
      status: answer.status,
      statusText: answer.statusText,
      headers: answer.headers,
    },
  );
  Object.defineProperty(response, "url", { value: request.url });
  return response;
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ["gzip", () => createGunzip()],
  ["deflate", () => createInflate()],
  ["br", () => createBrotliDecompress()],
]);

/** Node's fetch decodes whatever the server says it sent, whether or not the client asked for it. */
function decoded(answer: Response): ReadableStream<Uint8Array> | null {
  const decoder = DECODERS.get(answer.headers.get("content-encoding") ?? "");
  if (decoder === undefined || answer.body === null) return answer.body;
  const stream = Readable.fromWeb(answer.body).pipe(decoder());
  return new ReadableStream({
    start: (controller) => {
      stream.on("data", (chunk: Buffer) => {
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) stream.pause();
      });
      stream.on("end", () => controller.close());
      stream.on("error", (error) => controller.error(error));
    },
    pull: () => {
      stream.resume();
    },
    cancel: () => {
      stream.destroy();
    },
  });
}

function failed(cause: Error): TypeError {
  return new TypeError("fetch failed", { cause });
}
