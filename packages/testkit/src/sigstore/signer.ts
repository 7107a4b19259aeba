import type { SigningKey } from "../signing/signing-key.ts";
import type { TimestampAuthority } from "./timestamp.ts";
import type { TransparencyLog } from "./transparency-log.ts";

/** Whoever signs: a key alone, or a key with a certificate that names it. */
export interface Signer extends SigningKey {
  /** DER. */
  readonly certificate?: Uint8Array;
  /** Intermediates and root above the certificate, DER, for formats that carry them. */
  readonly chain?: readonly Uint8Array[];
  /** Where this signer's signatures are logged unless said otherwise: keyless identities bring their Rekor. */
  readonly log?: TransparencyLog;
  readonly timestampAuthority?: TimestampAuthority;
}
