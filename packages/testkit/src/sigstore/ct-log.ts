import { createKey, hashBytes, type KeyKind, type SigningKey, signBytes } from "../signing/signing-key.ts";
import { der, TAG } from "./der.ts";
import type { ExtensionSpec } from "./extensions.ts";

/** A certificate transparency log: it signs precertificates. */
export interface CtLog {
  readonly key: SigningKey;
  /** SHA-256 of its public key. */
  readonly id: Uint8Array;
  /** One signed certificate timestamp in TLS encoding. */
  sign(precertificate: Uint8Array, issuerKeyHash: Uint8Array, at: Date): Uint8Array;
}

/** A throwaway CT log. */
export function createCtLog(key: KeyKind | SigningKey = "p256"): CtLog {
  const own = typeof key === "string" ? createKey(key) : key;
  const id = hashBytes(own.spki);
  return {
    ...{ key: own, id },
    sign(precertificate, issuerKeyHash, at) {
      const time = uint(8, at.getTime());
      const entry = [issuerKeyHash, uint(3, precertificate.length), precertificate];
      // RFC 6962 §3.2: version, signature type, timestamp, precert_entry, the entry, no extensions.
      const signed = Buffer.concat([
        Uint8Array.of(0, 0),
        time,
        Uint8Array.of(0, 1),
        ...entry,
        Uint8Array.of(0, 0),
      ]);
      const signature = signBytes(own, signed);
      const algorithm = Uint8Array.of(4, own.kind.startsWith("rsa") ? 1 : 3);
      const tail = [Uint8Array.of(0, 0), algorithm, uint(2, signature.length), signature];
      return new Uint8Array(Buffer.concat([Uint8Array.of(0), id, time, ...tail]));
    },
  };
}

/** The certificate extension that holds these timestamps. */
export function sctExtension(timestamps: readonly Uint8Array[]): ExtensionSpec {
  const list = Buffer.concat(timestamps.flatMap((sct) => [uint(2, sct.length), sct]));
  return { oid: "1.3.6.1.4.1.11129.2.4.2", value: der(TAG.octetString, uint(2, list.length), list) };
}

function uint(size: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return new Uint8Array(bytes.subarray(8 - size));
}
