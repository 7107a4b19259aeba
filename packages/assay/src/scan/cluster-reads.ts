import { createHash } from "node:crypto";
import { type Answer, type Answers, type Lookup, lookupKey, type Sources } from "@assay/engine";
import { isJsonObject } from "../json-object.ts";

/** A question whose answer follows from what the cluster holds, and changes nothing there. */
type Question = Extract<Lookup, { kind: "configMap" | "secret" | "globalContext" | "apiCall" | "kmsKey" }>;

/** Something that a result rests on, beside the object, the policies and what registries hold. */
export interface ClusterRead {
  /** Absent: asking again may do more than read, or would take what does not belong in a file. */
  readonly lookup?: Question;
  /** Of the answer, or of why there was none. */
  readonly sha256: string;
}

/** What an evaluation read of the cluster. */
export function clusterReads(answers: Answers): readonly ClusterRead[] {
  return [...answers.values()].flatMap(({ lookup, answer }) => {
    if (!isOfCluster(lookup)) return [];
    const sha256 = digestOf(answer);
    const repeatable = repeatableQuestion(lookup);
    return [repeatable === undefined ? { sha256 } : { lookup: repeatable, sha256 }];
  });
}

/** More questions than these are asked again for each result: the memory of a scan is bounded. */
const maxRemembered = 10_000;

/**
 * Whether the cluster still gives the answers that an earlier result rests on. What the journal says of them is foreign:
 * whatever is not exactly a list of reads does not hold, and nothing but reads of the cluster's API is asked.
 */
export function readsHold(
  sources: Pick<Sources, "context" | "keys">,
  signal: AbortSignal,
): (reads: unknown) => Promise<boolean> {
  const asked = new Map<string, Promise<string>>();
  const digestNow = (lookup: Question): Promise<string> => {
    const key = lookupKey(lookup);
    const known = asked.get(key);
    if (known !== undefined) return known;
    const digest = ask(lookup, sources, signal).then(digestOf);
    if (asked.size < maxRemembered) asked.set(key, digest);
    return digest;
  };
  return async (reads) => {
    if (!Array.isArray(reads)) return false;
    for (const read of reads) {
      const lookup = isJsonObject(read) ? repeatableQuestion(read["lookup"]) : undefined;
      if (lookup === undefined || (await digestNow(lookup)) !== read["sha256"]) return false;
    }
    return true;
  };
}

async function ask(
  lookup: Question,
  { context, keys }: Pick<Sources, "context" | "keys">,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  if (lookup.kind === "kmsKey") return keys?.fetch(lookup, { signal });
  return context?.fetch<Exclude<Question["kind"], "kmsKey">>(lookup, { signal });
}

/** A key of a cloud's KMS is as good as a registry's answer: one of the time when it was asked. */
function isOfCluster(lookup: Lookup): lookup is Question {
  switch (lookup.kind) {
    case "configMap":
    case "secret":
    case "globalContext":
    case "apiCall":
      return true;
    case "kmsKey":
      return lookup.reference.startsWith("k8s://");
    default:
      return false;
  }
}

/**
 * The question that may be asked again, without anything else that `given` has. INVARIANT: a GET on the API server at most.
 * Calls to services have headers (a token, maybe), which are neither written down nor sent again.
 */
function repeatableQuestion(given: unknown): Question | undefined {
  if (!isJsonObject(given)) return undefined;
  const { kind, namespace, name, url, reference } = given;
  if (kind === "configMap" || kind === "secret") {
    return typeof namespace === "string" && typeof name === "string" ? { kind, namespace, name } : undefined;
  }
  if (kind === "globalContext") return typeof name === "string" ? { kind, name } : undefined;
  if (kind === "kmsKey") {
    const isSecret = typeof reference === "string" && reference.startsWith("k8s://");
    return isSecret ? { kind, reference } : undefined;
  }
  const isRead = kind === "apiCall" && given["method"] === "GET" && given["body"] === undefined;
  return isRead && typeof url === "string" && url.startsWith("/") ? { kind, method: "GET", url } : undefined;
}

function digestOf(answer: Answer | undefined): string {
  const said = answer?.ok === true ? answer.value : [answer?.failure.code, answer?.failure.status];
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
