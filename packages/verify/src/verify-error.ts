/** Why the kernel refused its input at load. Foreign evidence never throws: it is judged. */
export type VerifyErrorCode = "invalidPolicy" | "invalidTrustRoot";

/**
 * Bad input at load: a policy whose attestors make no sense, or a trust root that cannot be trusted as written.
 * `path` is the policy's field path, or the place inside the trust root.
 */
export class VerifyError extends Error {
  override readonly name = "VerifyError";
  readonly code: VerifyErrorCode;
  readonly path: string;

  constructor(code: VerifyErrorCode, path: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.path = path;
  }
}
