import type { Answer, Lookup } from "@assay/engine";
import { fieldOf, isFields, own, text } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What was asked and answered. */
export interface RecordedAnswer {
  readonly lookup: Lookup;
  readonly answer: Answer;
}

/**
 * The text that makes two lookups the same question. How an image was written is no part of it; who asked (credentials)
 * is.
 */
export function questionOf(lookup: Lookup): string {
  const asked = "image" in lookup ? { ...lookup, image: { ...lookup.image, text: "" } } : lookup;
  return JSON.stringify(asked, (_key, value: unknown) =>
    isFields(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

/** A record's text: JSON, bytes as `{"$base64": "…"}`. */
export function encodeAnswers(answers: Iterable<RecordedAnswer>): string {
  const record = { version: 1, answers: [...answers] };
  const encoded = (_key: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { $base64: Buffer.from(value).toString("base64") } : value;
  return `${JSON.stringify(record, encoded, 1)}\n`;
}

/** Reads a record. Throws `misuse` for a text that is none. What it says is as trustworthy as where it comes from. */
export function decodeAnswers(content: string): readonly RecordedAnswer[] {
  let record: unknown;
  try {
    record = JSON.parse(content);
  } catch (cause) {
    throw notARecord(cause);
  }
  const answers = isFields(record) && own(record, "version") === 1 ? own(record, "answers") : undefined;
  if (!Array.isArray(answers)) throw notARecord(undefined);
  return answers.map((entry: unknown) => {
    const [lookup, answer] = isFields(entry) ? [own(entry, "lookup"), own(entry, "answer")] : [];
    const kind = text(fieldOf(lookup, "kind"));
    if (!isFields(answer) || kind === undefined) throw notARecord(undefined);
    const recorded: object = { lookup, answer: withBytes(kind, answer) };
    return recorded as RecordedAnswer; // its form is that of who wrote it: see above
  });
}

/** Candidates and manifests hold the only bytes: what looks like bytes in a ConfigMap is data and stays. */
function withBytes(kind: string, answer: Fields): Fields {
  const value = own(answer, "value");
  if (kind === "manifest" && isFields(value)) {
    return { ...answer, value: { ...value, bytes: bytesIn(value, "bytes") } };
  }
  const found = own(answer, "found");
  if (Array.isArray(found)) return { ...answer, found: found.map(candidateWithBytes) };
  const candidates = fieldOf(value, "candidates");
  if (!isFields(value) || !Array.isArray(candidates)) return answer;
  return { ...answer, value: { ...value, candidates: candidates.map(candidateWithBytes) } };
}

function candidateWithBytes(candidate: unknown): unknown {
  if (!isFields(candidate)) throw notARecord(undefined);
  const field =
    candidate["kind"] === "legacy" ? "payload" : candidate["kind"] === "bundle" ? "bytes" : undefined;
  if (field === undefined) return candidate;
  return { ...candidate, [field]: bytesIn(candidate, field) };
}

function bytesIn(fields: Fields, name: string): Uint8Array {
  const encoded = own(fields, name);
  const base64 = text(fieldOf(encoded, "$base64"));
  if (base64 === undefined) throw notARecord(undefined);
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function notARecord(cause: unknown): SourceError {
  return new SourceError("misuse", "the text is no record of answers (or of another version)", {
    origin: "record",
    cause,
  });
}
