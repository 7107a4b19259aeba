/** An RFC 3161 authority. */
export interface TimestampAuthority {
  /** Certificates from the signer's to the root, DER. */
  readonly chain: readonly Uint8Array[];
  /** A TimeStampResp over `data`, DER. */
  timestamp(data: Uint8Array, at?: Date): Uint8Array;
}
