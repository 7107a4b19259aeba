import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import type { ContextSource } from "@assay/engine";
import type { Json, JsonObject } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import { podOf } from "../image-question.ts";
import { eachObject } from "../inputs/read-objects.ts";
import { inNamespace, type Labels, namespaceLabels } from "../inputs/resource-requests.ts";
import { isJsonObject, jsonObject } from "../json-object.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** One thing to judge, and what it is called. */
export interface ScanItem {
  readonly name: string;
  readonly resource: JsonObject;
  /** Of its namespace, where they are known. */
  readonly namespaceLabels?: Labels;
}

/** Where the items come from. */
export interface ScanInput {
  /** Files with an image a line; `-` is standard input. */
  readonly images: readonly string[];
  readonly resource: readonly string[];
  /** A cluster whose Pods are judged. */
  readonly cluster?: ScannedCluster;
}

/** The cluster of a scan. */
export interface ScannedCluster {
  readonly context: ContextSource;
  /** Whether policies select by labels of namespaces: only then they are read. */
  readonly selectsNamespaces: boolean;
}

/** Every item, read as it is needed: a list of any length takes the memory of a line. */
export async function* scanItems(input: ScanInput, terminal: Terminal): AsyncGenerator<ScanItem> {
  for (const list of input.images) yield* imagesOf(list, terminal);
  const limits = { maxFiles: 5_000_000, maxBytes: 256 * 1024 * 1024 };
  for await (const { object } of eachObject(input.resource, terminal, limits))
    yield itemOf(inNamespace(object));
  if (input.cluster !== undefined) yield* podsOf(input.cluster, terminal);
}

async function* podsOf(
  { context, selectsNamespaces }: ScannedCluster,
  terminal: Terminal,
): AsyncGenerator<ScanItem> {
  const labels = selectsNamespaces ? await labelsIn(context, terminal) : new Map<string, Labels>();
  for await (const pod of listed(context, kinds.Pod, terminal)) {
    const known = labels.get(String(jsonObject(pod["metadata"])["namespace"]));
    yield known === undefined ? itemOf(pod) : { ...itemOf(pod), namespaceLabels: known };
  }
}

/**
 * What an item is remembered by: other policies, another object or other labels of its namespace make it another item.
 * INVARIANT: the whole digest, since of a part of it somebody could find two objects, one to be allowed and one to run.
 */
export function scanKey({ name, resource, namespaceLabels }: ScanItem, policies: string): string {
  const judged = JSON.stringify(namespaceLabels === undefined ? [resource] : [resource, namespaceLabels]);
  return `${name} ${createHash("sha256").update(judged).digest("hex")} ${policies}`;
}

/** Lines that are empty or begin with `#` are passed over. */
async function* imagesOf(list: string, terminal: Terminal): AsyncGenerator<ScanItem> {
  const input =
    list === "-"
      ? Readable.from([await terminal.stdin(1024 * 1024 * 1024)])
      : createReadStream(resolve(terminal.cwd, list));
  let count = 0;
  try {
    for await (const line of linesOf(input)) {
      const image = line.trim();
      if (image === "" || image.startsWith("#")) continue;
      count++;
      yield { name: image, resource: podOf(image) };
    }
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    throw new AssayError("fileUnreadable", `cannot read \`${list}\`${why}`, { cause });
  }
  if (count === 0) throw new AssayError("fileNotFound", `there is no image in \`${list}\``);
}

interface ListedKind {
  readonly kind: string;
  readonly plural: string;
}

const kinds = {
  Pod: { kind: "Pod", plural: "pods" },
  Namespace: { kind: "Namespace", plural: "namespaces" },
} as const satisfies Record<string, ListedKind>;

/** What is no list of Pods must not look like a cluster without any: all of it would be allowed. */
function itemsIn(list: JsonObject, { kind }: ListedKind): readonly JsonObject[] {
  const items: Json = list["items"] ?? [];
  if (list["kind"] !== `${kind}List` || !Array.isArray(items) || !items.every(isJsonObject)) {
    throw new AssayError("unavailable", `what the cluster answered is no list of ${kind}s`);
  }
  // Items of a list come without kind and apiVersion.
  return items.map((item: JsonObject) => ({ apiVersion: "v1", kind, ...item }));
}

/** Longer than any image reference, with room for a comment. */
const MAX_LINE = 64 * 1024;

/** Lines of UTF-8. Letters that were replaced would make other images of them; one without an end would fill the memory. */
async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of input) {
    rest += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r?\n/);
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw new Error(`a line is longer than ${MAX_LINE} characters`);
    yield* lines;
  }
  yield rest + decoder.decode();
}

function itemOf(resource: JsonObject): ScanItem {
  const metadata = jsonObject(resource["metadata"]);
  const parts = [resource["kind"], metadata["namespace"], metadata["name"] ?? metadata["generateName"]];
  return { name: parts.filter((part) => typeof part === "string").join("/"), resource };
}

const PAGE = 500;

/** The objects of a kind, page by page. */
async function* listed(
  cluster: ContextSource,
  kind: ListedKind,
  { signal }: Terminal,
): AsyncGenerator<JsonObject> {
  let next = "";
  do {
    const url = `/api/v1/${kind.plural}?limit=${PAGE}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`;
    const answer = await cluster.fetch({ kind: "apiCall", method: "GET", url }, { signal });
    if (!answer.ok)
      throw new AssayError(
        "unavailable",
        `the cluster's ${kind.kind}s cannot be listed: ${answer.failure.message}`,
      );
    const list = jsonObject(answer.value.data);
    yield* itemsIn(list, kind);
    const token = jsonObject(list["metadata"])["continue"];
    next = typeof token === "string" ? token : "";
  } while (next !== "");
}

/** Labels of the cluster's namespaces. Who may not list them learns that more may be judged than the webhook would. */
async function labelsIn(cluster: ContextSource, terminal: Terminal): Promise<ReadonlyMap<string, Labels>> {
  try {
    const namespaces: JsonObject[] = [];
    for await (const { kind = "", metadata = {} } of listed(cluster, kinds.Namespace, terminal))
      namespaces.push({ kind, metadata });
    return namespaceLabels(namespaces);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    terminal.warn(`${error.message}; a rule with a namespaceSelector is taken to apply to every namespace`);
    return new Map();
  }
}
