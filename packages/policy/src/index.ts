export type * from "./model.ts";
export type { SourcePosition } from "./source-position.ts";
export type { Code, Fact, Outcome, Step, Trace } from "./trace.ts";
