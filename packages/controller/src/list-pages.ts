import type { Json, JsonObject } from "@assay/policy";
import type { RawApi } from "./raw-api.ts";

/** A kind by its REST path: plural names are the cluster's, so they are written down here. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

/** What is listed. */
export interface Listing extends Kind {
  /** Objects a page. Default: as many as the API server likes, all of them as a rule. */
  readonly pageSize?: number;
  /** Only what bears these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Aborted: no further page is asked for. */
  readonly signal: AbortSignal;
  /** Milliseconds for each page. */
  readonly timeoutMs?: number | undefined;
}

/** A part of a list. */
export interface Page {
  /** Each with kind and version, which lists leave out. */
  readonly items: readonly JsonObject[];
  /** From which on a watch goes on. */
  readonly resourceVersion: string;
}

/** Where all objects of a kind are. */
export function pathOf({ apiVersion, plural }: Kind): string {
  return `${groupPath(apiVersion)}/${plural}`;
}

/** Where the API server tells of a group's kinds. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/**
 * The pages of a list, one after the other. Throws where one cannot be had, or is none, and the signal's reason.
 * INVARIANT: who got through to the end saw every object: what is no list is not an empty one.
 */
export async function* listPages(
  api: RawApi,
  { pageSize, labels, signal, timeoutMs, ...kind }: Listing,
): AsyncGenerator<Page> {
  const labelSelector =
    labels &&
    Object.entries(labels)
      .map((label) => label.join("="))
      .join(",");
  let next: string | undefined;
  do {
    signal.throwIfAborted();
    const query = { labelSelector, limit: pageSize?.toString(), continue: next };
    const list = await api.get({ path: pathOf(kind), query, signal, timeoutMs });
    const metadata = isObject(list["metadata"]) ? list["metadata"] : {};
    yield { items: itemsOf(list, kind), resourceVersion: textIn(metadata, "resourceVersion") };
    next = textIn(metadata, "continue");
  } while (next !== "");
}

function itemsOf({ items }: JsonObject, { apiVersion, kind }: Kind): readonly JsonObject[] {
  if (!Array.isArray(items) || !items.every(isObject))
    throw new Error(`the API server answered with no list of ${kind}`);
  return items.map((item: JsonObject) => ({ ...item, apiVersion, kind }));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textIn(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}
