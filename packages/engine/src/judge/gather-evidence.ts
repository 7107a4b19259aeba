import type { Digest } from "@assay/image";
import type { Trace } from "@assay/policy";
import type { Candidate, Evidence, EvidenceGap, Shelf } from "@assay/verify";
import type { AnswerBook } from "../gather/answer-book.ts";
import { candidatesIn } from "../gather/answer-evidence.ts";
import type { EvidenceLookup, LookupFailure, RegistryAccess } from "../gather/lookup.ts";
import { codeOfFailure, hasNotes, lookupTrace } from "../gather/lookup-trace.ts";

/** What the evidence is wanted for. */
export type Purpose = "signatures" | "attestations";

/** Which digest's evidence, where, and which formats count. */
export interface EvidenceQuestion {
  readonly purpose: Purpose;
  /** `registry/path`. */
  readonly repository: string;
  readonly digest: Digest;
  readonly format?: "Cosign" | "SigstoreBundle";
  readonly access?: RegistryAccess;
}

/** Evidence for one question, and what could not be read. */
export interface FoundEvidence {
  readonly evidence: Evidence;
  readonly failures: readonly LookupFailure[];
  /** A step for each of them, with what the source says about how it asked. */
  readonly lookups: readonly Trace[];
  /** The referrers fallback tag, where it was not asked yet. */
  readonly fallback?: EvidenceLookup;
}

type ShelfLookup = Extract<EvidenceLookup, { kind: Exclude<Shelf, "given"> }>;

/**
 * Puts the shelves of one digest together. The legacy tag and the referrers API are asked at once; the fallback tag only
 * if the registry has no referrers API and, as the kernel says then, it could change the outcome.
 */
export function gatherEvidence(question: EvidenceQuestion, book: AnswerBook): FoundEvidence {
  const candidates: Candidate[] = [];
  const gaps: EvidenceGap[] = [];
  const failures: LookupFailure[] = [];
  const lookups: Trace[] = [];
  let fallback: ShelfLookup | undefined;
  for (const kind of shelvesOf(question)) {
    const lookup = lookupOf(kind, question);
    // "All hold" is about every format: then the fallback tag is wanted for sure where there is no referrers API.
    const answer =
      kind === "referrers" && question.purpose === "attestations"
        ? book.askOr(lookup, lookupOf("referrersTag", question))
        : book.ask(lookup);
    if (answer === undefined) gaps.push(pending(kind));
    else if (answer.ok) {
      candidates.push(...answer.value.candidates);
      if (hasNotes(answer)) lookups.push(lookupTrace(lookup, answer));
      if ("unsupported" in answer.value && answer.value.unsupported === true) {
        fallback = lookupOf("referrersTag", question);
      }
    } else if (answer.failure.code !== "notFound") {
      candidates.push(...candidatesIn(answer));
      gaps.push(gapOf(kind, answer.failure));
      failures.push(answer.failure);
      lookups.push(lookupTrace(lookup, answer));
    }
  }
  const asked = fallback === undefined ? undefined : book.peek(fallback);
  if (fallback !== undefined && asked === undefined) gaps.push(pending("referrersTag"));
  else if (asked !== undefined) candidates.push(...candidatesIn(asked));
  if (asked?.ok === false && asked.failure.code !== "notFound") {
    gaps.push(gapOf("referrersTag", asked.failure));
    failures.push(asked.failure);
    if (fallback !== undefined) lookups.push(lookupTrace(fallback, asked));
  }
  return {
    evidence: { digest: question.digest, candidates, gaps },
    failures,
    lookups,
    ...(fallback !== undefined && asked === undefined ? { fallback } : {}),
  };
}

function shelvesOf(question: EvidenceQuestion): readonly ShelfLookup["kind"][] {
  const legacy = question.purpose === "signatures" ? "signatureTag" : "attestationTag";
  return question.format === "SigstoreBundle" ? ["referrers"] : [legacy, "referrers"];
}

function lookupOf(kind: ShelfLookup["kind"], question: EvidenceQuestion): ShelfLookup {
  return {
    kind,
    repository: question.repository,
    digest: question.digest,
    ...(question.access === undefined ? {} : { access: question.access }),
  };
}

function pending(shelf: Shelf): EvidenceGap {
  return { shelf, code: "pending", message: `${shelfName(shelf)} was not asked yet` };
}

function gapOf(shelf: Shelf, failure: LookupFailure): EvidenceGap {
  return { shelf, code: codeOfFailure(failure), message: `${shelfName(shelf)}: ${failure.message}` };
}

function shelfName(shelf: Shelf): string {
  switch (shelf) {
    case "signatureTag":
      return "signature tag (`.sig`)";
    case "attestationTag":
      return "attestation tag (`.att`)";
    case "referrers":
      return "referrers API";
    case "referrersTag":
      return "referrers fallback tag";
    case "given":
      return "given evidence";
  }
}
