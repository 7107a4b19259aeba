import type { Answer, EvidenceLookup, EvidenceSource } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { createRegistry, loadLayout, type Registry } from "@assay/testkit";

/** Real images, signed by the real cosign. */
export const layouts: string = new URL("../../conformance/cases/fixtures/images/", import.meta.url).pathname;

/** An in-memory registry that holds one of the fixture layouts. */
export async function fixtureRegistry(name: "tags" | "referrers", options: object = {}): Promise<Registry> {
  const registry = createRegistry({ referrersApi: name === "referrers", ...options });
  await loadLayout(layouts + name, registry);
  registry.forgetRequests();
  return registry;
}

/** Asks a source with a signal that is never aborted. */
export function ask<K extends EvidenceLookup["kind"]>(
  source: EvidenceSource,
  lookup: Extract<EvidenceLookup, { kind: K }>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer<K>> {
  return source.fetch(lookup, { signal });
}

/** The digest that `host/repository:tag` names, asked from the source itself. */
export async function digestAt(source: EvidenceSource, text: string): Promise<`sha256:${string}` & Digest> {
  const answer = await ask<"digest">(source, { kind: "digest", image: parseImageReference(text) });
  if (!answer.ok) throw new Error(answer.failure.message);
  return answer.value.digest as `sha256:${string}` & Digest;
}
type Digest = Extract<Answer<"digest">, { ok: true }>["value"]["digest"];

/** What an answer says, in one line: for tables. */
export function summary(answer: Answer): string {
  if (!answer.ok) return answer.failure.code;
  if ("digest" in answer.value) return "digest";
  if ("bytes" in answer.value) return "manifest";
  if (!("candidates" in answer.value)) return "value";
  if ("unsupported" in answer.value) return "unsupported";
  const kinds = answer.value.candidates.map((one) => (one.kind === "unreadable" ? one.code : one.kind));
  return kinds.length === 0 ? "nothing" : kinds.join(" ");
}
