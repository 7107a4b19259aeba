import type { Answers } from "../table-case.ts";
import { answers as conditions } from "./conditions.ts";
import { answers as expressions } from "./expressions.ts";
import { answers as images } from "./images.ts";
import { answers as resources } from "./resources.ts";
import { answers as rules } from "./rules.ts";
import { answers as substitution } from "./substitution.ts";

/** Every question that a table may ask, by `fn`. The names are unique across tables. */
export const answers: Answers = {
  ...expressions,
  ...substitution,
  ...conditions,
  ...images,
  ...resources,
  ...rules,
};
