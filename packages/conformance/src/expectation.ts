import { sameValue } from "./same-value.ts";
import { type Fields, isFields, type Received, type TableCase } from "./table-case.ts";

/** What a case asks of assay. `safe`: any answer, as long as it is one: no crash, no hang. */
export type Expectation =
  | { readonly kind: "value"; readonly value: unknown; readonly unordered: boolean }
  | { readonly kind: "error"; readonly errorClass?: string }
  | { readonly kind: "oneOf"; readonly options: readonly Expectation[] }
  | { readonly kind: "safe" };

/** `sdk` wins over everything; of a quirk or an extension only a safe answer is asked, of a panic an error. */
export function expectationOf(asked: TableCase): Expectation {
  const sdk = asked["sdk"];
  if (isFields(sdk)) return fromFields(sdk);
  const want = asked["want"];
  if (!isFields(want)) throw new Error(`case \`${asked.id}\` says nothing of what is wanted`);
  if ("panic" in want) return { kind: "error" };
  if (asked["quirk"] !== undefined || asked["extension"] !== undefined) return { kind: "safe" };
  return fromFields(want);
}

function fromFields(want: Fields): Expectation {
  const oneOf = want["oneOf"];
  if (Array.isArray(oneOf)) return { kind: "oneOf", options: oneOf.filter(isFields).map(fromFields) };
  if ("value" in want) return { kind: "value", value: want["value"], unordered: want["unordered"] === true };
  const errorClass = want["errorClass"];
  return typeof errorClass === "string" ? { kind: "error", errorClass } : { kind: "error" };
}

/** Whether the answer is the one asked for. Error classes are compared where both sides name one. */
export function meets(received: Received, expected: Expectation): boolean {
  switch (expected.kind) {
    case "safe":
      return true;
    case "oneOf":
      return expected.options.some((option) => meets(received, option));
    case "value":
      return "value" in received && sameValue(expected.value, received.value, expected.unordered);
    case "error":
      return (
        "error" in received &&
        (received.errorClass === undefined ||
          expected.errorClass === undefined ||
          received.errorClass === expected.errorClass)
      );
  }
}

/** The expectation as a line of text. */
export function describeExpectation(expected: Expectation): string {
  switch (expected.kind) {
    case "safe":
      return "any safe answer";
    case "oneOf":
      return expected.options.map(describeExpectation).join(" or ");
    case "value":
      return describe(expected.value);
    case "error":
      return expected.errorClass === undefined ? "an error" : `an error of class ${expected.errorClass}`;
  }
}

/** The answer as a line of text. */
export function describeReceived(received: Received): string {
  if ("value" in received) return describe(received.value);
  const named = received.errorClass === undefined ? "error" : `error of class ${received.errorClass}`;
  return `${named}: ${received.error}`;
}

function describe(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === "bigint") return `${item}n`;
    if (typeof item === "number" && !Number.isFinite(item)) return String(item);
    return item instanceof Uint8Array ? `bytes ${Buffer.from(item).toString("base64")}` : item;
  });
  return text === undefined ? "nothing" : text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
