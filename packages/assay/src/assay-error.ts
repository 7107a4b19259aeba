/** Why assay refuses to start: closed, so that a program can switch on it. */
export type AssayErrorCode =
  | "usage"
  | "fileNotFound"
  | "fileUnreadable"
  | "fileTooLarge"
  | "tooManyFiles"
  | "invalidDocument"
  | "invalidPolicy"
  | "invalidKey"
  | "invalidQuestion"
  | "invalidTrustRoot"
  | "invalidImage"
  | "notInferred"
  | "unavailable";

/** A mistake in what was given to assay. Never thrown for what a registry, a signature or a resource says. */
export class AssayError extends Error {
  override readonly name = "AssayError";
  readonly code: AssayErrorCode;
  /** What to do next, where something can be said. */
  readonly hint: string | undefined;

  constructor(
    code: AssayErrorCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
