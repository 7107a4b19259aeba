import { type Json, type Policy, positionOf, type SourcePosition } from "@assay/policy";

/** Where the conditions of a policy stand, by field path. */
export type PositionAt = (path: string) => SourcePosition | undefined;

/** The positions of a policy that was loaded from text, found when the first is asked for. */
export function positionsOf(policy: Policy): PositionAt {
  let table: ReadonlyMap<string, SourcePosition> | undefined;
  return (path) => {
    table ??= positionTable(policy);
    return table.get(path);
  };
}

/**
 * The position of every condition: a policy that is copied into a worker leaves its text behind, and must not lose its
 * positions with it.
 */
export function positionTable(policy: Policy): ReadonlyMap<string, SourcePosition> {
  const table = new Map<string, SourcePosition>();
  const note = (conditions: Json | undefined, path: string): void => {
    if (typeof conditions !== "object" || conditions === null) return;
    const position = positionOf(policy, path);
    if (position !== undefined) table.set(path, position);
    for (const [key, value] of Object.entries(conditions)) {
      note(value, Array.isArray(conditions) ? `${path}[${key}]` : `${path}.${key}`);
    }
  };
  for (const rule of policy.rules) {
    note(rule.preconditions, `${rule.path}.preconditions`);
    for (const entry of rule.verifyImages) {
      note(entry.validate?.deny, `${entry.validate?.path}.deny.conditions`);
      for (const attestation of entry.attestations) {
        note(attestation.conditions, `${attestation.path}.conditions`);
      }
    }
  }
  return table;
}
