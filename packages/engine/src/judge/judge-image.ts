import { type Digest, pinnedText } from "@assay/image";
import type { Code, Outcome, Trace } from "@assay/policy";
import { PendingLookup } from "../gather/answer-book.ts";
import type { Answer, RegistryAccess } from "../gather/lookup.ts";
import { codeOfFailure, hasNotes, lookupTrace } from "../gather/lookup-trace.ts";
import { type PlannedEntry, type PlannedImage, type PlannedRule, verifies } from "../plan/request-plan.ts";
import { allOf, leadOf } from "../verdict/reason.ts";
import type { JsonPatch } from "../verdict/verdict.ts";
import { digestRule, pins } from "./digest-rule.ts";
import { judgeEntry } from "./judge-entry.ts";
import type { Pass } from "./pass.ts";
import type { RuleScope } from "./rule-scope.ts";
import { settle } from "./settle.ts";
import { allOpen, type StepJudgement } from "./step-judgement.ts";

/** One image of one rule. */
export interface ImageQuestion {
  readonly rule: PlannedRule;
  readonly image: PlannedImage;
  readonly access?: RegistryAccess;
  readonly scope: RuleScope;
}

/** What one rule says of one image. */
export interface ImageJudgement extends StepJudgement {
  readonly digest?: Digest;
  readonly code: Code;
  readonly message: string;
  readonly patches: readonly JsonPatch[];
}

/** Judges every entry that selects the image: all of them must hold. */
export function judgeImage(question: ImageQuestion, pass: Pass): ImageJudgement {
  const { image } = question;
  const active = image.entries.filter((entry) => !entry.skipped);
  const undigested = skippedByTag(question, active, pass);
  if (active.length + undigested.length === 0) return skippedImage(question);
  const resolved = resolveDigest(question, active, pass);
  if ("trace" in resolved)
    return { ...resolved, code: resolved.trace.code, message: resolved.trace.message, patches: [] };
  const { digest } = resolved;
  const at: At = { pass, ...(digest === undefined ? {} : { digest }) };
  const others = {
    pinnedByOther: pinsAny(active, question, pass),
    verifiedByOther: active.some(({ compiled }) => verifies(compiled)),
  };
  const steps = [
    ...settle(active.map((entry) => () => judgeActive(entry, question, { ...at, ...others }))),
    ...undigested,
  ];
  const traces = steps.map((step) => step.trace);
  const outcome = allOf(traces);
  const lead = outcome === "pass" ? traces[0] : leadOf(traces, outcome);
  const code = outcome === "pass" ? "ok" : (lead?.code ?? "internal");
  const message = lead?.message ?? "image verified";
  return {
    ...(digest === undefined ? {} : { digest }),
    code,
    message,
    opens: steps.every((step) => step.trace.outcome !== "error" || step.opens),
    patches: outcome === "pass" ? patchesOf(active, question, at) : [],
    trace: imageTrace(question, outcome, {
      code,
      message,
      children: [...(resolved.lookup === undefined ? [] : [resolved.lookup]), ...traces],
      facts: { image: image.text, ...(digest === undefined ? {} : { digest }) },
    }),
  };
}

interface Resolved {
  /** Undefined where nothing of the entries needs one. */
  readonly digest?: Digest;
  /** How the tag was resolved, where the source has something to tell. */
  readonly lookup?: Trace;
}

/**
 * The digest that everything about this image is judged for. A tag is resolved once per request: every rule asks the
 * same question. Not asked where no entry verifies or pins anything.
 */
function resolveDigest(
  question: ImageQuestion,
  active: readonly PlannedEntry[],
  pass: Pass,
): Resolved | StepJudgement {
  const { reference, text } = question.image;
  if (reference.digest !== undefined) return { digest: reference.digest };
  const needed = active.some(({ compiled }) => verifies(compiled)) || pinsAny(active, question, pass);
  if (!needed) return {};
  const { access } = question;
  const lookup = { kind: "digest", image: reference, ...(access === undefined ? {} : { access }) } as const;
  const answer = pass.book.ask(lookup);
  if (answer === undefined) throw new PendingLookup(text);
  const step = lookupTrace(lookup, answer);
  if (!answer.ok) return unresolved(question, step, answer);
  return { digest: answer.value.digest, ...(hasNotes(answer) ? { lookup: step } : {}) };
}

function unresolved(
  question: ImageQuestion,
  step: Trace,
  { failure }: Extract<Answer<"digest">, { ok: false }>,
): StepJudgement {
  const missing = failure.code === "notFound";
  const outcome = missing || isEvidenceFault(failure) ? "fail" : "error";
  const what = missing ? "the image does not exist" : "its digest could not be resolved";
  return {
    opens: allOpen([failure]),
    trace: imageTrace(question, outcome, {
      code: codeOfFailure(failure),
      message: `failed to verify image ${question.image.text}: ${what}: ${failure.message}`,
      facts: { image: question.image.text },
      children: [{ ...step, outcome }],
    }),
  };
}

/** What was sent breaks a rule: that follows from bytes, and asking again would not help. */
function isEvidenceFault(failure: { readonly code: string }): boolean {
  return failure.code === "malformed" || failure.code === "tooLarge" || failure.code === "tooMany";
}

interface At {
  readonly digest?: Digest;
  readonly pass: Pass;
}

/**
 * `skipImageReferences` releases an image from being verified, not from `verifyDigest`: Kyverno asks it for its digest
 * where the entry does not pin. (Where it does, Kyverno has pinned skipped images too, and has nothing to refuse.)
 */
function skippedByTag(
  question: ImageQuestion,
  active: readonly PlannedEntry[],
  pass: Pass,
): readonly StepJudgement[] {
  if (pinsAny(active, question, pass) || question.image.isFixed) return [];
  const image = question.image.reference;
  return question.image.entries
    .filter(({ skipped, compiled }) => skipped && !compiled.entry.mutateDigest)
    .flatMap(({ compiled: { entry } }) => digestRule({ entry, image, mutate: pass.facts.mutate }) ?? [])
    .map((trace) => ({ trace, opens: false }));
}

/** Whether one of the entries pins the image. */
function pinsAny(entries: readonly PlannedEntry[], { image }: ImageQuestion, { facts }: Pass): boolean {
  const { reference, isFixed } = image;
  if (isFixed) return false;
  return entries.some(({ compiled: { entry } }) => pins({ entry, image: reference, mutate: facts.mutate }));
}

function judgeActive(
  planned: PlannedEntry,
  question: ImageQuestion,
  at: At & { readonly pinnedByOther: boolean; readonly verifiedByOther: boolean },
): StepJudgement {
  const { reference } = question.image;
  const { digest, pinnedByOther, verifiedByOther, pass } = at;
  const { access, scope } = question;
  const known = digest === undefined ? {} : { digest };
  const verified = judgeEntry(
    {
      positionAt: question.rule.compiled.positionAt,
      entry: planned.compiled,
      image: reference,
      scope,
      verifiedByOther,
      ...known,
      ...(access === undefined ? {} : { access }),
    },
    pass,
  );
  const { entry } = planned.compiled;
  const asked = { entry, image: reference, mutate: pass.facts.mutate, pinnedByOther, ...known };
  const byDigest = question.image.isFixed ? undefined : digestRule(asked);
  if (byDigest === undefined) return verified;
  // Whatever the signature comes to, a tag is refused: what cannot be told about it does not matter.
  const lead = verified.trace.outcome === "fail" ? verified.trace : byDigest;
  const children = [...verified.trace.children, byDigest];
  return {
    opens: false,
    trace: { ...verified.trace, outcome: "fail", code: lead.code, message: lead.message, children },
  };
}

/** Only images that every entry of the rule verified are pinned, and only to the digest that was verified. */
function patchesOf(active: readonly PlannedEntry[], question: ImageQuestion, at: At): readonly JsonPatch[] {
  const { reference, pointers } = question.image;
  const { digest, pass } = at;
  const { request, operation } = pass.facts;
  // What goes is not pinned any more; the API server refuses a deletion that an answer wants to change.
  if (operation === "DELETE") return [];
  if (digest === undefined || !pinsAny(active, question, pass)) return [];
  const value = pinnedText(reference, digest);
  return pointers
    .filter(
      (path) =>
        request.subresource !== "ephemeralcontainers" || path.startsWith("/spec/ephemeralContainers/"),
    )
    .map((path) => ({ op: "replace", path, value }));
}

function skippedImage(question: ImageQuestion): ImageJudgement {
  const { policy, rule } = question.rule.compiled;
  // Kyverno's words (iv.go).
  const message = `skipping image reference image ${question.image.text}, policy ${policy.name} ruleName ${rule.name}`;
  const code = "skippedImage";
  const trace = imageTrace(question, "skip", { code, message, children: [] });
  return { trace, code, message, opens: false, patches: [] };
}

function imageTrace(
  question: ImageQuestion,
  outcome: Outcome,
  rest: Pick<Trace, "code" | "message" | "children" | "facts">,
): Trace {
  const { rule } = question.rule.compiled;
  return { step: "image", path: `${rule.path}.verifyImages`, source: rule.source, outcome, ...rest };
}
