import { substitute } from "@assay/conditions";
import type { Answers } from "../table-case.ts";
import { floats, orConditionError } from "./condition-error.ts";
import { contextOf } from "./context.ts";
import { scopeOver } from "./expressions.ts";

/** Template substitution over documents. */
export const answers: Answers = {
  substitute: (asked) =>
    orConditionError(() => substitute(floats(asked["document"]), scopeOver(asked, contextOf(asked)))),
};
