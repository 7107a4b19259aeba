import type { Fact, Trace } from "@assay/policy";
import type { ReadCandidate, ReadSignature } from "../evidence/evidence-candidates.ts";
import type { KernelInput } from "../kernel.ts";
import { type LogQuestion, PendingLog } from "../log/log-lookup.ts";
import { mustBeIssued, type PreparedSets, type PreparedSigner } from "../proof/prepared.ts";
import type { ProvenSignature } from "../proof/proven-signature.ts";
import { rememberedProof } from "../proof/remembered-proof.ts";
import { outcomeOf, reasonOf } from "../refusal.ts";
import { trusted } from "../trust/trust-root.ts";

/** Who is asked for, and in what light. */
export interface CandidateQuestion {
  readonly signer: PreparedSigner;
  readonly sets: PreparedSets;
  readonly input: KernelInput;
  readonly step: "signature" | "statement";
}

/** A candidate with its trace; `proof` and `value` are there exactly where everything held. */
export type JudgedCandidate<T> =
  | { readonly trace: Trace; readonly proof: ProvenSignature; readonly value: T }
  | {
      readonly trace: Trace;
      readonly proof: undefined;
      /** The signature is genuine: what was refused is what it says. */
      readonly isGenuine: boolean;
      /** What logs must be asked before anything can be said. */
      readonly needsLog: readonly LogQuestion[];
    };

/**
 * Where the refusals of a candidate end. First who signed (with log, chain, time), then, over the same bytes, what it
 * says: `readClaim` sees a candidate only after its signature was proven.
 */
export function judgeCandidate<T>(
  read: ReadCandidate,
  question: CandidateQuestion,
  readClaim: (candidate: ReadSignature) => T,
): JudgedCandidate<T> {
  const { signer, input, step } = question;
  const base = { step, path: signer.path, children: [] } as const;
  const facts = originFacts(read, signer);
  if (read.kind === "refused") {
    return {
      trace: { ...base, outcome: "fail", code: read.code, message: read.message, facts },
      proof: undefined,
      isGenuine: false,
      needsLog: [],
    };
  }
  let isGenuine = false;
  try {
    const identity = step === "statement" ? "last" : "first";
    const { now, digest, logLookup } = input;
    const light = { trust: input.trust?.[trusted], now, digest, identity, logLookup } as const;
    const proof = rememberedProof(read.signature, signer, light);
    isGenuine = true;
    const value = readClaim(read);
    const message = `signed by ${proof.facts.subject ?? proof.facts.keyId}`;
    return {
      trace: { ...base, outcome: "pass", code: "ok", message, facts: { ...facts, ...provenFacts(proof) } },
      proof,
      value,
    };
  } catch (error) {
    const { code, message, ...details } = reasonOf(error);
    const trace = { ...base, outcome: outcomeOf(code), code, message, ...details, facts };
    const needsLog = error instanceof PendingLog ? error.questions : [];
    return { trace, proof: undefined, isGenuine, needsLog };
  }
}

/** Where the candidate came from, and what the policy waives: every weakening shows in the trace. */
function originFacts(
  { origin, ...read }: ReadCandidate,
  signer: PreparedSigner,
): Readonly<Record<string, Fact>> {
  return {
    shelf: origin.shelf,
    repository: origin.repository,
    ...(origin.manifest === undefined ? {} : { manifest: origin.manifest }),
    ...(origin.layer === undefined ? {} : { layer: origin.layer }),
    ...(read.kind === "signature" ? { format: read.signature.format } : {}),
    ...(signer.log === "ignore" ? { tlog: "ignored" } : {}),
    ...(signer.ctLog === "ignore" && mustBeIssued(signer) ? { sct: "ignored" } : {}),
  };
}

function provenFacts({ facts }: ProvenSignature): Readonly<Record<string, Fact>> {
  return {
    keyId: facts.keyId,
    ...(facts.subject === undefined ? {} : { subject: facts.subject }),
    ...(facts.issuer === undefined ? {} : { issuer: facts.issuer }),
    ...(facts.logIndex === undefined ? {} : { logIndex: facts.logIndex }),
    ...(facts.verifiedTimes.length === 0
      ? {}
      : { verifiedTimes: facts.verifiedTimes.map(({ from, time }) => `${from} ${time}`) }),
  };
}
