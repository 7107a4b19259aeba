import type { FileHandle } from "node:fs/promises";

/** `size` bytes of a file from `offset` on, or fewer where it ends. They are read outside of the event loop. */
export async function readAt(file: FileHandle, offset: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  const { bytesRead } = await file.read(bytes, 0, size, offset);
  return bytes.subarray(0, bytesRead);
}
