import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { fieldOf, isFields } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";

const mediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const parts = ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"] as const;
/** Roots of one `.jsonl` file. */
const maxRoots = 64;

/**
 * The text of a `trusted_root.json` as it is, or the roots of a `.jsonl` (one a line, as `gh attestation` writes them)
 * joined into one: a file with several roots means that each of them is trusted. Throws `malformed`. Whether keys and
 * validity periods make sense is checked by the kernel.
 */
export function trustedRootText(content: string, origin: string): string {
  if (parsed(content) !== undefined) return content;
  const lines = content.split("\n").filter((line) => line.trim() !== "");
  const roots = lines.map((line) => parsed(line));
  if (roots.length === 0 || roots.length > maxRoots || roots.includes(undefined)) {
    const message = `\`${origin}\` holds neither a trusted root nor one trusted root a line`;
    throw new SourceError("malformed", message, { origin });
  }
  const joined = parts.map((part) => [part, roots.flatMap((root) => listOf(root, part))]);
  return JSON.stringify({ mediaType, ...Object.fromEntries(joined) });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function listOf(root: Readonly<Record<string, unknown>> | undefined, part: string): readonly unknown[] {
  const list = fieldOf(root, part);
  return Array.isArray(list) ? list : [];
}

/** Trust material as PEM files, as cosign and Kyverno take it. Every part may be missing. */
export interface PemTrust {
  /** Certificate chain of each Fulcio: leaf-most first, root last. */
  readonly fulcio?: readonly string[];
  /** Public keys of transparency logs (Rekor v1). */
  readonly rekor?: readonly string[];
  /** Public keys of certificate transparency logs. */
  readonly ctlog?: readonly string[];
  /** Certificate chain of each timestamp authority. */
  readonly tsa?: readonly string[];
}

/**
 * PEM files as the text of a trusted root. PEM says nothing of when a key was in use, so keys are valid without limit
 * and authorities as long as their certificates are. Throws `malformed`.
 */
export function trustedRootFromPem(pem: PemTrust, origin: string): string {
  const always = { start: "1970-01-01T00:00:00Z" };
  const log = (text: string): object => {
    const key = publicKey(text, origin);
    const der = key.export({ type: "spki", format: "der" });
    return {
      baseUrl: "",
      hashAlgorithm: "SHA2_256",
      publicKey: { rawBytes: der.toString("base64"), keyDetails: keyDetails(key, origin), validFor: always },
      logId: { keyId: createHash("sha256").update(der).digest("base64") },
    };
  };
  const authority = (text: string): object => ({
    subject: { organization: "", commonName: "" },
    uri: "",
    certChain: {
      certificates: certificates(text, origin).map((raw) => ({ rawBytes: raw.toString("base64") })),
    },
    validFor: always,
  });
  return JSON.stringify({
    mediaType,
    tlogs: (pem.rekor ?? []).map(log),
    certificateAuthorities: (pem.fulcio ?? []).map(authority),
    ctlogs: (pem.ctlog ?? []).map(log),
    timestampAuthorities: (pem.tsa ?? []).map(authority),
  });
}

const curves: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "PKIX_ECDSA_P256_SHA_256"],
  ["secp384r1", "PKIX_ECDSA_P384_SHA_384"],
  ["secp521r1", "PKIX_ECDSA_P521_SHA_512"],
]);

function keyDetails(key: KeyObject, origin: string): string {
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const details =
    key.asymmetricKeyType === "ed25519"
      ? "PKIX_ED25519"
      : key.asymmetricKeyType === "rsa" && [2048, 3072, 4096].includes(modulusLength)
        ? `PKIX_RSA_PKCS1V15_${modulusLength}_SHA256`
        : curves.get(namedCurve);
  if (details !== undefined) return details;
  throw new SourceError("malformed", `\`${origin}\` has a key of a kind that no log uses`, { origin });
}

function publicKey(text: string, origin: string): KeyObject {
  try {
    return createPublicKey(text);
  } catch (cause) {
    throw new SourceError("malformed", `\`${origin}\` has a log key that is no PEM public key`, {
      origin,
      cause,
    });
  }
}

function certificates(text: string, origin: string): readonly Buffer[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]{1,65536}-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0 || blocks.length > 12) throw new Error("no certificates, or over twelve");
    return blocks.map((block) => new X509Certificate(block).raw);
  } catch (cause) {
    throw new SourceError("malformed", `\`${origin}\` has an authority without readable certificates`, {
      origin,
      cause,
    });
  }
}
