import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** Keys that are used in the field, and (second line) those that a verifier must refuse. */
export type KeyKind =
  | "p256"
  | "p384"
  | "p521"
  | "rsa2048"
  | "rsa3072"
  | "rsa4096"
  | "rsaPss2048"
  | "ed25519"
  | "rsa1024"
  | "rsaExponent3"
  | "secp256k1"
  | "dsa"
  | "x25519";

export type HashName = "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

/** A private key and its public half in the forms that policies, logs and bundles want. */
export interface SigningKey {
  readonly kind: KeyKind;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** `PUBLIC KEY` PEM, as a policy's `publicKeys` takes it. */
  readonly pem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/** A fresh key. RSA 3072 and 4096 take a second or so: make them once per test file. */
export function createKey(kind: KeyKind = "p256"): SigningKey {
  const { publicKey, privateKey } = generate(kind);
  return {
    kind,
    privateKey,
    publicKey,
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}

function generate(kind: KeyKind): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  switch (kind) {
    case "p256":
      return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    case "p384":
      return generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    case "p521":
      return generateKeyPairSync("ec", { namedCurve: "secp521r1" });
    case "secp256k1":
      return generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    case "rsa1024":
      return generateKeyPairSync("rsa", { modulusLength: 1024 });
    case "rsa2048":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "rsa3072":
      return generateKeyPairSync("rsa", { modulusLength: 3072 });
    case "rsa4096":
      return generateKeyPairSync("rsa", { modulusLength: 4096 });
    case "rsaExponent3":
      return generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 });
    case "rsaPss2048":
      return generateKeyPairSync("rsa-pss", {
        modulusLength: 2048,
        hashAlgorithm: "sha256",
        mgf1HashAlgorithm: "sha256",
      });
    case "ed25519":
      return generateKeyPairSync("ed25519");
    case "x25519":
      return generateKeyPairSync("x25519");
    case "dsa":
      return generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 });
  }
}

/** A signature over `data`; ECDSA in DER, Ed25519 pure. */
export function signBytes(key: SigningKey, data: Uint8Array, hash: HashName = "sha256"): Uint8Array {
  return new Uint8Array(sign(key.kind === "ed25519" ? null : hash, data, key.privateKey));
}

/** The digest of `data`. */
export function hashBytes(data: Uint8Array, hash: HashName = "sha256"): Uint8Array {
  return new Uint8Array(createHash(hash).update(data).digest());
}
