import type { Answers } from "../table-case.ts";

export const answers: Answers = {};
