import type { Answer, LookupFailure } from "@assay/engine";
import type { Candidate } from "@assay/verify";

/** Why something could not be had: the codes of a lookup failure, and `misuse` for options that contradict themselves. */
export type SourceErrorCode = LookupFailure["code"] | "misuse";

/**
 * The one error of this package. Sources turn it into a failed answer; only `misuse` (and a missing optional peer)
 * reaches callers as an exception.
 */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly code: SourceErrorCode;
  /** Host or file. */
  readonly origin: string;
  readonly status: number | undefined;
  /** How long the other side asked us to wait before trying again. */
  readonly retryAfterMs: number | undefined;
  /** What was read all the same, of several things that were to be read. */
  readonly found: readonly Candidate[];

  constructor(
    code: SourceErrorCode,
    message: string,
    where: {
      readonly origin: string;
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
      readonly found?: readonly Candidate[];
    },
  ) {
    super(message, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.origin = where.origin;
    this.status = where.status;
    this.retryAfterMs = where.retryAfterMs;
    this.found = where.found ?? [];
  }
}

/** The answer to a lookup that came to this. Throws what is no `SourceError`, and misuse: those are bugs. */
export function failedAnswer(error: unknown): Extract<Answer, { ok: false }> {
  const failure = failureOf(error);
  const found = error instanceof SourceError ? error.found : [];
  return found.length === 0 ? { ok: false, failure } : { ok: false, failure, found };
}

/** What went wrong, for an answer. Throws what is no `SourceError`, and misuse: those are bugs. */
export function failureOf(error: unknown): LookupFailure {
  if (!(error instanceof SourceError) || error.code === "misuse") throw error;
  const { code, message, origin, status } = error;
  return status === undefined ? { code, message, origin } : { code, status, message, origin };
}

/** An address for a message: without user and password, which stay with who wrote it. */
export function shownAddress(address: string): string {
  return shown(address.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#\s]*@/i, "$1"));
}

/** Foreign text for a message: one line, printable, short. */
export function shown(text: string, limit = 200): string {
  const line = text.replace(/[^\x20-\x7e]+/g, " ").trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
