import type { JsonObject } from "@assay/policy";
import {
  type Configuration,
  HttpMethod,
  type KubeConfig,
  type ResponseContext,
} from "@kubernetes/client-node";
import { inTime, refusalOf } from "./api-answer.ts";

/** What is asked for. */
export interface RawRequest {
  /** From `/api` or `/apis` on. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** Aborted: the connection is closed, and its reason is thrown. */
  readonly signal: AbortSignal;
  /** Milliseconds for the whole answer. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Requests whose answers are read as they came: the models of the client library leave out every field that they do not
 * know, and a condition would miss here what it sees at admission.
 */
export interface RawApi {
  /** Throws where there is no JSON object in time; a refusal has a status (`statusOf`). */
  get(request: RawRequest): Promise<JsonObject>;
  /**
   * The events of a watch, until the API server ends it, or says nothing for 30 seconds: the connection may be half open.
   * Throws as `get` does. Nobody reads on: the connection is closed.
   */
  watch(request: RawRequest): AsyncGenerator<JsonObject>;
}

/** Bytes of an answer, and of a line of a watch: a hundred of the largest objects that etcd holds. */
const maxBytes = 256 * 1024 * 1024;

const idleMs = 30_000;

/** With the address, certificates and logins of `config`. */
export function rawApi(config: KubeConfig): RawApi {
  const { configuration } = config.makeApiClient(RawClient);
  return {
    get: async (request) => {
      const over = new AbortController();
      const signal = AbortSignal.any([request.signal, over.signal]);
      try {
        return await inTime(answer(configuration, { ...request, signal }), request.timeoutMs);
      } finally {
        over.abort();
      }
    },
    watch: async function* (request) {
      const over = new AbortController();
      const signal = AbortSignal.any([request.signal, over.signal]);
      let isIdle = false;
      const hangUp = (): void => {
        isIdle = true;
        over.abort();
      };
      let timer: NodeJS.Timeout | undefined;
      try {
        const query = { ...request.query, watch: "true" };
        const response = await inTime(
          accepted(configuration, { ...request, query, signal }),
          request.timeoutMs,
        );
        timer = setTimeout(hangUp, idleMs).unref();
        for await (const lines of linesOf(response)) {
          timer.refresh();
          for (const line of lines) yield jsonObject(line);
        }
      } catch (error) {
        if (!isIdle) throw error;
      } finally {
        clearTimeout(timer);
        over.abort();
      }
    },
  };
}

/** What `makeApiClient` makes: all that it hands over. */
class RawClient {
  readonly configuration: Configuration;

  constructor(configuration: Configuration) {
    this.configuration = configuration;
  }
}

async function answer(configuration: Configuration, request: RawRequest): Promise<JsonObject> {
  return jsonObject(await textOf(await accepted(configuration, request)));
}

/** The answer's head. */
async function accepted(
  { baseServer, middleware, authMethods, httpApi }: Configuration,
  { path, query = {}, signal }: RawRequest,
): Promise<ResponseContext> {
  let context = baseServer.makeRequestContext(path, HttpMethod.GET);
  context.setHeaderParam("Accept", "application/json");
  context.setSignal(signal);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) context.setQueryParam(name, value);
  await authMethods.default?.applySecurityAuthentication(context);
  for (const one of middleware) context = await one.pre(context).toPromise();
  const response = await httpApi.send(context).toPromise();
  const { httpStatusCode: status } = response;
  if (status >= 200 && status < 300) return response;
  throw refusalOf(status, path, await textOf(response).catch(() => ""));
}

async function textOf(response: ResponseContext): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body.stream() ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

/** The lines that are whole with each part that arrives. */
async function* linesOf(response: ResponseContext): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of response.body.stream() ?? []) {
    const text = decoder.decode(chunk, { stream: true });
    // Only what is new is searched: a long line comes in many parts.
    const end = text.lastIndexOf("\n") + 1;
    const lines = end === 0 ? [] : (rest + text.slice(0, end)).split("\n");
    rest = end === 0 ? rest + text : text.slice(end);
    if (rest.length > maxBytes) throw tooLarge();
    yield lines.filter((line) => line !== "");
  }
}

function tooLarge(): Error {
  return new Error(`the API server sent more than ${maxBytes} bytes at once`);
}

function jsonObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new Error("the API server answered with no JSON object");
}
