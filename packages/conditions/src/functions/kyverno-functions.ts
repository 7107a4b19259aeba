import { dataFunctions } from "./data-functions.ts";
import type { FunctionTable } from "./function-table.ts";
import { standardFunctions } from "./standard-functions.ts";
import { textFunctions } from "./text-functions.ts";
import { timeFunctions } from "./time-functions.ts";

/** Every function of Kyverno's engine: the standard ones, and its own, which replace `sum`. */
export const kyvernoFunctions: FunctionTable = new Map([
  ...standardFunctions,
  ...textFunctions,
  ...timeFunctions,
  ...dataFunctions,
]);
