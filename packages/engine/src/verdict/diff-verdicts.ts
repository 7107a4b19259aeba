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
    changes: keys.flatMap((key) => changesOf(old.get(key) ?? [], fresh.get(key) ?? [])),
  };
}

/**
 * A rule of another name is another rule: what it says is told as new, and what it said as gone. It says several things of
 * no image where several fields hold none that can be read.
 */
function byKey(results: readonly Result[]): ReadonlyMap<string, readonly Result[]> {
  const groups = new Map<string, Result[]>();
  for (const result of results) {
    const key = JSON.stringify([result.policy, result.rule, result.image ?? null]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return groups;
}

/** What both say is no change, in whichever order; the rest are told beside each other as they come. */
function changesOf(before: readonly Result[], after: readonly Result[]): readonly ResultChange[] {
  const gone = without(before, after);
  const fresh = without(after, before);
  return Array.from({ length: Math.max(gone.length, fresh.length) }, (_, i) =>
    change(gone[i], fresh[i]),
  ).flat();
}

/** The results that say what none of the others says, or more often. */
function without(results: readonly Result[], others: readonly Result[]): readonly Result[] {
  const said = new Map<string, number>();
  for (const other of others) said.set(wordsOf(other), (said.get(wordsOf(other)) ?? 0) + 1);
  return results.filter((result) => {
    const left = said.get(wordsOf(result)) ?? 0;
    said.set(wordsOf(result), left - 1);
    return left <= 0;
  });
}

function wordsOf({ outcome, code, message, failureAction }: Result): string {
  return JSON.stringify([outcome, code, message, failureAction]);
}

function change(before: Result | undefined, after: Result | undefined): readonly ResultChange[] {
  const one = after ?? before;
  if (one === undefined) return [];
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
