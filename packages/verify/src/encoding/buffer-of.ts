/** The same bytes as a Buffer: a view, not a copy, so that what is verified is what was handed in. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
