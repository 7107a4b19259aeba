import type { Result, Verdict } from "./verdict.ts";

/** One rule and image whose result differs. Undefined: the verdict has no such result. */
export interface ResultChange {
  readonly policy: string;
  readonly rule: string;
  readonly image?: string;
  readonly before?: Result;
  readonly after?: Result;
}

/** What changes from one verdict about an object to another. */
export interface VerdictDiff {
  readonly resource: Verdict["resource"];
  readonly before: { readonly allowed: boolean; readonly outcome: Verdict["outcome"] };
  readonly after: { readonly allowed: boolean; readonly outcome: Verdict["outcome"] };
  /** Whether the decision itself changes. */
  readonly flips: boolean;
  readonly changes: readonly ResultChange[];
}

/** Compares two verdicts about the same object: which decision would flip, and the results that say why. */
export function diffVerdicts(before: Verdict, after: Verdict): VerdictDiff {
  const old = byKey(before.results);
  const fresh = byKey(after.results);
  const keys = [...new Set([...old.keys(), ...fresh.keys()])];
  return {
    resource: after.resource,
    before: { allowed: before.allowed, outcome: before.outcome },
    after: { allowed: after.allowed, outcome: after.outcome },
    flips: before.allowed !== after.allowed,
    changes: keys.flatMap((key) => change(old.get(key), fresh.get(key))),
  };
}

/** A rule of another name is another rule: what it says is told as new, and what it said as gone. */
function byKey(results: readonly Result[]): ReadonlyMap<string, Result> {
  return new Map(
    results.map((result) => [JSON.stringify([result.policy, result.rule, result.image ?? null]), result]),
  );
}

function change(before: Result | undefined, after: Result | undefined): readonly ResultChange[] {
  const one = after ?? before;
  if (one === undefined) return [];
  const same =
    before?.outcome === after?.outcome &&
    before?.code === after?.code &&
    before?.message === after?.message &&
    before?.failureAction === after?.failureAction;
  if (same) return [];
  return [
    {
      policy: one.policy,
      rule: one.rule,
      ...(one.image === undefined ? {} : { image: one.image }),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ];
}
