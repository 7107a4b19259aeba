import type { EvaluationRecord } from "@assay/engine";
import { type Attestor, type AttestorSet, type Code, loadPolicies, type Trace } from "@assay/policy";

/** What the kernel said, when the record was made, of one candidate by one signer. */
export interface RecordedFact {
  /** The signature (and, of a statement, subject and form) verified. */
  readonly verified: boolean;
  readonly code: Code;
  readonly message: string;
  readonly facts: NonNullable<Trace["facts"]>;
}

/** Facts by signer, then by candidate; statements and image signatures apart. */
export interface RecordedFacts {
  readonly signature: ReadonlyMap<string, ReadonlyMap<string, RecordedFact>>;
  readonly statement: ReadonlyMap<string, ReadonlyMap<string, RecordedFact>>;
}

type Step = "signature" | "statement";

/** A statement that was verified and then failed its conditions is a verified statement. */
const afterVerification: readonly Code[] = ["ok", "conditionFalse", "conditionUnresolved", "denied"];

/**
 * Reads the facts out of a record's trace. They are the record's word, not proven here: whoever made the record could
 * have written anything, and the page labels what it shows so.
 */
export function recordedFacts(record: EvaluationRecord): RecordedFacts {
  const signers = signersByPath(record);
  const found: Record<Step, Map<string, Map<string, RecordedFact>>> = {
    signature: new Map(),
    statement: new Map(),
  };
  const visit = (node: Trace, policy: string): void => {
    const name = node.step === "policy" ? String(node.facts?.["policy"] ?? policy) : policy;
    if (node.step === "signature" || node.step === "statement") {
      const signer = signers.get(`${name} ${node.path}`);
      if (signer !== undefined) remember(found[node.step], signer, node);
    }
    if (node.step === "attestor") {
      // A signer that was asked and found nothing is known, too.
      const signer = signers.get(`${name} ${node.path}`);
      const step = node.path.includes(".attestations[") ? "statement" : "signature";
      if (signer !== undefined && !found[step].has(signer)) found[step].set(signer, new Map());
    }
    for (const child of node.children) visit(child, name);
  };
  for (const node of record.verdict.trace) visit(node, "");
  return found;
}

/** Which candidate a fact or an origin speaks of. */
export function candidateKey(origin: { readonly manifest?: unknown; readonly layer?: unknown }): string {
  return `${String(origin.manifest ?? "")} ${String(origin.layer ?? "")}`;
}

/** The same for attestors that ask the same, wherever they stand. */
export function signerKey(attestor: object): string {
  return JSON.stringify(attestor, (key, value: unknown) =>
    key === "path" || key === "source" ? undefined : value,
  );
}

function remember(facts: Map<string, Map<string, RecordedFact>>, signer: string, node: Trace): void {
  const known = facts.get(signer) ?? new Map<string, RecordedFact>();
  facts.set(signer, known);
  known.set(candidateKey(node.facts ?? {}), {
    verified: afterVerification.includes(node.code),
    code: node.code,
    message: node.message,
    facts: node.facts ?? {},
  });
}

function signersByPath(record: EvaluationRecord): ReadonlyMap<string, string> {
  const byPath = new Map<string, string>();
  const add = (policy: string, attestor: Attestor): void => {
    if (attestor.kind === "set") addSet(policy, attestor);
    else byPath.set(`${policy} ${attestor.path}`, signerKey(attestor));
  };
  const addSet = (policy: string, set: AttestorSet): void => {
    for (const entry of set.entries) add(policy, entry);
  };
  for (const policy of loadPolicies(record.policies).policies) {
    for (const entry of policy.rules.flatMap((rule) => rule.verifyImages)) {
      for (const set of entry.attestors) addSet(policy.name, set);
      for (const attestation of entry.attestations) {
        for (const set of attestation.attestors) addSet(policy.name, set);
        // An attestation without attestors has its entry's: the kernel was asked under their path.
      }
    }
  }
  return byPath;
}
