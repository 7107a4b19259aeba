import type { AttestationRule, Trace } from "@assay/policy";
import { checkAnnotations, mergedAnnotations } from "./evidence/annotations.ts";
import type { Evidence, EvidenceGap } from "./evidence/evidence.ts";
import {
  isWanted,
  type ReadCandidate,
  type ReadSignature,
  relevantGaps,
} from "./evidence/evidence-candidates.ts";
import { checkStatementSubject, isAbout } from "./evidence/in-toto-statement.ts";
import { judgeCandidate } from "./judge/judge-candidate.ts";
import { judgeSets } from "./judge/judge-sets.ts";
import {
  closest,
  furtherSigners,
  type Judgement,
  nothingNeeded,
  type Tried,
  unsatisfied,
} from "./judge/judgement.ts";
import { applyQuantifier, type CheckedStatement, type QuantifiedOutcome } from "./judge/quantifier.ts";
import type { AttestationJudgement, KernelInput, StatementCheck, VerifiedAttestation } from "./kernel.ts";
import type { LogQuestion } from "./log/log-lookup.ts";
import type { PreparedSets, PreparedSigner } from "./proof/prepared.ts";
import { shown } from "./refusal.ts";

type Rule = Pick<AttestationRule, "type" | "quantifier" | "path" | "source">;

/**
 * Do the attestations satisfy the rule? For each entry: statements of the rule's type about this digest that its signer
 * made, in any format; those that `quantifier` picks must pass `check`. Never throws for what the evidence holds.
 */
export function verifyAttestations(
  rule: Rule,
  sets: PreparedSets,
  check: StatementCheck,
  input: KernelInput,
): AttestationJudgement {
  const { signers: _, ...judged } = judgeSets(sets, (signer, everySigner) =>
    judgeSigner(signer, everySigner, { rule, sets, check, input }),
  );
  return {
    ...judged,
    trace: { ...judged.trace, step: "attestation", path: rule.path, source: rule.source },
  };
}

type Reason = Pick<Trace, "code" | "message">;

interface Question {
  readonly rule: Rule;
  readonly sets: PreparedSets;
  readonly check: StatementCheck;
  readonly input: KernelInput;
}

function judgeSigner(
  signer: PreparedSigner,
  everySigner: boolean,
  question: Question,
): Judgement<VerifiedAttestation> {
  const { rule, input } = question;
  const evidence = input.evidence(signer.repository);
  const candidates = candidatesOf(evidence, question);
  const { children, checked, broken, needsLog } = checkStatements(candidates.ofType, signer, question);
  const place = { step: "attestor", path: signer.path, source: signer.source, children } as const;
  const gaps = relevantGaps(evidence, "attestation", input.format);
  const result = applyQuantifier(rule.quantifier, checked);
  const blocked =
    rule.quantifier === "any" ? undefined : (broken ?? blocking(candidates.ofType, children, gaps));
  if (result.outcome === "pass" && blocked === undefined) {
    const trace = { ...place, outcome: "pass", code: "ok", message: "verified image attestations" } as const;
    // Only who made what passed: a statement that failed, or that a later one replaced, counts for nobody.
    const signers = result.passed.map((one) => one.signer);
    const verified = result.passed.map(({ attestation }) => attestation);
    const further = everySigner ? furtherSigners({ children, needsLog }, gaps) : {};
    return { trace, signers, verified, ...nothingNeeded, ...further };
  }
  const failed = result.outcome !== "pass" && checked.length > 0 ? result : undefined;
  if (failed !== undefined && isFinal(failed, rule.quantifier, children)) {
    const { outcome, code, message } = failed;
    return { trace: { ...place, outcome, code, message }, signers: [], verified: [], ...nothingNeeded };
  }
  const reason = failed ?? blocked ?? notFound(rule, candidates.ofType, candidates.others, children);
  const { outcome, code, message, ...needs } = unsatisfied({ children, needsLog }, gaps, reason);
  return { trace: { ...place, outcome, code, message }, signers: [], verified: [], ...needs };
}

/** Whether no statement that is not known yet could change it. */
function isFinal(
  failed: Exclude<QuantifiedOutcome, { readonly outcome: "pass" }>,
  quantifier: Rule["quantifier"],
  children: readonly Trace[],
): boolean {
  if (failed.outcome === "error") return true;
  switch (quantifier) {
    case "all":
      return true;
    case "any":
      return false;
    case "latest":
      return children.every(({ outcome }) => outcome !== "error");
  }
}

interface CheckedStatements extends Tried {
  readonly checked: readonly CheckedStatement[];
  /** A statement of this signer that nobody can read: it might be of the type, and might fail. */
  readonly broken: Reason | undefined;
}

/** Proves each statement of the type, and asks the conditions of those that are proven. */
function checkStatements(
  candidates: readonly ReadCandidate[],
  signer: PreparedSigner,
  { sets, check, input }: Question,
): CheckedStatements {
  let broken: Trace | undefined;
  const children: Trace[] = [];
  const checked: CheckedStatement[] = [];
  const needsLog: LogQuestion[] = [];
  for (const read of candidates) {
    const question = { signer, sets, input, step: "statement" } as const;
    const judged = judgeCandidate(read, question, (candidate) => proveStatement(candidate, signer, input));
    if (judged.proof === undefined) {
      needsLog.push(...judged.needsLog);
      children.push(ownReason(judged.trace, read, input));
      // guard: attestation-broken
      if (judged.isGenuine && judged.trace.code === "malformed") broken ??= judged.trace;
      continue;
    }
    const { facts, names } = judged.proof;
    const proven = { attestor: signer.path, signer: facts, ...judged.value, origin: read.origin };
    const trace = check(proven);
    const { outcome, code, message } = trace;
    children.push({ ...judged.trace, outcome, code, message, children: [trace] });
    checked.push({ attestation: proven, signer: names, trace });
  }
  return { children, checked, broken, needsLog };
}

function candidatesOf(
  evidence: Evidence,
  { rule, sets, input }: Question,
): { readonly ofType: readonly ReadCandidate[]; readonly others: readonly string[] } {
  const read = evidence.candidates
    .filter((candidate) => isWanted(candidate, "attestation", input.format))
    .map((candidate) => sets.reader.read(candidate));
  const statements = read.filter(
    (one) => one.kind === "refused" || one.statement !== undefined || one.problem !== undefined,
  );
  // Compared exactly: another case, a slash at the end or a version more is another type.
  const isOfType = (one: ReadCandidate): boolean =>
    one.kind === "refused" || one.problem !== undefined || one.statement?.predicateType === rule.type;
  const others = statements.flatMap((one) =>
    isOfType(one) || one.kind === "refused" ? [] : [one.statement?.predicateType ?? ""],
  );
  return { ofType: statements.filter(isOfType), others: [...new Set(others)] };
}

/** Somebody else's statement about another image is not about this one first of all. */
function ownReason(trace: Trace, read: ReadCandidate, { digest }: KernelInput): Trace {
  if (trace.code !== "identityMismatch" || read.kind === "refused" || read.statement === undefined)
    return trace;
  if (isAbout(read.statement, digest)) return trace;
  return { ...trace, code: "claimMismatch", message: "no subject of the statement is this image" };
}

type Claims = Pick<VerifiedAttestation, "statementType" | "predicateType" | "subject" | "predicate">;

function proveStatement(
  { statement, problem }: ReadSignature,
  signer: PreparedSigner,
  input: KernelInput,
): Claims {
  if (problem !== undefined) throw problem;
  if (statement === undefined) throw new TypeError("a candidate without statement is no attestation");
  const subjects = checkStatementSubject(statement, input.digest);
  checkAnnotations(signer.annotations, mergedAnnotations(subjects));
  const { statementType, predicateType, subject } = statement;
  return { statementType, predicateType, subject, predicate: statement.readPredicate() };
}

/** "All hold" cannot be said where some could not be read, or were not had. There is a child for each candidate. */
function blocking(
  candidates: readonly ReadCandidate[],
  children: readonly Trace[],
  gaps: readonly EvidenceGap[],
): Reason | undefined {
  const unread = candidates.find((one) => one.kind === "refused" && one.unread && one.code !== "malformed");
  // guard: attestation-unread
  if (unread?.kind === "refused") return { code: unread.code, message: unread.message };
  const stranger = children.find(
    ({ code }, index) => code === "identityMismatch" && isLegacy(candidates[index]),
  );
  // Kyverno: whatever of this type the same authority certified must be by the named identity. Not so bundles: there it
  // passes over what others made.
  // guard: attestation-stranger
  if (stranger !== undefined) return { code: stranger.code, message: stranger.message };
  const undecided = children.find(({ outcome, step }) => step === "statement" && outcome === "error");
  // guard: attestation-undecided
  if (undecided !== undefined) return { code: undecided.code, message: undecided.message };
  const [gap] = gaps;
  // guard: attestation-gaps
  if (gap !== undefined) {
    return { code: gap.code === "pending" ? "unavailable" : gap.code, message: gap.message };
  }
  return undefined;
}

function isLegacy(candidate: ReadCandidate | undefined): boolean {
  return candidate?.kind === "signature" && candidate.signature.format === "legacy";
}

function notFound(
  rule: Rule,
  ofType: readonly ReadCandidate[],
  others: readonly string[],
  children: readonly Trace[],
): Reason {
  const best = closest(children);
  if (ofType.length > 0 && best !== undefined) {
    return { code: best.code, message: `no matching attestations: ${best.message}` };
  }
  if (others.length === 0)
    return { code: "notSigned", message: "no matching attestations: no attestations found" };
  const found = others
    .slice(0, 16)
    .map((type) => `\`${shown(type)}\``)
    .join(", ");
  return {
    code: "predicateTypeMissing",
    message: `attestations not found for predicate type \`${shown(rule.type)}\`: found ${found}`,
  };
}
