import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { type RequestOptions as HttpsOptions, request as requestHttps } from "node:https";

/** What is sent beside Node's own options. */
export interface SentRequest {
  readonly body?: string | undefined;
  /** Aborted: the connection is closed, also in the middle of the answer. */
  readonly signal: AbortSignal;
}

/** Where and how. */
export type SendOptions = (RequestOptions | HttpsOptions) & { readonly method: "GET" | "POST" };

/**
 * Sends a request by Node's own client, and resolves with the head of its answer; rejects where there is none, however the
 * connection ends. What only asks goes out again where the connection was a kept one that the other side had closed.
 */
export function sendRequest(request: SentRequest, options: SendOptions): Promise<IncomingMessage> {
  const start = options.protocol === "https:" ? requestHttps : requestHttp;
  const { signal } = request;
  return new Promise((resolve, reject) => {
    let isDecided = false;
    let answered = false;
    const sent = start(options, (incoming) => {
      isDecided = true;
      answered = true;
      resolve(incoming);
    });
    // Node's own `signal` option watches five events of the request for the same.
    const abort = (): void => void sent.destroy(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    sent.on("close", () => {
      signal.removeEventListener("abort", abort);
      // Who answers 101 is hung up on without an error: nobody would hear of this request again.
      if (!isDecided) reject(new Error("the connection was closed without an answer"));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => {
      isDecided = true;
      // The other side closed a kept connection while the request was on its way: it goes out again, on another one.
      const isStale = sent.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      const mayRepeat = options.method === "GET" && !answered && !signal.aborted;
      if (isStale && mayRepeat) sendRequest(request, options).then(resolve, reject);
      else reject(error);
    });
    sent.end(request.body);
  });
}
