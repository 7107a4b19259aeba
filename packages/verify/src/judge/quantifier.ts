import type { AttestationRule, Code, Trace } from "@assay/policy";
import type { VerifiedAttestation } from "../kernel.ts";
import type { SignerNames } from "../signer/distinct-signers.ts";

/** A verified statement, and what its conditions came to. */
export interface CheckedStatement {
  readonly attestation: VerifiedAttestation;
  /** Who made it. */
  readonly signer: SignerNames;
  readonly trace: Trace;
}

/** What the statements came to together. */
export type QuantifiedOutcome =
  | { readonly outcome: "pass"; readonly passed: readonly CheckedStatement[] }
  | { readonly outcome: "fail" | "error"; readonly code: Code; readonly message: string };

/**
 * `all`: every statement must pass, as in Kyverno. `any`: one suffices. `latest`: the one that was made last, by
 * verified time; where two share that time, both must pass.
 */
export function applyQuantifier(
  quantifier: AttestationRule["quantifier"],
  statements: readonly CheckedStatement[],
): QuantifiedOutcome {
  switch (quantifier) {
    case "all":
      return all(statements, statements);
    case "any":
      return any(statements);
    case "latest":
      return latest(statements);
  }
}

function passes({ trace }: CheckedStatement): boolean {
  return trace.outcome === "pass";
}

function all(chosen: readonly CheckedStatement[], every: readonly CheckedStatement[]): QuantifiedOutcome {
  const failed = chosen.filter((one) => !passes(one));
  const [first] = failed;
  if (chosen.length === 0)
    return { outcome: "fail", code: "predicateTypeMissing", message: "no matching attestations" };
  if (first === undefined) return { outcome: "pass", passed: chosen };
  const outcome = failed.some(({ trace }) => trace.outcome === "error") ? "error" : "fail";
  const { trace } = failed.find((one) => one.trace.outcome === outcome) ?? first;
  const message = `attestation checks failed for predicate type \`${first.attestation.predicateType}\`: ${trace.message}`;
  return { outcome, code: trace.code, message: `${message}${advice(failed, every)}` };
}

/** The usual reason why an image that was fine yesterday is denied: an old scan still hangs on it. */
function advice(failed: readonly CheckedStatement[], every: readonly CheckedStatement[]): string {
  const newest = newestOf(every);
  if (newest.length === 0 || failed.length === every.length || newest.some((one) => failed.includes(one)))
    return "";
  return "; only older attestations fail: remove them, or ask for `quantifier: latest`";
}

function any(statements: readonly CheckedStatement[]): QuantifiedOutcome {
  const passed = statements.filter(passes);
  if (passed.length > 0) return { outcome: "pass", passed };
  return all(statements, statements);
}

function latest(statements: readonly CheckedStatement[]): QuantifiedOutcome {
  // guard: latest-time
  if (statements.some(({ attestation }) => timeOf(attestation) === undefined)) {
    return {
      outcome: "fail",
      code: "noTrustedTime",
      message: "nobody vouches for the time of an attestation: which is the latest cannot be told",
    };
  }
  return all(newestOf(statements), statements);
}

function newestOf(statements: readonly CheckedStatement[]): readonly CheckedStatement[] {
  const times = statements.map(({ attestation }) => timeOf(attestation) ?? Number.NEGATIVE_INFINITY);
  const newest = Math.max(...times);
  return Number.isFinite(newest) ? statements.filter((_, i) => times[i] === newest) : [];
}

/** The earliest time that somebody vouches for: the signature existed then. */
function timeOf({ signer }: VerifiedAttestation): number | undefined {
  const times = signer.verifiedTimes.map(({ time }) => Date.parse(time));
  return times.length === 0 ? undefined : Math.min(...times);
}
