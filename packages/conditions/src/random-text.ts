import { ConditionError } from "./condition-error.ts";
import type { Budget } from "./limits.ts";
export function randomText(_p: string, _b: Budget): string {
  throw new ConditionError("x", { code: "unsupported" });
}
