import { ConditionError } from "./condition-error.ts";
import type { Value } from "./json.ts";
import type { Budget } from "./limits.ts";
export function parseGoYaml(_p: string, _b: Budget): Value {
  throw new ConditionError("x", { code: "unsupported" });
}
