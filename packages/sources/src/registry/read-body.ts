import type { ByteTurns } from "../oci/byte-turns.ts";
import { SourceError } from "../source-error.ts";

interface Reading {
  /** Most bytes of the body. */
  readonly limit: number;
  readonly origin: string;
  readonly turns: ByteTurns;
}

/**
 * Reads a body up to `limit` bytes; one byte more and the stream is cancelled. Throws `tooLarge`, and `unavailable` for a
 * compressed body: we asked for identity, and decompression would let a small answer grow without bound.
 */
export async function readBody(response: Response, reading: Reading): Promise<Uint8Array> {
  const { limit, origin } = reading;
  const encoding = response.headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding !== "identity") {
    await discard(response);
    throw new SourceError("unavailable", `\`${origin}\` sent a compressed body though none was asked for`, {
      status: response.status,
      origin,
    });
  }
  const length = response.headers.get("content-length") ?? "";
  const announced = /^\d+$/.test(length) ? Number(length) : 0;
  if (announced > limit) {
    await discard(response);
    throw tooLarge(origin, `${announced} bytes`, limit);
  }
  if (response.body === null) return new Uint8Array();
  return collect(response.body, announced, reading);
}

/**
 * The body in an array with a buffer of its own: a small view into a socket's big buffer would keep all of that alive in
 * caches. There is room beforehand for what is `announced` (which is within the limit), and more where that was a lie.
 */
async function collect(
  body: ReadableStream<Uint8Array>,
  announced: number,
  { limit, origin, turns }: Reading,
): Promise<Uint8Array> {
  const reader = body.getReader();
  let room = new Uint8Array(announced);
  let size = 0;
  const move = async (length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const larger = new Uint8Array(length);
    await turns.each(room.subarray(0, size), (slice, at) => larger.set(slice, at));
    return larger;
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const end = size + value.byteLength;
      if (end > limit) throw tooLarge(origin, "an endless or over-long body", limit);
      if (end > room.byteLength) room = await move(Math.max(end, Math.min(2 * room.byteLength, limit)));
      await turns.each(value, (slice, at) => room.set(slice, size + at));
      size = end;
    }
  } catch (error) {
    // The connection is of no more use; what cancelling says does not matter.
    await reader.cancel().catch(() => undefined);
    throw error;
  }
  return size === room.byteLength ? room : move(size);
}

/** Gives the connection back without reading on. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

function tooLarge(origin: string, what: string, limit: number): SourceError {
  return new SourceError("tooLarge", `\`${origin}\` sent ${what}, more than the limit of ${limit} bytes`, {
    origin,
  });
}
