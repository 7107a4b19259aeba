import { ConditionError } from "./condition-error.ts";
import type { Value } from "./json.ts";
export function decodeCertificate(_p: string): Value {
  throw new ConditionError("x", { code: "unsupported" });
}
