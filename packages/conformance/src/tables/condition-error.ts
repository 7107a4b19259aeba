import { ConditionError, type ConditionErrorCode, type Value } from "@assay/conditions";
import type { Received } from "../table-case.ts";

/** The tables' classes of errors by our codes; what has no class there is compared as any error. */
const classes: Readonly<Partial<Record<ConditionErrorCode, string>>> = {
  syntax: "syntax",
  emptyExpression: "emptyQuery",
  unknownKey: "notFound",
  unknownFunction: "unknownFunction",
  unknownOperator: "unknownOperator",
  wrongType: "type",
  wrongArity: "arity",
  badArgument: "argument",
  badRegexp: "regex",
  badBase64: "base64",
  badTime: "time",
  badDuration: "duration",
  badImage: "image",
  badReference: "reference",
  badJson: "syntax",
  badText: "other",
  badKey: "other",
  malformed: "other",
};

/** The answer, or the error that the package gave on purpose. */
export function orConditionError(answer: () => unknown): Received {
  try {
    return { value: answer() };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    return receivedError(error);
  }
}

/** An error of conditions as the runner wants it. */
export function receivedError(error: ConditionError): Received {
  const errorClass = classes[error.code];
  return { error: error.message, ...(errorClass !== undefined && { errorClass }) };
}

/** Data as Kyverno gets it through JSON: every number is a float64. */
export function floats(value: unknown): Value {
  return mapNumbers(value, Number);
}

/** Data of a Kubernetes object outside an admission request: integers are int64. */
export function integers(value: unknown): Value {
  return mapNumbers(value, (number) =>
    typeof number === "bigint" || Number.isSafeInteger(number) ? BigInt(number) : number,
  );
}

function mapNumbers(value: unknown, map: (number: number | bigint) => Value): Value {
  if (typeof value === "number" || typeof value === "bigint") return map(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (Array.isArray(value)) return value.map((item) => mapNumbers(item, map));
  if (typeof value !== "object" || value === null) return value as string | boolean | null;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapNumbers(item, map)]));
}
