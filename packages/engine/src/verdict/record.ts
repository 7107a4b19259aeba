import type { Candidate } from "@assay/verify";
import { EngineError } from "../engine-error.ts";
import type { EngineOptions } from "../engine-options.ts";
import type { Evaluation } from "../evaluation.ts";
import { candidatesIn, withEvidence } from "../gather/answer-evidence.ts";
import type { Answered } from "../gather/gather.ts";
import type { Answer, Lookup, Sources } from "../gather/lookup.ts";
import { lookupKey } from "../gather/lookup-key.ts";
import { isObject } from "../is-object.ts";
import type { EvaluationRequest, Verdict } from "./verdict.ts";

/** A policy file's text. */
export interface RecordedFile {
  readonly file: string;
  readonly text: string;
}

/** The engine's options that a verdict depends on. */
export type RecordedOptions = Pick<
  EngineOptions,
  | "variables"
  | "configMapNamespace"
  | "secretNamespace"
  | "trustRoot"
  | "signaturePredicateTypes"
  | "logLookup"
  | "defaultRegistry"
>;

/** Everything that one verdict follows from: policies, request, answers (trust root among them) and clock. */
export interface EvaluationRecord {
  readonly version: 1;
  /** RFC 3339. */
  readonly clock: string;
  readonly policies: readonly RecordedFile[];
  readonly options: RecordedOptions;
  readonly request: EvaluationRequest;
  readonly answers: readonly Answered[];
  readonly verdict: Verdict;
}

/** What the caller knows and the evaluation does not hold. */
export interface RecordInput {
  readonly policies: readonly RecordedFile[];
  readonly options?: RecordedOptions;
  readonly request: EvaluationRequest;
}

/**
 * The record of one evaluation. Answers are sorted, so that equal evaluations give equal records. Throws `EngineError`
 * `misuse` for an evaluation that used what an earlier one had verified: evaluate with `remember: false`.
 */
export function recordOf(evaluation: Evaluation, input: RecordInput): EvaluationRecord {
  if (evaluation.stats.facts > 0) {
    const message =
      "the evaluation rests on facts of an earlier one: evaluate with `remember: false` to record it";
    throw new EngineError("misuse", message);
  }
  const answers = [...evaluation.answers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, answered]) => answered);
  return {
    version: 1,
    clock: evaluation.now.toISOString(),
    policies: input.policies,
    options: input.options ?? {},
    request: input.request,
    answers,
    verdict: evaluation.verdict,
  };
}

/** The text of a record file: JSON, bytes as `{"$base64": "…"}`. Secrets that were asked for are in it. */
export function encodeRecord(record: EvaluationRecord): string {
  const answers = record.answers.map((answered) => mapBytes(answered, encodeBytes));
  return `${JSON.stringify({ ...record, answers }, undefined, 1)}\n`;
}

/** Reads a record file. Throws `EngineError` `invalidRecord`. What is in it is as trustworthy as the file. */
export function decodeRecord(text: string): EvaluationRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EngineError("invalidRecord", "the record is not JSON", { cause });
  }
  if (!isRecord(value)) {
    throw new EngineError("invalidRecord", "the record is not one of `assay record`, or of another version");
  }
  return { ...value, answers: value.answers.map((answered) => mapBytes(answered, decodeBytes) as Answered) };
}

/** Candidates and manifests hold the only bytes: what looks like bytes in a ConfigMap or an API's answer is data and stays. */
function mapBytes(answered: Answered, map: (bytes: unknown) => unknown): unknown {
  checkCandidates(answered.answer);
  const { lookup, answer } = answered;
  if (lookup.kind === "manifest" && answer.ok && "bytes" in answer.value) {
    return { lookup, answer: { ...answer, value: { bytes: map(answer.value.bytes) } } };
  }
  const candidates = candidatesIn(answer).map((candidate) => {
    if (candidate.kind === "legacy") return { ...candidate, payload: map(candidate.payload) };
    return candidate.kind === "bundle" ? { ...candidate, bytes: map(candidate.bytes) } : candidate;
  });
  return { lookup, answer: withEvidence(answer, candidates as readonly Candidate[]) };
}

/** What is no list of candidates would end in a `TypeError`, or count as no evidence. */
function checkCandidates(answer: Answer): void {
  const lists: readonly unknown[] = answer.ok
    ? isObject(answer.value) && "candidates" in answer.value
      ? [answer.value.candidates]
      : []
    : [answer.found ?? []];
  if ((answer.ok ? isObject(answer.value) : isObject(answer.failure)) && lists.every(isListOfObjects)) return;
  throw new EngineError("invalidRecord", "an answer of the record is none");
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function encodeBytes(bytes: unknown): unknown {
  if (!(bytes instanceof Uint8Array))
    throw new TypeError("a candidate or manifest without bytes cannot be recorded");
  return { $base64: Buffer.from(bytes).toString("base64") };
}

function decodeBytes(item: unknown): Uint8Array {
  const encoded = isObject(item) ? item["$base64"] : undefined;
  if (typeof encoded !== "string") {
    throw new EngineError("invalidRecord", "a candidate or manifest of the record has no bytes");
  }
  return new Uint8Array(Buffer.from(encoded, "base64"));
}

function isRecord(value: unknown): value is EvaluationRecord {
  if (!isObject(value)) return false;
  const record: Partial<Record<keyof EvaluationRecord, unknown>> = value;
  return (
    record.version === 1 &&
    typeof record.clock === "string" &&
    !Number.isNaN(Date.parse(record.clock)) &&
    Array.isArray(record.policies) &&
    Array.isArray(record.answers) &&
    record.answers.every(isAnswered) &&
    isObject(record.request) &&
    isObject(record.verdict) &&
    isObject(record.options)
  );
}

function isAnswered(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { lookup, answer } = value;
  return isObject(lookup) && isObject(answer) && typeof lookup["kind"] === "string";
}

/**
 * The recorded answers as sources: nothing else is asked. With the recorded policies, request and clock they give the
 * recorded verdict byte for byte; a question that was not recorded (another policy asks it) is answered `unsupported`,
 * which never allows. Throws `EngineError` `invalidRecord` for the text of a record file, or JSON that was parsed of it:
 * evidence whose bytes are not bytes would count as none.
 */
export function replaySources(record: Pick<EvaluationRecord, "answers">): Sources {
  if (!Array.isArray(record?.answers)) throw undecoded();
  for (const answered of record.answers) mapBytes(answered, demandBytes);
  const known = new Map(record.answers.map(({ lookup, answer }) => [lookupKey(lookup), answer]));
  const fetch = (lookup: Lookup): Promise<never> =>
    // INVARIANT: an answer is stored under the key of its lookup, which holds the kind.
    Promise.resolve((known.get(lookupKey(lookup)) ?? unrecorded(lookup)) as never);
  const source = { fetch };
  return { evidence: source, context: source, keys: source, trust: source, log: source };
}

function demandBytes(bytes: unknown): unknown {
  if (!(bytes instanceof Uint8Array)) throw undecoded();
  return bytes;
}

function undecoded(): EngineError {
  return new EngineError(
    "invalidRecord",
    "this is no record: the text of a file becomes one by `decodeRecord(text)`",
  );
}

function unrecorded(lookup: Lookup): Answer {
  const message = `\`${lookup.kind}\` was not asked when this was recorded`;
  return { ok: false, failure: { code: "unsupported", message, origin: "record" } };
}
