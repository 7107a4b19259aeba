import type { Trace } from "@assay/policy";
import type { SignatureJudgement } from "@assay/verify";
import { PendingLookup } from "../gather/answer-book.ts";
import type { FactMemory } from "./fact-memory.ts";
import type { KernelQuestion } from "./kernel-question.ts";
import type { Pass } from "./pass.ts";

/**
 * What an earlier judgement proved about this very question, so that not even the shelves need to be listed. Bound to
 * the digest, the prepared attestors, where they were looked for, and the trust root, which is asked for (sources keep
 * it) where it matters. Throws `PendingLookup` for it.
 */
export function recallSignatures(question: KernelQuestion, pass: Pass): Trace | undefined {
  const { remembered: facts, trust, now } = pass;
  if (facts === undefined) return undefined;
  const fact = facts.memory.get(keyOf(question, pass, facts.memory));
  if (fact === undefined) return undefined;
  const age = now.getTime() - fact.at;
  if (age < 0 || age >= facts.memory.ttlMilliseconds) return undefined;
  if (fact.trustRoot !== undefined) {
    if (trust.kind === "unasked") {
      pass.book.ask({ kind: "trustRoot", name: pass.settings.trustRoot });
      throw new PendingLookup("trust root");
    }
    if (trust.kind !== "loaded" || trust.root.id !== fact.trustRoot) return undefined;
  }
  if (fact.bornIn !== facts.evaluation) facts.recalled();
  return fact.trace;
}

/** Keeps a judgement that passed and in which no clock but a verified time decided. */
export function rememberSignatures(
  question: KernelQuestion,
  judgement: SignatureJudgement,
  pass: Pass,
): void {
  const { remembered: facts, trust } = pass;
  if (facts === undefined || judgement.trace.outcome !== "pass") return;
  if (!judgement.verified.every(isTimeless)) return;
  const restsOnTrust = judgement.verified.some(({ restsOnTrustRoot }) => restsOnTrustRoot);
  if (restsOnTrust && trust.kind !== "loaded") return;
  facts.memory.set(keyOf(question, pass, facts.memory), {
    trace: judgement.trace,
    at: pass.now.getTime(),
    bornIn: facts.evaluation,
    ...(restsOnTrust && trust.kind === "loaded" ? { trustRoot: trust.root.id } : {}),
  });
}

/** A key does not expire; a certificate that was valid at a verified time stays so. */
function isTimeless({ signer }: SignatureJudgement["verified"][number]): boolean {
  return signer.kind === "key" || signer.verifiedTimes.length > 0;
}

function keyOf(question: KernelQuestion, pass: Pass, memory: FactMemory): string {
  return JSON.stringify([
    memory.idOf(question.sets),
    question.digest,
    question.repository,
    question.format ?? null,
    question.signaturePredicateTypes ?? pass.settings.signaturePredicateTypes,
    pass.settings.logLookup,
  ]);
}
