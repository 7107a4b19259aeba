import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { choose } from "../testkit-error.ts";

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

/** The hashes that there are. */
export const hashNames = ["sha1", "sha224", "sha256", "sha384", "sha512"] as const;
/** A hash by its name. */
export type HashName = (typeof hashNames)[number];

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

/** A fresh key. Throws `TestkitError` for another kind. RSA 3072 and 4096 take a second or so: make them once per test file. */
export function createKey(kind: KeyKind = "p256"): SigningKey {
  const { publicKey, privateKey } = choose(generators, kind, "key")();
  return {
    kind,
    privateKey,
    publicKey,
    pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
  };
}

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const ec = (namedCurve: string) => (): KeyPair => generateKeyPairSync("ec", { namedCurve });
const rsa =
  (modulusLength: number, publicExponent = 65_537) =>
  (): KeyPair =>
    generateKeyPairSync("rsa", { modulusLength, publicExponent });

const generators: Readonly<Record<KeyKind, () => KeyPair>> = {
  p256: ec("prime256v1"),
  p384: ec("secp384r1"),
  p521: ec("secp521r1"),
  rsa2048: rsa(2048),
  rsa3072: rsa(3072),
  rsa4096: rsa(4096),
  rsaPss2048: () =>
    generateKeyPairSync("rsa-pss", {
      modulusLength: 2048,
      hashAlgorithm: "sha256",
      mgf1HashAlgorithm: "sha256",
    }),
  ed25519: () => generateKeyPairSync("ed25519"),
  rsa1024: rsa(1024),
  rsaExponent3: rsa(2048, 3),
  secp256k1: ec("secp256k1"),
  dsa: () => generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }),
  x25519: () => generateKeyPairSync("x25519"),
};

/** A signature over `data`; ECDSA in DER, Ed25519 pure. */
export function signBytes(key: SigningKey, data: Uint8Array, hash: HashName = "sha256"): Uint8Array {
  return new Uint8Array(sign(key.kind === "ed25519" ? null : hash, data, key.privateKey));
}

/** The digest of `data`. */
export function hashBytes(data: Uint8Array, hash: HashName = "sha256"): Uint8Array {
  return new Uint8Array(createHash(hash).update(data).digest());
}
