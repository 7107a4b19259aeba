import type { Answer, ContextLookup, ContextSource, LookupFailure } from "@assay/engine";
import type { Json, JsonObject } from "@assay/policy";
import { SourceError, shownAddress } from "../source-error.ts";

/** Values that stand in for what only a cluster knows. */
export interface ContextValues {
  /** Answers to API calls by `METHOD url` or by url alone (then for GET). */
  readonly apiCalls?: Readonly<Record<string, Json>>;
  /** Values of global context entries by name. */
  readonly globalContext?: Readonly<Record<string, Json>>;
}

/**
 * ConfigMaps and Secrets from Kubernetes objects in hand. What is not among them is `notFound`. Throws `misuse` for
 * two objects of one name: neither is more right than the other.
 */
export function contextFromObjects(
  objects: readonly JsonObject[],
  values: ContextValues = {},
): ContextSource {
  const byName = new Map<string, JsonObject>();
  for (const object of objects) {
    const key = keyOf(object);
    if (key === undefined) continue;
    if (byName.has(key)) throw new SourceError("misuse", `\`${key}\` is given twice`, { origin: key });
    byName.set(key, object["kind"] === "Secret" ? withEncodedData(object) : object);
  }
  return {
    async fetch<K extends ContextLookup["kind"]>(
      lookup: Extract<ContextLookup, { kind: K }>,
    ): Promise<Answer<K>> {
      return answer(lookup, byName, values) as Answer<K>; // each branch below answers its own kind.
    },
  };
}

function answer(
  lookup: ContextLookup,
  objects: ReadonlyMap<string, JsonObject>,
  values: ContextValues,
): Answer {
  switch (lookup.kind) {
    case "configMap":
    case "secret": {
      const key = `${lookup.kind === "secret" ? "Secret" : "ConfigMap"} ${lookup.namespace}/${lookup.name}`;
      const object = objects.get(key);
      return object === undefined
        ? missing(key, `${key} was not given`)
        : { ok: true, value: { object }, requests: 0 };
    }
    case "apiCall": {
      const key = `${lookup.method} ${lookup.url}`;
      const known = values.apiCalls ?? {};
      if (Object.hasOwn(known, key)) return { ok: true, value: { data: known[key] ?? null }, requests: 0 };
      if (lookup.method === "GET" && Object.hasOwn(known, lookup.url)) {
        return { ok: true, value: { data: known[lookup.url] ?? null }, requests: 0 };
      }
      const call = `${lookup.method} ${shownAddress(lookup.url)}`;
      return unsupported(call, `there is no cluster to ask \`${call}\``);
    }
    case "globalContext": {
      const known = values.globalContext ?? {};
      if (!Object.hasOwn(known, lookup.name)) {
        return unsupported(lookup.name, `global context entry \`${lookup.name}\` was not given`);
      }
      return { ok: true, value: { data: known[lookup.name] ?? null }, requests: 0 };
    }
  }
}

function missing(origin: string, message: string): { ok: false; failure: LookupFailure; requests: 0 } {
  return { ok: false, failure: { code: "notFound", origin, message }, requests: 0 };
}

function unsupported(origin: string, message: string): { ok: false; failure: LookupFailure; requests: 0 } {
  return { ok: false, failure: { code: "unsupported", origin, message }, requests: 0 };
}

function keyOf(object: JsonObject): string | undefined {
  const kind = object["kind"];
  const metadata = object["metadata"];
  if ((kind !== "ConfigMap" && kind !== "Secret") || !isObject(metadata)) return undefined;
  const { name, namespace } = metadata;
  return `${kind} ${typeof namespace === "string" ? namespace : "default"}/${String(name)}`;
}

/** A Secret as the API server would return it: `stringData` has become `data`. */
function withEncodedData(secret: JsonObject): JsonObject {
  const { stringData, ...rest } = secret;
  if (!isObject(stringData)) return secret;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString("base64"),
  ]);
  const data = isObject(secret["data"]) ? secret["data"] : {};
  return { ...rest, data: { ...data, ...Object.fromEntries(encoded) } };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
