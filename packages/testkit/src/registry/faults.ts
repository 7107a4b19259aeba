import { checkOneOf } from "../testkit-error.ts";
import { bytes } from "./answer.ts";

/** What a fault does to the answer of a request that it matches. */
export type FaultEffect =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Answers after `ms`: the latency of a far registry. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Never answers. */
  | { readonly kind: "hang" }
  /** The connection is refused. */
  | { readonly kind: "disconnect" }
  /** Other bytes under the name that was asked for. */
  | { readonly kind: "replace"; readonly body: Uint8Array | string }
  /** The connection breaks off after `bytes`, while the headers promise all of them. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** A body that never ends. */
  | { readonly kind: "endless"; readonly headers?: Record<string, string> }
  /** The right body under other headers; an empty value removes the header. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string>> }
  /** Anything else: `next` is the registry's own answer. */
  | {
      readonly kind: "answer";
      readonly answer: (request: Request, next: () => Promise<Response>) => Promise<Response>;
    };

const effectKinds: readonly FaultEffect["kind"][] = [
  ...(["status", "delay", "hang", "disconnect", "replace"] as const),
  ...(["truncate", "endless", "headers", "answer"] as const),
];

/** Which requests, how often, and what happens to them. */
export interface Fault {
  /** Default: every method. */
  readonly method?: string;
  /** Part of the path and query, or a pattern for it. Default: every path. */
  readonly path?: string | RegExp;
  /** How many matching requests are let through first. Default 0. */
  readonly after?: number;
  /** How many are hit then. Default: all. */
  readonly times?: number;
  readonly effect: FaultEffect;
}

/** Thrown by a handler in place of an answer: there is no connection. */
export class ConnectionRefused extends Error {
  override readonly name = "ConnectionRefused";
  readonly code = "ECONNREFUSED";
}

interface ArmedFault {
  readonly fault: Fault;
  seen: number;
}

/** The faults of one registry. The first that matches a request acts on it. */
export interface FaultList {
  /** Arms a fault; the returned function takes it away again. */
  inject(fault: Fault): () => void;
  apply(request: Request, next: () => Promise<Response>): Promise<Response>;
}

/** An empty list of faults. */
export function faultList(): FaultList {
  const armed = new Set<ArmedFault>();
  return {
    inject(fault) {
      checkOneOf(effectKinds, fault.effect?.kind ?? "", "effect of a fault");
      const entry = { fault, seen: 0 };
      armed.add(entry);
      return () => armed.delete(entry);
    },
    async apply(request, next) {
      for (const entry of armed) {
        if (!matches(entry.fault, request)) continue;
        const index = entry.seen++ - (entry.fault.after ?? 0);
        if (index >= 0 && index < (entry.fault.times ?? Number.POSITIVE_INFINITY))
          return await act(entry.fault.effect, request, next);
      }
      return await next();
    },
  };
}

function matches(fault: Fault, request: Request): boolean {
  if (fault.method !== undefined && fault.method !== request.method) return false;
  if (fault.path === undefined) return true;
  const path = pathOf(new URL(request.url));
  // A pattern that is global remembers where it found something: `search` does not.
  return typeof fault.path === "string" ? path.includes(fault.path) : path.search(fault.path) >= 0;
}

/** Path and query as they are read, or as they were sent where they cannot be decoded. */
export function pathOf({ pathname, search }: URL): string {
  try {
    return decodeURIComponent(pathname) + search;
  } catch {
    return pathname + search;
  }
}

async function act(effect: FaultEffect, request: Request, next: () => Promise<Response>): Promise<Response> {
  switch (effect.kind) {
    case "status":
      return new Response(effect.body ?? null, { status: effect.status, headers: effect.headers ?? {} });
    case "delay":
      await new Promise((resolve) => setTimeout(resolve, effect.ms).unref());
      return await next();
    case "hang":
      return await new Promise<Response>(() => {});
    case "disconnect":
      throw new ConnectionRefused("connection refused by a fault");
    case "replace":
      return replaced(
        await next(),
        typeof effect.body === "string" ? new TextEncoder().encode(effect.body) : effect.body,
      );
    case "truncate":
      return truncated(await next(), effect.bytes);
    case "endless":
      return new Response(endlessBody(), { status: 200, headers: effect.headers ?? {} });
    case "headers":
      return reheaded(await next(), effect.headers);
    case "answer":
      return await effect.answer(request, next);
  }
}

function replaced(answer: Response, body: Uint8Array): Response {
  const headers = Object.fromEntries(answer.headers);
  return bytes(200, body, { ...headers, "content-length": String(body.length) });
}

async function truncated(answer: Response, length: number): Promise<Response> {
  const whole = new Uint8Array(await answer.arrayBuffer());
  const pulls = [
    (controller: ReadableStreamDefaultController<Uint8Array>) =>
      controller.enqueue(whole.subarray(0, length)),
    (controller: ReadableStreamDefaultController<Uint8Array>) =>
      length < whole.length ? controller.error(new TypeError("terminated")) : controller.close(),
  ];
  const body = new ReadableStream<Uint8Array>(
    { pull: (controller) => pulls.shift()?.(controller) },
    { highWaterMark: 0 },
  );
  return new Response(body, { status: answer.status, headers: answer.headers });
}

function reheaded(answer: Response, changes: Readonly<Record<string, string>>): Response {
  const headers = new Headers(answer.headers);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") headers.delete(name);
    else headers.set(name, value);
  }
  return new Response(answer.body, { status: answer.status, headers });
}

function endlessBody(): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(64 * 1024).fill(0x20);
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }, { highWaterMark: 0 });
}
