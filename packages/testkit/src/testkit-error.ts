/** What went wrong inside the test kit itself: a wrong use of it, never a behaviour under test. */
export type TestkitErrorCode = "badLayout" | "badOption" | "notServed" | "unknownReference" | "notReady";

/** Thrown for misuse of the test kit. Behaviour under test (a refusing registry, a bad signature) is never an exception. */
export class TestkitError extends Error {
  override readonly name = "TestkitError";
  readonly code: TestkitErrorCode;

  constructor(code: TestkitErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
