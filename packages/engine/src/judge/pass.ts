import type { JsonObject } from "@assay/policy";
import type { TrustRoot } from "@assay/verify";
import type { EngineMemory } from "../engine-memory.ts";
import type { EngineSettings } from "../engine-settings.ts";
import type { AnswerBook } from "../gather/answer-book.ts";
import type { LookupFailure } from "../gather/lookup.ts";
import type { ObjectFacts } from "../plan/object-facts.ts";
import type { Facts } from "./fact-memory.ts";

/** The trust root of this evaluation: not asked for yet, there, or not to be had. */
export type TrustState =
  | { readonly kind: "unasked" }
  | { readonly kind: "loaded"; readonly root: TrustRoot }
  | { readonly kind: "unavailable"; readonly failure: LookupFailure };

/**
 * One pass of `judge` over one request. Everything in it is a value: a pass with the same answers and the same `now`
 * comes to the same end.
 */
export interface Pass {
  readonly settings: EngineSettings;
  readonly facts: ObjectFacts;
  readonly builtIns: JsonObject;
  readonly book: AnswerBook;
  readonly now: Date;
  readonly trust: TrustState;
  /** Undefined: nothing of earlier evaluations is used. */
  readonly remembered?: Facts;
  /** Of attestors with their variables filled in. */
  readonly prepare: EngineMemory["prepare"];
}
