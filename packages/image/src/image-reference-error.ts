/** What is wrong with a reference. */
export type ImageReferenceErrorCode =
  | "empty"
  | "tooLong"
  | "badFormat"
  | "badRegistry"
  | "badRepository"
  | "upperCase"
  | "badTag"
  | "badDigest"
  | "unsupportedDigest";

/** Thrown for text that is not an image reference or digest. Nothing about the text is known then. */
export class ImageReferenceError extends Error {
  override readonly name = "ImageReferenceError";
  readonly code: ImageReferenceErrorCode;
  /** What was to be parsed. */
  readonly text: string;
  /** Where in `text` the first offending character stands, counted from 0. */
  readonly offset: number;

  constructor(code: ImageReferenceErrorCode, text: string, problem: { message: string; offset?: number }) {
    super(problem.message);
    this.code = code;
    this.text = text;
    this.offset = problem.offset ?? 0;
  }
}

/** Text as it may stand in a message: no line breaks or control characters, and not endless. */
export function shown(text: string): string {
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
