import type {
  Attestor,
  AttestorSet,
  CertificateAttestor,
  KeyAttestor,
  KeylessAttestor,
  Rule,
} from "../model.ts";

/** An attestor that is no set. */
export type LeafAttestor = KeyAttestor | CertificateAttestor | KeylessAttestor;

/** Every attestor that a rule writes, once; inherited ones are those of their entry. */
export function attestorsOf(rule: Rule): readonly LeafAttestor[] {
  return setsOf(rule).flatMap((set) => set.entries.flatMap(leaves));
}

/** Every set that a rule writes, nested ones left inside. */
export function setsOf(rule: Rule): readonly AttestorSet[] {
  return rule.verifyImages.flatMap((entry) => [
    ...entry.attestors,
    ...entry.attestations.flatMap((one) => (one.inheritsAttestors ? [] : one.attestors)),
  ]);
}

function leaves(attestor: Attestor): readonly LeafAttestor[] {
  return attestor.kind === "set" ? attestor.entries.flatMap(leaves) : [attestor];
}
