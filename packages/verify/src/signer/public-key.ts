import { createPublicKey, hash as hashBytes, type KeyObject } from "node:crypto";
import { derTag, readOid, readSequence } from "../encoding/der.ts";
import { parsePem } from "../encoding/pem.ts";
import { Refusal } from "../refusal.ts";
import type { HashName } from "./algorithms.ts";

/** A key that passed `publicKeyProblem`. */
export interface PublicKey {
  readonly keyObject: KeyObject;
  /** SubjectPublicKeyInfo, DER: two keys are the same when these bytes are. */
  readonly spki: Buffer;
  /** `sha256:` of the SPKI. */
  readonly keyId: string;
  /** The key as PEM in its usual spelling, written once: what log entries mostly record. */
  readonly pem: () => Buffer;
}

/** The most keys that one `publicKeys` text may hold. */
const maxKeys = 64;

/** Parses PEM public keys of a policy. Returns what is wrong with them in words, or at least one key. */
export function parsePublicKeys(text: string): readonly PublicKey[] | string {
  const pem = parsePem(text, maxKeys);
  if ("problem" in pem) return `public key ${pem.problem}: ${advice}`;
  const keys: PublicKey[] = [];
  for (const [i, { label, der }] of pem.blocks.entries()) {
    if (label !== "PUBLIC KEY")
      return `found a PEM block \`${label}\` instead of \`PUBLIC KEY\`: ${adviceFor(label)}`;
    const key = toPublicKey(der);
    if (typeof key === "string") return `${pem.blocks.length > 1 ? `key ${i + 1}: ` : ""}${key}`;
    keys.push(key);
  }
  return keys;
}

const advice =
  "paste the whole file (cosign.pub), from `-----BEGIN PUBLIC KEY-----` to `-----END PUBLIC KEY-----`";

function adviceFor(label: string): string {
  if (label.includes("PRIVATE KEY")) {
    return "this is a private key: keep it secret, and give its public key (`cosign public-key --key …`)";
  }
  if (label === "CERTIFICATE") return "give certificates as `certificates.cert`";
  if (label === "RSA PUBLIC KEY") return "convert it with `openssl rsa -RSAPublicKey_in -pubout`";
  return advice;
}

/** Checks the key's strength and form. Returns what is wrong with it in words, or the key. */
export function toPublicKey(
  spki: Buffer,
  { pss = false }: { readonly pss?: boolean } = {},
): PublicKey | string {
  let keyObject: KeyObject;
  try {
    keyObject = createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    return `public key cannot be read: its base64 is no key (damaged, or cut off?): ${advice}`;
  }
  // Nobody's client signs with RSASSA-PSS; certificate authorities of one's own may.
  // guard: key-pss
  if (keyObject.asymmetricKeyType === "rsa-pss" && !pss) return "RSA key that is bound to RSASSA-PSS";
  const problem = readable(() => publicKeyProblem(keyObject, spki));
  return problem ?? { keyObject, spki, keyId: keyId(spki), pem: pemWriter(keyObject) };
}

/** OpenSSL reads keys that are no strict DER; here they are refused in words, as any other. */
function readable(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof Refusal) return "public key is not strict DER";
    throw error;
  }
}

function pemWriter(key: KeyObject): () => Buffer {
  let pem: Buffer | undefined;
  return () => {
    pem ??= Buffer.from(key.export({ format: "pem", type: "spki" }));
    return pem;
  };
}

/** `sha256:` of a SubjectPublicKeyInfo. */
function keyId(spki: Buffer): string {
  return `sha256:${hashBytes("sha256", spki)}`;
}

/** The key types that Sigstore knows, no others: OpenSSL would also take RSA-512, secp256k1 or a curve of one's own. */
function publicKeyProblem(key: KeyObject, spki: Buffer): string | undefined {
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss": {
      const details = key.asymmetricKeyDetails ?? {};
      const bits = details.modulusLength ?? 0;
      // guard: key-rsa-size
      if (bits < 2048 || bits > 8192) return `RSA key of ${bits} bits: 2048 to 8192 are accepted`;
      // guard: key-rsa-exponent
      if ((details.publicExponent ?? 0n) < 65537n) return "RSA key with a public exponent below 65537";
      return undefined;
    }
    case "ec": {
      const curve = curveOf(spki);
      // guard: key-explicit-curve
      if (curve === undefined) return "EC key with explicit curve parameters";
      // guard: key-curve
      if (!Object.hasOwn(curves, curve))
        return `EC key on curve ${curve}: P-256, P-384 and P-521 are accepted`;
      return undefined;
    }
    case "ed25519":
      return undefined;
    default:
      return `key of type \`${key.asymmetricKeyType ?? "unknown"}\` is not accepted`;
  }
}

/** OIDs of the curves, with the hash that goes with each. */
const curves: Readonly<Record<string, HashName>> = {
  "1.2.840.10045.3.1.7": "sha256",
  "1.3.132.0.34": "sha384",
  "1.3.132.0.35": "sha512",
};

/**
 * The hashes a certificate's signature may be made with: its curve's own, and SHA-256, which older clients used for
 * every key (sigstore-go pkg/verify/signature.go:160-208).
 */
export function hashesOfKey({ keyObject, spki }: PublicKey): readonly HashName[] {
  const curve = keyObject.asymmetricKeyType === "ec" ? curveOf(spki) : undefined;
  const own = curve === undefined ? "sha256" : (curves[curve] ?? "sha256");
  return own === "sha256" ? ["sha256"] : [own, "sha256"];
}

/** OID of the curve; undefined where parameters are spelled out instead of named. */
function curveOf(spki: Buffer): string | undefined {
  const [algorithm] = readSequence(spki, "public key");
  const parameters = algorithm === undefined ? undefined : readSequence(algorithm.raw, "public key")[1];
  return parameters?.tag === derTag.objectIdentifier ? readOid(parameters, "public key") : undefined;
}
