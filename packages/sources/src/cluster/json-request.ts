import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { type RequestOptions, request as requestHttps } from "node:https";
import type { Json } from "@assay/policy";
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

function send(request: JsonRequest): Promise<{ readonly status: number; readonly body: Buffer }> {
  const { url, method, headers, timeoutMs, signal } = request;
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const content = body === undefined ? {} : { "content-type": "application/json" };
  const options = {
    ...request.tls,
    method,
    signal,
    headers: { accept: "application/json", ...content, ...headers },
  };
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? requestHttps : requestHttp;
    let isAnswered = false;
    const sent = start(url, options, (answer) => {
      isAnswered = true;
      collect(answer, request).then(resolve, reject);
    });
    const timer = setTimeout(() => expire(sent, url.host, timeoutMs), timeoutMs);
    sent.on("error", reject).on("close", () => {
      clearTimeout(timer);
      // Who answers 101 is hung up on without an error: nobody would hear of this request again.
      if (!isAnswered) reject(new Error("the connection was closed without an answer"));
    });
    sent.end(body);
  });
}

function expire(sent: ClientRequest, host: string, timeoutMs: number): void {
  sent.destroy(
    new SourceError("timeout", `\`${host}\` did not answer within ${timeoutMs} ms`, { origin: host }),
  );
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
