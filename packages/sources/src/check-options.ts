import { SourceError } from "./source-error.ts";

/** What an option must be, for programs without types, and how a message calls that. */
export type Check = readonly [holds: (value: unknown) => boolean, wanted: string];

/** Named by its type alone, or looked at where it is used. */
export const anything: Check = [() => true, ""];
export const callable: Check = [(value) => typeof value === "function", "a function"];
export const list: Check = [Array.isArray, "a list"];
export const object: Check = [isObject, "an object"];
export const amount: Check = [isAmount, "a number of at least 0"];
export const count: Check = [
  (value) => Number.isInteger(value) && Number(value) > 0,
  "a whole number of at least 1",
];
/** An empty one is a lost one. */
export const words: Check = [(value) => typeof value === "string" && value !== "", "text"];

/**
 * Throws `SourceError` `misuse` for options that are no object, and for one that does not exist or is not what its type says:
 * without its `fetch` others are asked than were meant, and a limit that is no number limits nothing.
 */
export function checkOptions(options: unknown, known: Readonly<Record<string, Check>>): void {
  if (!isObject(options)) throw misuse("the options are no object", "options");
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) {
      const message = `there is no option \`${name}\`; known here: ${Object.keys(known).join(", ")}`;
      throw misuse(message, name);
    }
    const [holds, wanted] = check;
    if (!holds(value)) throw misuse(`\`${name}\` is not ${wanted}`, name);
  }
}

function misuse(message: string, origin: string): SourceError {
  return new SourceError("misuse", message, { origin });
}

/** No list, and nothing that only looks like an object of options: a Map or a Promise has no fields. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Object]"
  );
}

/** `NaN` is none. */
export function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}
