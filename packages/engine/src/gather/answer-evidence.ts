import type { Candidate } from "@assay/verify";
import type { Answer } from "./lookup.ts";

/** One thing that hangs on an image, or the bytes of a manifest. */
export type EvidenceItem = Candidate | Uint8Array;

/** The evidence in an answer: all that there is, or, where it failed, what was found before. */
export function evidenceIn(answer: Answer): readonly EvidenceItem[] {
  if (answer.ok && "bytes" in answer.value) return [answer.value.bytes];
  return candidatesIn(answer);
}

/** The same without manifests. */
export function candidatesIn(answer: Answer): readonly Candidate[] {
  if (!answer.ok) return answer.found ?? [];
  return "candidates" in answer.value ? answer.value.candidates : [];
}

/** The same answer with other evidence in the place of its own: candidates, or one manifest's bytes. */
export function withEvidence(answer: Answer, evidence: readonly EvidenceItem[]): Answer {
  const candidates = evidence.filter((one): one is Candidate => !(one instanceof Uint8Array));
  if (!answer.ok) return answer.found === undefined ? answer : { ...answer, found: candidates };
  if ("candidates" in answer.value) return { ...answer, value: { ...answer.value, candidates } };
  if (!("bytes" in answer.value)) return answer;
  const bytes = evidence.find((one) => one instanceof Uint8Array) ?? new Uint8Array(0);
  return { ...answer, value: { bytes } };
}

/** Bytes of evidence in an answer. */
export function evidenceSize(answer: Answer): number {
  return evidenceIn(answer).reduce((sum, item) => sum + sizeOf(item), 0);
}

/** Bytes of one piece; what could not be read has none. */
export function sizeOf(item: EvidenceItem): number {
  if (item instanceof Uint8Array) return item.length;
  return item.kind === "legacy" ? item.payload.length : item.kind === "bundle" ? item.bytes.length : 0;
}
