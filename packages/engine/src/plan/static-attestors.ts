import type { Attestor, AttestorSet, KeyAttestor } from "@assay/policy";

/** A key that is kept elsewhere than in the policy. */
export type KeyReference =
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string }
  | { readonly kind: "kmsKey"; readonly reference: string };

const kmsScheme = /^(?:awskms|gcpkms|azurekms|hashivault):\/\//;

/** True where the sets hold neither variables nor keys that live elsewhere: they can be prepared once, at load. */
export function isStatic(sets: readonly AttestorSet[]): boolean {
  return sets.every((set) => set.entries.every((entry) => isStaticAttestor(entry)));
}

function isStaticAttestor(attestor: Attestor): boolean {
  if (attestor.kind === "set") return attestor.entries.every(isStaticAttestor);
  if (attestor.kind === "key" && keyReference(attestor) !== undefined) return false;
  const { source: _, path: __, ...rest } = attestor;
  return !JSON.stringify(rest).includes("{{");
}

/** Where a key lives, if not in the policy's own text. `k8s://namespace/name` may stand for a Secret in any field. */
export function keyReference(key: KeyAttestor): KeyReference | undefined {
  if (key.secret !== undefined) return { kind: "secret", ...key.secret };
  const text = (key.kms ?? key.publicKeys ?? "").trim();
  const secret = /^k8s:\/\/([^/\s]+)\/([^/\s]+)$/.exec(text);
  if (secret !== null) return { kind: "secret", namespace: secret[1] ?? "", name: secret[2] ?? "" };
  return key.kms !== undefined || kmsScheme.test(text) ? { kind: "kmsKey", reference: text } : undefined;
}
