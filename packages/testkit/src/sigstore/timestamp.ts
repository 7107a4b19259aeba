import type { Handler } from "../registry/host-fetch.ts";
import type { HashName } from "../signing/signing-key.ts";

/** An RFC 3161 authority. */
export interface TimestampAuthority {
  /** Certificates from the signer's to the root, DER. */
  readonly chain: readonly Uint8Array[];
  /** The same as PEM, as a policy's `tsaCertChain` takes it. */
  readonly pem: string;
  /** A TimeStampResp over `data`, DER. */
  timestamp(data: Uint8Array, at?: Date, options?: TimestampOptions): Uint8Array;
  /** The API of Sigstore's timestamp authority, as far as cosign uses it. */
  readonly handle: Handler;
}

/** How one response is made; the defaults are those of a good authority. */
export interface TimestampOptions {
  /** Hash of the imprint and of the signature. Default `sha256`. */
  readonly hash?: HashName;
  /** Certificates in the response, DER. Default: the signer's. Empty: none. */
  readonly embed?: readonly Uint8Array[];
  /** PKIStatus. Default 0, granted. */
  readonly status?: number;
  /** The imprint. Default: the hash of the data. */
  readonly imprint?: Uint8Array;
  /** The message digest among the signed attributes. Default: that of the TSTInfo. */
  readonly messageDigest?: Uint8Array;
  /** The content type among the signed attributes. Default: a TSTInfo's. */
  readonly contentType?: "tstInfo" | "data";
  /** Puts every signed attribute there twice. */
  readonly twice?: boolean;
  /** How many times the signer signs. Default 1. */
  readonly signers?: number;
  /** The generalized time as it is written, e.g. `20260115120000.1Z`. Default: the time, with its milliseconds. */
  readonly genTime?: string;
}
