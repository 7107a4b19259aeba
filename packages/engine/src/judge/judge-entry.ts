import type { Outcome, Place, Trace } from "@assay/policy";
import { verifySignatures } from "@assay/verify";
import { repositoryOf, repositoryProblem } from "../plan/repository.ts";
import { verifies } from "../plan/request-plan.ts";
import { reasonsOf } from "../verdict/reason.ts";
import type { EntryQuestion } from "./entry-question.ts";
import { withIdentityHints } from "./identity-hints.ts";
import { judgeAttestation, type NamedStatements } from "./judge-attestation.ts";
import { judgeDeny } from "./judge-deny.ts";
import { judgeEvidence } from "./judge-evidence.ts";
import { kernelQuestion } from "./kernel-question.ts";
import type { Pass } from "./pass.ts";
import { prepareSets } from "./prepare-sets.ts";
import { fillText } from "./resolve-attestors.ts";
import { attempt, settle } from "./settle.ts";
import { recallSignatures, rememberSignatures } from "./signature-facts.ts";
import { allOpen, errorTrace, expressionError, type StepJudgement } from "./step-judgement.ts";

/**
 * Signatures, attestations and the cross-attestation `deny` of one entry, in Kyverno's order: the first that does not
 * pass is what the entry comes to, and the others are told beside it as far as they are known. Throws `PendingLookup`
 * after everything that can be asked at once was asked.
 */
export function judgeEntry(asked: EntryQuestion, pass: Pass): StepJudgement {
  const place = repositoryFor(asked);
  if (place !== undefined && "trace" in place) return entryJudgement(asked, [place]);
  const question = place === undefined ? asked : { ...asked, repository: place.repository };
  const { entry, attestations } = question.entry;
  const named: NamedStatements = new Map();
  const signatures = attempt(() => judgeSignatures(question, pass));
  const settled = signatures.kind === "done" && signatures.value !== undefined && isRefused(signatures.value);
  const untold = settled && signatures.value?.opens === true;
  const rest = attestations.map((attestation) => () => {
    const at = { pass: settled ? quiet(pass) : pass, named, untold };
    const judged = attempt(() => judgeAttestation(attestation, question, at));
    if (judged.kind === "done") return judged.value;
    if (!settled) throw judged.error;
    return { trace: notEvaluated(attestation.rule), opens: false };
  });
  const others = settle<StepJudgement>(rest);
  if (signatures.kind === "pending") throw signatures.error;
  const steps = [...(signatures.value === undefined ? [] : [signatures.value]), ...others];
  if (!steps.some(isRefused) && entry.validate?.deny !== undefined) {
    steps.push(judgeDeny(entry.validate, named, question));
  }
  const unverified = !verifies(question.entry) && question.verifiedByOther !== true;
  if (unverified && entry.required) {
    steps.push({ trace: nothingRequired(question), opens: false });
  }
  return entryJudgement(question, steps);
}

/** The entry's `repository` with its variables filled in. */
function repositoryFor({
  entry: { entry },
  scope,
}: EntryQuestion): { readonly repository: string } | StepJudgement | undefined {
  const { repository, path, source } = entry;
  if (repository === undefined) return undefined;
  const where = {
    path: `${path}.repository`,
    source,
    step: "check",
    prefix: "failed to substitute variables",
  } as const;
  try {
    const filled = fillText(repository, scope.scopeFor);
    const problem = repositoryProblem(filled);
    if (problem === undefined) return { repository: repositoryOf(filled) };
    return { trace: errorTrace(where, "conditionUnresolved", problem), opens: false };
  } catch (error) {
    return expressionError(error, where);
  }
}

function entryJudgement(question: EntryQuestion, steps: readonly StepJudgement[]): StepJudgement {
  const { path, source } = question.entry.entry;
  const lead = steps.find(isRefused)?.trace;
  const outcome = lead?.outcome ?? "pass";
  return {
    // What fails for certain beside an error must not be let through with it.
    opens: steps.filter(isRefused).every(({ trace, opens }) => trace.outcome === "error" && opens),
    trace: {
      step: "check",
      path,
      source,
      outcome,
      code: lead?.code ?? "ok",
      message: entryMessage(question, outcome, lead),
      children: steps.map(({ trace }) => trace),
    },
  };
}

function isRefused({ trace }: StepJudgement): boolean {
  return trace.outcome === "fail" || trace.outcome === "error";
}

/** Once the signatures have decided, attestations are told as far as they are known: nothing more is asked. */
function quiet(pass: Pass): Pass {
  return { ...pass, book: { ...pass.book, ask: pass.book.peek, askOr: pass.book.peek } };
}

function notEvaluated(place: Place): Trace {
  return {
    step: "attestation",
    path: place.path,
    source: place.source,
    outcome: "skip",
    code: "notEvaluated",
    message: "not evaluated: the signatures had decided",
    children: [],
  };
}

function judgeSignatures(question: EntryQuestion, pass: Pass): StepJudgement | undefined {
  const { entry, attestors } = question.entry;
  if (attestors === undefined) return undefined;
  const place: Place = {
    path: `${entry.path}.attestors`,
    source: attestors.model[0]?.source ?? entry.source,
  };
  const prepared = prepareSets(attestors, place, { scope: question.scope, pass });
  if ("trace" in prepared) return prepared;
  const asked = kernelQuestion(question, "signatures", prepared.sets);
  const known = entry.useCache ? recallSignatures(asked, pass) : undefined;
  if (known !== undefined) return { trace: { source: place.source, ...known }, opens: false };
  const { judgement, failures } = judgeEvidence(asked, pass, (input) =>
    verifySignatures(prepared.sets, place.path, input),
  );
  rememberSignatures(asked, judgement, pass);
  return {
    trace: withIdentityHints({ source: place.source, ...judgement.trace }),
    opens: allOpen([...prepared.failures, ...failures]),
  };
}

/** Kyverno: an entry that verifies nothing can never satisfy `required`. */
function nothingRequired({ entry: { entry }, image }: EntryQuestion): Trace {
  return {
    step: "check",
    path: `${entry.path}.required`,
    source: entry.source,
    outcome: "fail",
    code: "unverifiedImage",
    message: `unverified image \`${image.text}\`: the entry has neither attestors nor attestations, so nothing can verify it`,
    children: [],
  };
}

/** Kyverno's words, so that who knows them finds them, then the reason. */
function entryMessage(question: EntryQuestion, outcome: Outcome, lead: Trace | undefined): string {
  const { entry, attestors } = question.entry;
  const name = question.image.text;
  if (outcome === "pass") {
    if (entry.attestations.length > 0) return `verified image attestations for ${name}`;
    return attestors === undefined ? "image verified" : `verified image signatures for ${name}`;
  }
  if (lead === undefined) return `failed to verify image ${name}`;
  const reasons = reasonsOf(lead);
  if (outcome === "error") return `failed to verify image ${name}: ${reasons}`;
  switch (lead.step) {
    case "attestation":
      return `failed to verify image ${name}: image attestations verification failed: ${reasons}`;
    case "deny":
    case "check":
      return lead.message;
    default: {
      // The kernel's leaves say it too; once is enough.
      const said = reasons.replaceAll(/failed to verify signature: (?:no matching signatures: )?/g, "");
      return `failed to verify image ${name}: failed to verify signature: no matching signatures: ${said}`;
    }
  }
}
