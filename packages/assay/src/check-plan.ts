import type { Answer, Plan, PlannedLookup, Sources } from "@assay/engine";
import { parseDigest, parseImageReference } from "@assay/image";

/** Whether one place could be reached and asked. */
export interface PlaceCheck {
  /** Host, KMS scheme, `cluster`, or the name of a trust root. */
  readonly place: string;
  readonly ok: boolean;
  /** Whether verifying needs it. */
  readonly needed: boolean;
  /** What was asked, and what came back. */
  readonly message: string;
}

interface Errand {
  readonly sources: Sources;
  readonly signal: AbortSignal;
  /** Asked in the place of registries. */
  readonly layout?: string | undefined;
}

/**
 * Asks every place of a plan one harmless question: a registry for the digest of one of its images, or where it has none,
 * for signatures of a digest that nobody has; the cluster for the objects themselves, a KMS for its key, TUF for the trust
 * root. API calls, and places that depend on variables, are not asked, and said so. Never throws for what they answer.
 */
export async function checkPlan(plan: Plan, errand: Errand): Promise<readonly PlaceCheck[]> {
  const asked = new Map<string, PlannedLookup>();
  // Logs are tried by their addresses, of which a policy may name more than it needs: see `checkRekor`.
  for (const lookup of plan.lookups.filter(({ kind }) => kind !== "logEntries")) {
    const one = `${lookup.host} ${isRegistryLookup(lookup) ? "" : lookup.subject}`;
    if (!asked.has(one)) asked.set(one, lookup);
  }
  const images = plan.rules.flatMap((rule) => rule.images);
  return Promise.all([...asked.values()].map((lookup) => check(lookup, images, errand)));
}

/** Asks a Rekor for the state of its log. `isAsked`: verifying looks there for missing entries. */
export async function checkRekor(
  url: string,
  { signal, isAsked }: { readonly signal: AbortSignal; readonly isAsked: boolean },
): Promise<PlaceCheck> {
  const place = URL.canParse(url) ? new URL(url).host : url;
  const note = isAsked
    ? "asked where a signature comes without its entry"
    : "verifying does not ask it unless `--log-lookup` says so; `assay rekor search` does";
  try {
    const answer = await fetch(`${url.replace(/\/+$/, "")}/api/v1/log`, { signal, redirect: "error" });
    await answer.body?.cancel();
    return {
      place,
      ok: answer.ok,
      needed: isAsked,
      message: `transparency log: HTTP ${answer.status} (${note})`,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return { place, ok: false, needed: isAsked, message: `transparency log: ${why} (${note})` };
  }
}

async function check(lookup: PlannedLookup, images: readonly string[], errand: Errand): Promise<PlaceCheck> {
  const answer = await ask(lookup, images, errand);
  const layout = isRegistryLookup(lookup) ? errand.layout : undefined;
  const base = { place: layout ?? lookup.host, needed: true };
  const subject = `${lookup.kind} ${lookup.subject}`;
  // Nobody knows: that is no reason to fail, and none to call it well.
  if (answer === undefined) return { ...base, ok: false, needed: false, message: `${subject}: not asked` };
  if (answer.ok) return { ...base, ok: true, message: `${subject}: answered` };
  return { ...base, ok: false, message: `${answer.failure.code}: ${answer.failure.message}` };
}

const registryKinds: readonly PlannedLookup["kind"][] = [
  "digest",
  "imageData",
  "signatureTag",
  "attestationTag",
  "referrers",
  "referrersTag",
  "manifest",
];

/** Whether a registry is asked, or a layout in its place. */
export function isRegistryLookup({ kind }: PlannedLookup): boolean {
  return registryKinds.includes(kind);
}

function ask(
  lookup: PlannedLookup,
  images: readonly string[],
  { sources, signal }: Errand,
): Promise<Answer> | undefined {
  const at = lookup.subject.indexOf("/");
  const named = { namespace: lookup.subject.slice(0, at), name: lookup.subject.slice(at + 1) };
  switch (lookup.kind) {
    case "trustRoot":
      return sources.trust?.fetch({ kind: "trustRoot", name: lookup.subject }, { signal });
    case "kmsKey":
      return sources.keys?.fetch({ kind: "kmsKey", reference: lookup.subject }, { signal });
    case "configMap":
      return sources.context?.fetch({ kind: "configMap", ...named }, { signal });
    case "secret":
      return sources.context?.fetch({ kind: "secret", ...named }, { signal });
    case "apiCall":
    case "globalContext":
      return undefined;
    default: {
      const image = images
        .map((text) => parseImageReference(text))
        .find(({ registry }) => registry === lookup.host);
      if (image !== undefined) return sources.evidence.fetch({ kind: "digest", image }, { signal });
      return askRepository(lookup.subject.slice(0, lookup.subject.indexOf("@")), { sources, signal });
    }
  }
}

const nobodys = parseDigest(`sha256:${"0".repeat(64)}`);

/** A repository of signatures alone has no image that could be asked for. */
function askRepository(
  repository: string,
  { sources, signal }: Pick<Errand, "sources" | "signal">,
): Promise<Answer> | undefined {
  if (repository.includes("{{")) return undefined;
  return sources.evidence.fetch({ kind: "signatureTag", repository, digest: nobodys }, { signal });
}
