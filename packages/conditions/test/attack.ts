import fc from "fast-check";
import {
  attestationScope,
  ConditionError,
  check,
  createScope,
  evaluate,
  explainCondition,
  type Json,
  parseJson,
  substitute,
  variablesIn,
} from "../src/index.ts";
import { isObject } from "../src/json.ts";
import { broken, conditions, expression, json, template } from "./arbitraries.ts";

/** One hostile input: what is asked, of which data. */
export interface Attack {
  readonly kind: "expression" | "template" | "conditions" | "json";
  readonly input: Json;
  readonly data: Json;
}

/** Every way in for somebody else's text or data. */
export const attack: fc.Arbitrary<Attack> = fc.oneof(
  fc.record({ kind: fc.constant("expression" as const), input: fc.oneof(expression, broken), data: json }),
  fc.record({ kind: fc.constant("template" as const), input: fc.oneof(template, json), data: json }),
  fc.record({ kind: fc.constant("conditions" as const), input: conditions, data: json }),
  fc.record({
    kind: fc.constant("json" as const),
    input: fc.oneof(
      json.map((value) => JSON.stringify(value)),
      fc.string(),
    ),
    data: json,
  }),
);

/** Lets the attack loose. Returns `error` for a `ConditionError`; whatever else is thrown is a finding. */
export function run({ kind, input, data }: Attack): "value" | "error" {
  const now = new Date("2024-06-02T10:00:00Z");
  try {
    const base = createScope({ data, now });
    switch (kind) {
      case "expression":
        evaluate(String(input), base);
        return "value";
      case "template":
        substitute(input, base);
        variablesIn(input);
        return "value";
      case "json":
        parseJson(String(input));
        return "value";
      case "conditions": {
        const predicate = isObject(data) ? data : { a: data };
        const scope = attestationScope(base.withRoot({ request: {} }), {
          predicate,
          predicateType: "t",
          subject: [],
        });
        for (const way of ["preconditions", "attestation"] as const) {
          for (const trace of check(input, scope, { kind: way }).conditions) explainCondition(trace);
        }
        return "value";
      }
    }
  } catch (error) {
    if (error instanceof ConditionError) return "error";
    throw error;
  }
}
