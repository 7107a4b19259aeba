import type { Asked, Difference } from "./comparison.ts";
import type { CaseSet } from "./generate/case-set.ts";

/** A difference, where it was met, and the rows of docs/compatibility.md that explain it, if any do. */
export interface Finding {
  /** As it was made, not as the API server stores it. */
  readonly set: CaseSet;
  /** Absent where a policy was refused. */
  readonly asked?: Asked;
  readonly difference: Difference;
  readonly rows: readonly string[] | undefined;
}

/** What a run has come to so far. */
export interface Tally {
  readonly sets: number;
  readonly policies: number;
  readonly reviews: number;
  /** Where both said so. */
  readonly allowed: number;
  readonly denied: number;
  /** Without a difference, or with none that is not explained. */
  readonly agreed: number;
  /** Kyverno panicked: there is nothing to compare with. */
  readonly unanswered: number;
  /** How often each row explained a difference. */
  readonly explained: ReadonlyMap<string, number>;
  /** Policies that Kyverno does not take, by its reason. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly unexplained: readonly Finding[];
  /** Another set, of so many policies. */
  begin(policies: number): void;
  /** Undefined: Kyverno closed the connection. */
  answered(asked: Asked | undefined, findings: readonly Finding[]): void;
  /** A finding that no review has led to. */
  count(finding: Finding): void;
  refusedByKyverno(message: string): void;
}

/** Nothing yet; `found` is told of every finding that no row explains. */
export function createTally(found: (finding: Finding) => void): Tally {
  const explained = new Map<string, number>();
  const refusals = new Map<string, number>();
  const unexplained: Finding[] = [];
  const counts = { sets: 0, policies: 0, reviews: 0, allowed: 0, denied: 0, agreed: 0, unanswered: 0 };
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  const count = (finding: Finding): void => {
    if (finding.rows !== undefined) for (const row of finding.rows) add(explained, row);
    else {
      unexplained.push(finding);
      found(finding);
    }
  };
  return Object.assign(counts, {
    ...{ explained, refusals, unexplained },
    begin: (policies: number) => {
      counts.sets++;
      counts.policies += policies;
    },
    answered: (asked: Asked | undefined, findings: readonly Finding[]) => {
      counts.reviews++;
      if (asked === undefined) counts.unanswered++;
      else if (asked.kyverno.allowed && asked.assay.allowed) counts.allowed++;
      else if (!asked.kyverno.allowed && !asked.assay.allowed) counts.denied++;
      if (asked !== undefined && findings.every(({ rows }) => rows !== undefined)) counts.agreed++;
      for (const finding of findings) count(finding);
    },
    count,
    refusedByKyverno: (message: string) => add(refusals, message.slice(0, 200)),
  });
}
