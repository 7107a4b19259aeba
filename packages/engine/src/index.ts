export type * from "./lookup.ts";
export type * from "./verdict.ts";
