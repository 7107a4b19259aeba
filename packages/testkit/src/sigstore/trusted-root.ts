import { base64 } from "../signing/encoding.ts";
import type { CtLog } from "./ct-log.ts";
import { keyDetails } from "./entry-body.ts";
import type { TransparencyLog } from "./transparency-log.ts";

/** What a trusted root names. */
export interface TrustedParts {
  /** Chains from intermediate to root, DER. */
  readonly authorities: readonly (readonly Uint8Array[])[];
  readonly logs: readonly TransparencyLog[];
  readonly ctLogs: readonly CtLog[];
  /** Chains from signer to root, DER. */
  readonly timestampAuthorities: readonly (readonly Uint8Array[])[];
}

/** When keys and authorities are valid. */
export interface ValidFor {
  readonly start?: string;
  readonly end?: string;
}

/** A trusted root in its JSON form, as a value: tests change it before it becomes text. */
export interface TrustedRootJson {
  readonly mediaType: string;
  readonly tlogs: readonly Record<string, unknown>[];
  readonly certificateAuthorities: readonly Record<string, unknown>[];
  readonly ctlogs: readonly Record<string, unknown>[];
  readonly timestampAuthorities: readonly Record<string, unknown>[];
}

const VALID_FOR: ValidFor = { start: "2025-01-01T00:00:00Z" };

/** The `trusted_root.json` of these logs and authorities. */
export function trustedRootOf(parts: TrustedParts, validFor: ValidFor = VALID_FOR): TrustedRootJson {
  const authority = (chain: readonly Uint8Array[], organization: string): Record<string, unknown> => ({
    subject: { organization, commonName: organization },
    uri: `https://${organization}.testkit.example`,
    certChain: { certificates: chain.map((der) => ({ rawBytes: base64(der) })) },
    validFor,
  });
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: parts.logs.map((log) => logOf(log, log.baseUrl, validFor)),
    certificateAuthorities: parts.authorities.map((chain) => authority(chain, "fulcio")),
    ctlogs: parts.ctLogs.map((log) => logOf(log, "https://ctfe.testkit.example", validFor)),
    timestampAuthorities: parts.timestampAuthorities.map((chain) => authority(chain, "tsa")),
  };
}

function logOf(log: Pick<CtLog, "key" | "id">, baseUrl: string, validFor: ValidFor): Record<string, unknown> {
  return {
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: base64(log.key.spki), keyDetails: keyDetails(log.key), validFor },
    logId: { keyId: base64(log.id) },
  };
}
