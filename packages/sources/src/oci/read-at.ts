import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/**
 * Opens a file for reading. Throws where it is a pipe, a socket or a device: somebody put it there so that it is waited
 * for without end, in one of the few threads that read all files.
 */
export async function openFile(path: string): Promise<FileHandle> {
  // Windows has no such flag, and no such files.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error("it is no file");
}

/** `size` bytes of a file from `offset` on, or fewer where it ends. They are read outside of the event loop. */
export async function readAt(file: FileHandle, offset: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  const { bytesRead } = await file.read(bytes, 0, size, offset);
  return bytes.subarray(0, bytesRead);
}
