/** Whoever signs. */
export const SIGNERS = [
  { id: "p256", kind: "key", title: "key P-256" },
  { id: "p384", kind: "key", title: "key P-384 (`sha384`)" },
  { id: "p521", kind: "key", title: "key P-521 (`sha512`)" },
  { id: "rsa2048", kind: "key", title: "key RSA 2048" },
  { id: "rsa3072", kind: "key", title: "key RSA 3072" },
  { id: "rsa4096", kind: "key", title: "key RSA 4096" },
  { id: "ed25519", kind: "key", title: "key Ed25519" },
  { id: "pkiEcdsa", kind: "certificate", title: "own PKI, ECDSA" },
  { id: "pkiRsa", kind: "certificate", title: "own PKI, RSA" },
  { id: "pkiPss", kind: "certificate", title: "own PKI, RSA-PSS" },
  { id: "keyless", kind: "keyless", title: "keyless" },
] as const;

/** How it is stored, and what it says. */
export const FORMATS = [
  { id: "sig", format: "legacy", content: "claim", title: "`.sig` tag" },
  { id: "att", format: "legacy", content: "attestation", title: "`.att` tag" },
  { id: "oci11-sig", format: "oci11", content: "claim", title: "OCI 1.1 signature artifact" },
  { id: "oci11-att", format: "oci11", content: "attestation", title: "OCI 1.1 attestation artifact" },
  { id: "v0.1-message", format: "bundle-v0.1", content: "message", title: "bundle v0.1, message signature" },
  { id: "v0.1-dsse", format: "bundle-v0.1", content: "statement", title: "bundle v0.1, signed statement" },
  { id: "v0.1-att", format: "bundle-v0.1", content: "attestation", title: "bundle v0.1, attestation" },
  { id: "v0.2-message", format: "bundle-v0.2", content: "message", title: "bundle v0.2, message signature" },
  { id: "v0.2-dsse", format: "bundle-v0.2", content: "statement", title: "bundle v0.2, signed statement" },
  { id: "v0.2-att", format: "bundle-v0.2", content: "attestation", title: "bundle v0.2, attestation" },
  { id: "v0.3-message", format: "bundle-v0.3", content: "message", title: "bundle v0.3, message signature" },
  { id: "v0.3-dsse", format: "bundle-v0.3", content: "statement", title: "bundle v0.3, signed statement" },
  { id: "v0.3-att", format: "bundle-v0.3", content: "attestation", title: "bundle v0.3, attestation" },
] as const;

/** What vouches for log and time. */
export const PROOFS = [
  { id: "none", log: "none", timestamp: false, title: "none (policy ignores the log)" },
  { id: "promise", log: "promise", timestamp: false, title: "Rekor v1 promise (SET)" },
  { id: "proof", log: "proof", timestamp: false, title: "Rekor v1 proof" },
  { id: "v2", log: "v2", timestamp: false, title: "Rekor v2 checkpoint" },
  { id: "tsa", log: "none", timestamp: true, title: "RFC 3161 (policy ignores the log)" },
  { id: "promise+tsa", log: "promise", timestamp: true, title: "Rekor v1 promise, RFC 3161" },
  { id: "proof+tsa", log: "proof", timestamp: true, title: "Rekor v1 proof, RFC 3161" },
  { id: "v2+tsa", log: "v2", timestamp: true, title: "Rekor v2 checkpoint, RFC 3161" },
] as const;

export type SignerRow = (typeof SIGNERS)[number];
export type FormatRow = (typeof FORMATS)[number];
export type ProofRow = (typeof PROOFS)[number];

/** One cell of the grid. */
export interface Cell {
  readonly signer: SignerRow;
  readonly format: FormatRow;
  readonly proof: ProofRow;
}

/** What must come of a cell, and why where that is not plain. */
export type Expectation =
  | { readonly outcome: "allowed" }
  | { readonly outcome: "denied"; readonly code: string; readonly note: string }
  /** The format has no place for that kind of evidence: there is nothing to test. */
  | { readonly outcome: "impossible"; readonly note: string };

/** Every cell, in the table's order. */
export function cells(): readonly Cell[] {
  return FORMATS.flatMap((format) =>
    SIGNERS.flatMap((signer) => PROOFS.map((proof): Cell => ({ signer, format, proof }))),
  );
}

/** What the specifications of the formats and of Kyverno's policies make of a cell. */
export function expectationOf({ signer, format, proof }: Cell): Expectation {
  const bundle = format.format.startsWith("bundle");
  if (!bundle && (proof.log === "proof" || proof.log === "v2"))
    return { outcome: "impossible", note: "the annotation holds a promise and nothing else" };
  if (format.format === "bundle-v0.1" && (proof.log === "proof" || proof.log === "v2"))
    return { outcome: "impossible", note: "bundles v0.1 need a promise on every entry" };
  if (bundle && format.format !== "bundle-v0.1" && proof.log === "promise")
    return { outcome: "impossible", note: "bundles from v0.2 on need a proof on every entry" };
  if (signer.kind !== "key" && !proof.timestamp && (proof.log === "proof" || proof.log === "v2"))
    return {
      outcome: "denied",
      code: "noTrustedTime",
      note: "a certificate needs a time, and a proof says where, not when: add a timestamp",
    };
  return { outcome: "allowed" };
}

/** The cell's name in tests. */
export function cellName({ signer, format, proof }: Cell): string {
  return `${format.id} × ${signer.id} × ${proof.id}`;
}
