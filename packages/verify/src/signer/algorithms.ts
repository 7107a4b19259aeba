/** Hashes that a signature may be made with. */
export type HashName = "sha224" | "sha256" | "sha384" | "sha512";

/** Hashes that ASN.1 may name, by OID. MD5, SHA-1 and the truncated ones prove nothing. */
export const hashByOid: Readonly<Record<string, HashName>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** Signature algorithms that name their hash, by OID: ECDSA, and RSA with PKCS#1 v1.5. */
export const signatureHashByOid: Readonly<Record<string, HashName>> = {
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
};

/** Algorithms that name no hash: Ed25519 has its own, the others say it in their parameters or beside them. */
export const algorithmId = {
  ed25519: "1.3.101.112",
  rsaEncryption: "1.2.840.113549.1.1.1",
  rsaPss: "1.2.840.113549.1.1.10",
} as const;

/** Hashes by the names that Sigstore's protobuf has for them. */
export const hashByProtoName: Readonly<Record<string, HashName>> = {
  SHA2_256: "sha256",
  SHA2_384: "sha384",
  SHA2_512: "sha512",
};

/** What a table of names says of a foreign one; never a property of its prototype. */
export function lookUp(table: Readonly<Record<string, HashName>>, name: string): HashName | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
