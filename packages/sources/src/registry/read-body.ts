import { SourceError } from "../source-error.ts";

/**
 * Reads a body up to `limit` bytes; one byte more and the stream is cancelled. Throws `tooLarge`, and `unavailable` for a
 * compressed body: we asked for identity, and decompression would let a small answer grow without bound.
 */
export async function readBody(response: Response, limit: number, origin: string): Promise<Uint8Array> {
  const encoding = response.headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding !== "identity") {
    await discard(response);
    throw new SourceError("unavailable", `\`${origin}\` sent a compressed body though none was asked for`, {
      status: response.status,
      origin,
    });
  }
  const announced = Number(response.headers.get("content-length") ?? "0");
  if (announced > limit) {
    await discard(response);
    throw tooLarge(origin, `${announced} bytes`, limit);
  }
  if (response.body === null) return new Uint8Array();
  return collect(response.body, limit, origin);
}

async function collect(body: ReadableStream<Uint8Array>, limit: number, origin: string): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > limit) throw tooLarge(origin, "an endless or over-long body", limit);
      chunks.push(value);
    }
  } catch (error) {
    // The connection is of no more use; what cancelling says does not matter.
    await reader.cancel().catch(() => undefined);
    throw error;
  }
  return exact(chunks, size);
}

/** One array with a buffer of its own: a small view into a socket's big buffer would keep all of that alive in caches. */
function exact(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined && only.buffer.byteLength === size) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
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
