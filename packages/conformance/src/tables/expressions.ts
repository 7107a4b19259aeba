import { compile, createScope, evaluate, type Scope, type Value } from "@assay/conditions";
import type { Answers, TableCase } from "../table-case.ts";
import { floats, orConditionError } from "./condition-error.ts";
import { contextOf } from "./context.ts";

export const answers: Answers = {
  search: (asked) =>
    orConditionError(() => {
      // A search has no word for an empty expression: it is one that ends too soon.
      const text = String(asked["expression"]);
      const scope = scopeOver(asked, floats(asked["data"]));
      return evaluate(text.trim() === "" ? "(" : text, scope);
    }),
  standardSearch: (asked) =>
    orConditionError(() => {
      const compiled = compile(String(asked["expression"]), { mode: "standard" });
      return evaluate(compiled, scopeOver(asked, floats(asked["data"])));
    }),
  query: (asked) =>
    orConditionError(() => evaluate(String(asked["expression"]), scopeOver(asked, contextOf(asked)))),
  hasChanged: (asked) =>
    orConditionError(() => {
      const scope = scopeOver(asked, contextOf(asked));
      const path = String(asked["expression"]);
      const [now, before] = ["object", "oldObject"].map((name) => evaluate(`request.${name}.${path}`, scope));
      if (now === null || before === null) return evaluate("nothing_to_compare", scope);
      return evaluate("a != b", scope.withRoot({ a: now ?? null, b: before ?? null }));
    }),
};

/** The clock of the case, or a fixed one. */
export function scopeOver(asked: TableCase, data: Value): Scope {
  return createScope({ data, now: new Date(asked.now ?? "2024-06-02T10:00:00Z") });
}
