/** One request, as it goes out. */
export interface WireRequest {
  readonly url: URL;
  readonly method: "GET" | "POST";
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

/** The head of an answer; its body has not been read. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: WireHeaders;
  /** Read once. Who leaves it early, or never begins, gives the connection up. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends an answer whose body nobody wants. */
  readonly cancel: () => void;
}

/** `name` in lower case; null: there is none. The global `Headers` are such. */
export interface WireHeaders {
  get(name: string): string | null;
}

/**
 * What sends requests. It follows no redirects, decodes nothing, and ends, also in the middle of a body, when the
 * request's signal does.
 */
export type Wire = (request: WireRequest) => Promise<WireAnswer>;

/** A `fetch` as a wire. */
export function fetchWire(fetch: typeof globalThis.fetch): Wire {
  return async ({ url, body = null, ...request }) => {
    const response = await fetch(url, { ...request, body, redirect: "manual" });
    const { status, headers } = response;
    const stream = response.body ?? new ReadableStream<Uint8Array>({ start: (one) => one.close() });
    return { status, headers, body: stream, cancel: () => void stream.cancel().catch(() => undefined) };
  };
}
