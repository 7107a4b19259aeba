import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { urlToHttpOptions } from "node:url";
import type { Json } from "@assay/policy";
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
}

/**
 * Sends a request and reads its JSON, within limits of size and time. Redirects are answers like any other: they are
 * not followed. Throws `SourceError` (`unavailable`, `timeout`, `tooLarge`) or the signal's reason.
 */
export async function jsonRequest(request: JsonRequest): Promise<JsonResponse> {
  request.signal.throwIfAborted();
  const { host } = request.url;
  try {
    const { status, body } = await send(request);
    return { status, json: parsed(body) };
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

async function send(request: JsonRequest): Promise<{ readonly status: number; readonly body: Buffer }> {
  const { url, method, headers, tls, timeoutMs } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(expired(url.host, timeoutMs)), timeoutMs);
  const signal = AbortSignal.any([request.signal, late.signal]);
  try {
    const answer = await sendRequest(
      { body, signal },
      {
        ...tls,
        ...urlToHttpOptions(url),
        method,
        headers: { accept: "application/json", ...content, ...headers },
      },
    );
    return await collect(answer, request);
  } catch (error) {
    late.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function expired(host: string, timeoutMs: number): SourceError {
  return new SourceError("timeout", `\`${host}\` did not answer within ${timeoutMs} ms`, { origin: host });
}

async function collect(
  answer: IncomingMessage,
  { maxBytes, url }: JsonRequest,
): Promise<{ readonly status: number; readonly body: Buffer }> {
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
