/** The predicate type of an image signature in the new format (cosign pkg/types/predicate.go:19). */
export const cosignSignPredicateType = "https://sigstore.dev/cosign/sign/v1";

/** cosign's names for predicate types (cmd/cosign/cli/options/predicate.go:43-54). */
const aliases: Readonly<Record<string, string>> = {
  custom: "https://cosign.sigstore.dev/attestation/v1",
  slsaprovenance: "https://slsa.dev/provenance/v0.2",
  slsaprovenance02: "https://slsa.dev/provenance/v0.2",
  slsaprovenance1: "https://slsa.dev/provenance/v1",
  spdx: "https://spdx.dev/Document",
  spdxjson: "https://spdx.dev/Document",
  cyclonedx: "https://cyclonedx.org/bom",
  link: "https://in-toto.io/Link/v1",
  vuln: "https://cosign.sigstore.dev/attestation/vuln/v1",
  openvex: "https://openvex.dev/ns",
};

/** The predicate type that a cosign alias stands for; any other text is itself. For command lines, never for policies. */
export function predicateTypeOf(name: string): string {
  return Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
}
