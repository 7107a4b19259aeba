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

/** Types do not hold in JavaScript: a value that is none of those there are is `badOption`. Absent is the default. */
export function checkOneOf(known: readonly unknown[], value: unknown, what: string): void {
  if (value === undefined || known.includes(value)) return;
  const shown = typeof value === "string" ? value.slice(0, 60) : typeof value;
  throw new TestkitError("badOption", `\`${shown}\` is no ${what}: use ${known.join(", ")}`);
}

/** What a table has under the name that a caller chose. */
export function choose<K extends string, V>(table: Readonly<Record<K, V>>, name: K, what: string): V {
  checkOneOf(Object.keys(table), name, what);
  return table[name];
}
