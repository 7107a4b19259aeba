/** Standard base64 with padding. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** UTF-8 bytes of a value as JSON; bytes are taken as they are, so that a test can sign what is not JSON. */
export function jsonBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : utf8(JSON.stringify(value));
}

/** PEM text of DER bytes. */
export function pem(der: Uint8Array, label: "CERTIFICATE" | "PUBLIC KEY"): string {
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** DSSE's pre-authentication encoding: what is signed. Lengths count bytes, not characters. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return Buffer.concat([utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload]);
}
