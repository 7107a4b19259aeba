import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { urlToHttpOptions } from "node:url";
import type { Json } from "@assay/policy";
import { withTimeout } from "../registry/deadline.ts";
import { blotting } from "../registry/sent-secrets.ts";
import { sendRequest } from "../send-request.ts";
import { SourceError, shown } from "../source-error.ts";

/** One request that is answered with JSON. */
export interface JsonRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json | undefined;
  /** TLS: own authorities, client certificate. */
  readonly tls: RequestOptions;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface JsonResponse {
  readonly status: number;
  /** Undefined: it was no JSON. */
  readonly json: Json | undefined;
  /** Foreign text in it for a message: `shown`, without what the request was authorized by. */
  readonly said: (text: string) => string;
}

/**
 * Sends a request and reads its JSON, within limits of size and time. Redirects are answers like any other: they are
 * not followed. Throws `SourceError` (`unavailable`, `timeout`, `tooLarge`) or the signal's reason.
 */
export async function jsonRequest(request: JsonRequest): Promise<JsonResponse> {
  const { host } = request.url;
  const limit = { signal: request.signal, milliseconds: request.timeoutMs, origin: host };
  try {
    const { status, body } = await withTimeout(limit, (signal) => send(request, signal));
    const blot = blotting({ headers: lowerCased(request.headers) });
    return { status, json: parsed(body), said: (text) => shown(blot(text)) };
  } catch (cause) {
    request.signal.throwIfAborted();
    if (cause instanceof SourceError) throw cause;
    const why = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new SourceError("unavailable", `\`${host}\` could not be reached: ${shown(why)}`, {
      origin: host,
      cause,
    });
  }
}

function lowerCased(headers: JsonRequest["headers"]): JsonRequest["headers"] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

interface Received {
  readonly status: number;
  readonly body: Buffer;
}

async function send(request: JsonRequest, signal: AbortSignal): Promise<Received> {
  const { url, method, headers, tls } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await sendRequest(
    { body, signal },
    {
      ...tls,
      ...urlToHttpOptions(url),
      method,
      headers: { accept: "application/json", ...content, ...headers },
    },
  );
  return collect(answer, request);
}

async function collect(answer: IncomingMessage, { maxBytes, url }: JsonRequest): Promise<Received> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new SourceError("tooLarge", `\`${url.host}\` sent more than ${maxBytes} bytes`, {
        origin: url.host,
      });
    }
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks) };
}

function parsed(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString("utf8")) as Json; // what JSON.parse returns is JSON
  } catch {
    return undefined;
  }
}
