import type { Trace } from "@assay/policy";
import type { KernelInput, MissingManifest, Needs } from "@assay/verify";
import { PendingLookup } from "../gather/answer-book.ts";
import type { Answer, EvidenceLookup, LookupFailure } from "../gather/lookup.ts";
import { hasNotes, lookupTrace } from "../gather/lookup-trace.ts";
import { repositoryOf } from "../plan/repository.ts";
import { type EvidenceQuestion, type FoundEvidence, gatherEvidence } from "./gather-evidence.ts";
import type { KernelQuestion } from "./kernel-question.ts";
import { type LogConsultation, logConsultation } from "./log-consultation.ts";
import type { Pass } from "./pass.ts";

interface Judgement extends Needs {
  readonly trace: Trace;
}

/** The kernel's judgement, and what of the evidence could not be had. */
export interface Judged<J extends Judgement> {
  readonly judgement: J;
  /** What could not be had and may be why it is an `error`. */
  readonly failures: readonly LookupFailure[];
}

/**
 * Puts evidence, trust and clock before the kernel. Throws `PendingLookup` when something must be asked first: the
 * evidence at once, the trust root, the manifest and the referrers fallback tag only when the kernel says that they could
 * change the outcome, and a log only when it does so after all of these.
 */
export function judgeEvidence<J extends Judgement>(
  question: KernelQuestion,
  pass: Pass,
  kernel: (input: KernelInput) => J,
): Judged<J> {
  const found = new Map<string | undefined, FoundEvidence>();
  const find = (repository: string | undefined): FoundEvidence => {
    const known = found.get(repository);
    if (known !== undefined) return known;
    const fresh = gatherEvidence(evidenceQuestion(question, repository), pass.book);
    found.set(repository, fresh);
    return fresh;
  };
  for (const repository of question.sets.repositories) find(repository);
  if ([...found.values()].some(isIncomplete)) throw new PendingLookup("evidence");

  const log = logConsultation(pass);
  const evidence: KernelInput["evidence"] = (repository) => find(repository).evidence;
  const judgement = kernel(kernelInput(question, pass, { evidence, log }));
  const shelves = [...found.values()];
  const asked = askForMore(judgement, { question, pass, shelves, log });
  if (asked || shelves.some(isIncomplete)) throw new PendingLookup("evidence");
  const troubles = [
    { failures: log.failures(), lookups: log.traces() },
    trustTrouble(judgement, pass),
    manifestTrouble(judgement, question, pass),
  ];
  const gathered = [...shelves, ...troubles];
  return {
    judgement: withLookups(
      judgement,
      gathered.flatMap(({ lookups }) => lookups),
    ),
    failures: gathered.flatMap(({ failures }) => failures),
  };
}

interface Consulted {
  readonly question: KernelQuestion;
  readonly pass: Pass;
  readonly shelves: readonly FoundEvidence[];
  readonly log: LogConsultation;
}

/** Asks what the kernel says it needs, logs only once nothing else is missing. False: it needs nothing that can be had. */
function askForMore(needs: Needs, { question, pass, shelves, log }: Consulted): boolean {
  let asked = false;
  if (needs.needsTrust && pass.trust.kind === "unasked") {
    pass.book.ask({ kind: "trustRoot", name: pass.settings.trustRoot });
    asked = true;
  }
  if (needs.needsManifest && pass.book.ask(manifestLookup(question)) === undefined) asked = true;
  for (const { fallback } of needs.needsEvidence ? shelves : []) {
    if (fallback === undefined) continue;
    pass.book.ask(fallback);
    asked = true;
  }
  if (asked || shelves.some(isIncomplete) || needs.needsLog.length === 0) return asked;
  log.ask(needs.needsLog);
  return true;
}

/** What could not be had of one thing, and the steps that tell of it. */
type Trouble = Pick<FoundEvidence, "failures" | "lookups">;

const noTrouble: Trouble = { failures: [], lookups: [] };

function trustTrouble({ needsTrust }: Needs, { trust, settings }: Pass): Trouble {
  if (!needsTrust || trust.kind !== "unavailable") return noTrouble;
  const { failure } = trust;
  const lookup = { kind: "trustRoot", name: settings.trustRoot } as const;
  return { failures: [failure], lookups: [lookupTrace(lookup, { ok: false, failure })] };
}

/** An answered manifest has a step where there is something to tell of how it was come by. */
function manifestTrouble({ needsManifest }: Needs, question: KernelQuestion, { book }: Pass): Trouble {
  const lookup = manifestLookup(question);
  const read = question.purpose === "signatures" ? book.peek(lookup) : undefined;
  if (read === undefined || !(read.ok ? hasNotes(read) : needsManifest)) return noTrouble;
  return { failures: read.ok ? [] : [read.failure], lookups: [lookupTrace(lookup, read)] };
}

function manifestLookup(question: KernelQuestion): Extract<EvidenceLookup, { kind: "manifest" }> {
  const { digest, imageRepository: repository, access } = question;
  return { kind: "manifest", repository, digest, ...(access === undefined ? {} : { access }) };
}

/** The manifest as the kernel takes it: what the registry lacks or spoilt is a reason to fail, as for the image itself. */
function manifestOf(answer: Answer<"manifest">): Uint8Array | MissingManifest {
  if (answer.ok) return answer.value.bytes;
  const { code, message: why } = answer.failure;
  const message = `the image's manifest, which a bundle signs, could not be read: ${why}`;
  switch (code) {
    case "notFound":
      return { code: "imageNotFound", message };
    case "malformed":
    case "tooLarge":
    case "tooMany":
      return { code, message };
    default:
      return { code: "manifestUnavailable", message };
  }
}

/** What could not be had stands beside what was judged without it. */
function withLookups<J extends Judgement>(judgement: J, lookups: readonly Trace[]): J {
  if (lookups.length === 0) return judgement;
  return { ...judgement, trace: { ...judgement.trace, children: [...judgement.trace.children, ...lookups] } };
}

function evidenceQuestion(question: KernelQuestion, repository: string | undefined): EvidenceQuestion {
  return {
    purpose: question.purpose,
    repository: repository === undefined ? question.repository : repositoryOf(repository),
    digest: question.digest,
    ...(question.format === undefined ? {} : { format: question.format }),
    ...(question.access === undefined ? {} : { access: question.access }),
  };
}

/** A shelf that was asked but has not answered yet; the fallback tag is not asked before the kernel wants it. */
function isIncomplete({ evidence }: FoundEvidence): boolean {
  return evidence.gaps.some((gap) => gap.code === "pending" && gap.shelf !== "referrersTag");
}

function kernelInput(
  question: KernelQuestion,
  pass: Pass,
  { evidence, log }: { readonly evidence: KernelInput["evidence"]; readonly log: LogConsultation },
): KernelInput {
  const manifest = pass.book.peek(manifestLookup(question));
  return {
    digest: question.digest,
    evidence,
    ...(log.lookup === undefined ? {} : { logLookup: log.lookup }),
    now: pass.now,
    signaturePredicateTypes: question.signaturePredicateTypes ?? pass.settings.signaturePredicateTypes,
    ...(pass.trust.kind === "loaded" ? { trust: pass.trust.root } : {}),
    ...(manifest === undefined ? {} : { manifest: manifestOf(manifest) }),
    ...(question.format === undefined ? {} : { format: question.format }),
  };
}
