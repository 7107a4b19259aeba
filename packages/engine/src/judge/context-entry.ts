import { createScope, evaluate, type Scope, substitute } from "@assay/conditions";
import { type Digest, type ImageReference, ImageReferenceError, parseImageReference } from "@assay/image";
import type { ContextEntry, Json, JsonObject, Policy } from "@assay/policy";
import { type AnswerBook, PendingLookup, UnavailableContext } from "../gather/answer-book.ts";
import type { ContextLookup, LookupFailure, RegistryAccess } from "../gather/lookup.ts";
import { withoutUserInfo } from "../gather/without-user-info.ts";
import { isObject } from "../is-object.ts";
import { contextFailure } from "./context-failure.ts";
import { checkReach } from "./context-reach.ts";
import { accessFor } from "./pull-access.ts";

interface EntryInput {
  readonly scope: Scope;
  readonly policy: Policy;
  readonly book: AnswerBook;
  readonly now: Date;
  /** Of references that name none, as of the images that are judged. */
  readonly defaultRegistry: string;
  /** Of pull secrets that name no namespace. */
  readonly secretNamespace: string;
}

/** The value of one context entry (kyverno/pkg/engine/context/loaders). Throws what `ruleScope` says. */
export function loadContextEntry(entry: ContextEntry, input: EntryInput): Json {
  switch (entry.kind) {
    case "configMap":
      return loadConfigMap(entry, input);
    case "variable":
      return loadVariable(entry, input);
    case "apiCall":
      return loadApiCall(entry, input);
    case "imageRegistry":
      return loadImageData(entry, input);
    case "globalReference": {
      const lookup = { kind: "globalContext", name: text(entry.globalName, input) } as const;
      checkReach(lookup, input.policy);
      const value = known(input.book.ask(lookup), `global context entry \`${lookup.name}\``);
      return projected(value.data, entry.jmesPath, input);
    }
  }
}

type EntryOf<K extends ContextEntry["kind"]> = Extract<ContextEntry, { kind: K }>;

function loadConfigMap(entry: EntryOf<"configMap">, input: EntryInput): Json {
  const name = text(entry.configMap.name, input);
  const own = input.policy.kind === "Policy" ? input.policy.namespace : undefined;
  const namespace =
    entry.configMap.namespace === undefined ? (own ?? "default") : text(entry.configMap.namespace, input);
  const lookup = { kind: "configMap", namespace, name } as const;
  checkReach(lookup, input.policy);
  const answer = input.book.ask(lookup);
  return configMapValue(known(answer, `ConfigMap \`${namespace}/${name}\``).object);
}

/** A default stands in where the expression finds nothing, not for a value that cannot be made (Kyverno's variable.go). */
function loadVariable(entry: EntryOf<"variable">, input: EntryInput): Json {
  const value = entry.value === undefined ? undefined : substitute(entry.value, input.scope);
  const path = entry.jmesPath === undefined ? undefined : text(entry.jmesPath, input);
  const found = path === undefined ? (value ?? null) : queried(path, value, { entry, input });
  if (found === null) {
    throw new UnavailableContext(`failed to load context: variable \`${entry.name}\` has no value`, false);
  }
  return found;
}

function queried(
  path: string,
  value: Json | undefined,
  { entry, input }: { readonly entry: EntryOf<"variable">; readonly input: EntryInput },
): Json {
  const instead = (): Json | undefined =>
    entry.default === undefined ? undefined : substitute(entry.default, input.scope);
  try {
    // Null found in a value of the policy's own is what the policy says.
    if (value !== undefined) return search(path, value, input);
    const found = evaluate(path, input.scope);
    return found === null ? (instead() ?? null) : found;
  } catch (error) {
    const fallback = error instanceof PendingLookup ? undefined : instead();
    if (fallback === undefined) throw error;
    return fallback;
  }
}

/** A default stands in for an answer that could not be had, not for what cannot be made of one (Kyverno's apiCall.go). */
function loadApiCall(entry: EntryOf<"apiCall">, input: EntryInput): Json {
  const lookup = apiLookup(entry, input);
  checkReach(lookup, input.policy);
  const answer = input.book.ask(lookup);
  if (answer?.ok === false && entry.default !== undefined) return substitute(entry.default, input.scope);
  const value = known(answer, `API call \`${lookup.method} ${withoutUserInfo(lookup.url)}\``);
  return projected(value.data, entry.jmesPath, input);
}

function apiLookup(
  entry: EntryOf<"apiCall">,
  input: EntryInput,
): Extract<ContextLookup, { kind: "apiCall" }> {
  const url =
    entry.service === undefined ? serverPath(entry.urlPath ?? "", input) : text(entry.service.url, input);
  const headers = entry.service?.headers?.map(({ key, value }) => ({ key, value: text(value, input) }));
  return {
    kind: "apiCall",
    method: entry.method,
    url,
    ...(headers === undefined ? {} : { headers }),
    ...(entry.service?.caBundle === undefined ? {} : { caBundle: entry.service.caBundle }),
    ...(entry.data === undefined ? {} : { body: bodyOf(substitute(entry.data, input.scope)) }),
  };
}

/**
 * INVARIANT: an expression's value does not end a path that goes on behind it. A part of it may be an annotation's text, and
 * `mine/configmaps/x?` would cut off what the policy says, so that another object is read.
 */
function serverPath(template: string, input: EntryInput): string {
  const path = text(template, input);
  const before = template.slice(0, template.indexOf("{{"));
  const behind = template.slice(template.lastIndexOf("}}") + 2);
  const isEnded = /[?#]/.test(path.slice(0, path.length - behind.length));
  if (template.includes("{{") && behind.includes("/") && isEnded && !/[?#]/.test(before)) {
    throw new UnavailableContext(
      `failed to load context: in \`${template}\` a value ends the path: \`${path}\``,
      false,
    );
  }
  return path;
}

/** Kyverno posts `data: [{key, value}]` as one object. */
function bodyOf(data: Json): Json {
  if (!Array.isArray(data)) return data;
  return Object.fromEntries(
    (data as readonly JsonObject[]).map((item) => [String(item["key"]), item["value"] ?? null]),
  );
}

/**
 * A tag is resolved by the question that resolves it for the verdict, so that both are about one digest. Credentials are
 * the entry's own alone, as in Kyverno.
 */
function loadImageData(entry: EntryOf<"imageRegistry">, input: EntryInput): Json {
  const reference = text(entry.reference, input);
  const what = `image data of \`${reference}\``;
  const image = parsed(reference, input);
  const access = accessFor([], [entry], input.secretNamespace);
  const asked = { image, ...(access === undefined ? {} : { access }) };
  const resolved = image.digest === undefined ? resolvedTag(asked, what, input) : {};
  const answer = input.book.ask({ kind: "imageData", ...asked, ...resolved });
  return projected(known(answer, what).data, entry.jmesPath, input);
}

function resolvedTag(
  asked: { readonly image: ImageReference; readonly access?: RegistryAccess },
  what: string,
  { book }: EntryInput,
): { readonly digest: Digest } {
  const answer = book.ask({ kind: "digest", ...asked });
  if (answer === undefined) book.announce({ kind: "imageData", ...asked });
  return known(answer, what);
}

/** The reference may be the object's own words. */
function parsed(reference: string, { defaultRegistry }: EntryInput): ImageReference {
  try {
    return parseImageReference(reference, { defaultRegistry });
  } catch (error) {
    if (!(error instanceof ImageReferenceError)) throw error;
    throw new UnavailableContext(`failed to load context: ${error.message}`, false);
  }
}

function known<V>(
  answer:
    | { readonly ok: true; readonly value: V }
    | { readonly ok: false; readonly failure: LookupFailure }
    | undefined,
  what: string,
): V {
  if (answer === undefined) throw new PendingLookup(what);
  if (!answer.ok) throw contextFailure(what, answer.failure);
  return answer.value;
}

function projected(data: Json, jmesPath: string | undefined, input: EntryInput): Json {
  return jmesPath === undefined ? data : search(text(jmesPath, input), data, input);
}

function search(path: string, data: Json, input: EntryInput): Json {
  return evaluate(path, createScope({ data, now: input.now }));
}

function text(value: string, input: EntryInput): string {
  if (!value.includes("{{")) return value;
  const result = substitute(value, input.scope);
  if (typeof result === "string") return result;
  throw new UnavailableContext(`failed to load context: \`${value}\` is not text`, false);
}

/** What Kyverno shows of a ConfigMap: `data` and `metadata`. */
export function configMapValue(object: Json): JsonObject {
  const map = isObject(object) ? object : {};
  return {
    data: Object.hasOwn(map, "data") ? (map["data"] ?? {}) : {},
    metadata: Object.hasOwn(map, "metadata") ? (map["metadata"] ?? {}) : {},
  };
}
