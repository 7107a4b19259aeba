import type { JsonObject } from "@assay/policy";
import type { PolicyDocuments } from "./policy-documents.ts";
import { metadataOf, policyName } from "./policy-documents.ts";

/** A policy or exception that is not in force as the cluster has it. */
export interface RefusedPolicy {
  /** As the cluster has it. */
  readonly document: JsonObject;
  /** What `build` threw about it: a `PolicyError` or `EngineError` holds the positions. */
  readonly error: unknown;
  /**
   * What counts in its place: the object's last valid version, nothing, or a denial of all that it may speak of.
   * `denial` is for policies that were invalid when the first set arrived: what they demanded before nobody knows here.
   */
  readonly inForce: "lastValid" | "nothing" | "denial";
}

/** What a refusal means, in words. */
export const consequences: Readonly<Record<RefusedPolicy["inForce"], string>> = {
  lastValid: "its last valid version stays in force",
  nothing: "nothing of it is in force",
  denial: "what it may speak of is denied until it is valid or deleted",
};

/** Which documents of a set are in force, and which are not. */
export interface PolicyStanding {
  readonly inForce: PolicyDocuments;
  readonly refused: readonly RefusedPolicy[];
  /** Those of `refused` that were not refused, or read otherwise, in the set before. */
  readonly news: readonly RefusedPolicy[];
}

interface Known {
  readonly uid: unknown;
  readonly content: string;
  readonly valid?: JsonObject;
  readonly refused?: RefusedPolicy;
}

/**
 * Tells valid documents from invalid ones, each by itself, and remembers the last valid version of every policy while
 * its object exists. `check` throws for a document that is invalid.
 * INVARIANT: what is handed on admits no more than what the cluster last said validly. A policy that became invalid goes
 * on demanding what it demanded; an exception that became invalid excepts nothing, since only its current words may.
 */
export function policySieve(
  check: (document: PolicyDocuments) => void,
): (documents: PolicyDocuments) => PolicyStanding {
  let known = new Map<string, Known>();
  let isFirst = true;

  const look = (document: JsonObject, isException: boolean): Known => {
    const { uid } = metadataOf(document);
    const found = known.get(policyName(document));
    // A deleted object leaves, also where another took its name before we looked.
    const before = found?.uid === uid ? found : undefined;
    const content = contentOf(document);
    if (before?.content === content) return before;
    try {
      check(
        isException ? { policies: [], exceptions: [document] } : { policies: [document], exceptions: [] },
      );
      return { uid, content, valid: document };
    } catch (error) {
      const valid = isException ? undefined : before?.valid;
      const denies = !isException && (isFirst || before?.refused?.inForce === "denial");
      const inForce = valid !== undefined ? "lastValid" : denies ? "denial" : "nothing";
      const refused = { document, error, inForce } as const;
      return { uid, content, refused, ...(valid === undefined ? {} : { valid }) };
    }
  };

  return ({ policies, exceptions }) => {
    const next = new Map<string, Known>();
    const news: RefusedPolicy[] = [];
    const sift = (documents: readonly JsonObject[], areExceptions: boolean): readonly JsonObject[] =>
      documents.flatMap((document) => {
        const name = policyName(document);
        const now = look(document, areExceptions);
        next.set(name, now);
        if (now.refused !== undefined && known.get(name) !== now) news.push(now.refused);
        return now.valid === undefined ? [] : [now.valid];
      });
    const inForce = { policies: sift(policies, false), exceptions: sift(exceptions, true) };
    known = next;
    isFirst = false;
    return { inForce, refused: [...next.values()].flatMap(({ refused }) => refused ?? []), news };
  };
}

/** Without what changes when nobody has changed the policy: Kyverno writes a status now and then. */
function contentOf(document: JsonObject): string {
  const metadata = { ...metadataOf(document), resourceVersion: undefined, managedFields: undefined };
  return JSON.stringify({ ...document, metadata, status: undefined });
}
