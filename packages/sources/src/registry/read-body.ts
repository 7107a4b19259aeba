import type { ByteTurns } from "../oci/byte-turns.ts";
import { SourceError } from "../source-error.ts";
import type { WireAnswer } from "./wire.ts";

interface Reading {
  /** Most bytes of the body. */
  readonly limit: number;
  readonly origin: string;
  readonly turns: ByteTurns;
}

/**
 * Reads a body up to `limit` bytes; one byte more and the answer is cancelled. Throws `tooLarge`, and `unavailable` for a web
 * page of that size, and for a compressed body: we asked for identity, and decompression would let a small answer grow
 * without bound.
 */
export async function readBody(answer: WireAnswer, reading: Reading): Promise<Uint8Array> {
  const { limit, origin } = reading;
  const encoding = answer.headers.get("content-encoding");
  if (encoding !== null && encoding !== "" && encoding !== "identity") {
    answer.cancel();
    throw new SourceError("unavailable", `\`${origin}\` sent a compressed body though none was asked for`, {
      status: answer.status,
      origin,
    });
  }
  const length = answer.headers.get("content-length") ?? "";
  const announced = /^\d+$/.test(length) ? Number(length) : 0;
  if (announced > limit) {
    answer.cancel();
    throw overLong(answer, `${announced} bytes`, reading);
  }
  return collect(answer, announced, reading);
}

/**
 * The body in an array with a buffer of its own: a small view into a socket's big buffer would keep all of that alive in
 * caches. There is room beforehand for what is `announced` (which is within the limit), and more where that was a lie.
 */
async function collect(answer: WireAnswer, announced: number, reading: Reading): Promise<Uint8Array> {
  const { limit, turns } = reading;
  let room = new Uint8Array(announced);
  let size = 0;
  const move = async (length: number): Promise<Uint8Array<ArrayBuffer>> => {
    const larger = new Uint8Array(length);
    await turns.each(room.subarray(0, size), (slice, at) => larger.set(slice, at));
    return larger;
  };
  for await (const chunk of answer.body) {
    const end = size + chunk.byteLength;
    if (end > limit) throw overLong(answer, "an endless or over-long body", reading);
    if (end > room.byteLength) room = await move(Math.max(end, Math.min(2 * room.byteLength, limit)));
    await turns.each(chunk, (slice, at) => room.set(slice, size + at));
    size = end;
  }
  return size === room.byteLength ? room : move(size);
}

/** The size of what was asked for says something of that; the size of a page that somebody sent in its place does not. */
function overLong({ status, headers }: WireAnswer, what: string, { origin, limit }: Reading): SourceError {
  if (/^text\/html\b/i.test(headers.get("content-type") ?? "")) {
    const message = `\`${origin}\` sent a web page (is a proxy or a login page in between?)`;
    return new SourceError("unavailable", message, { origin, status });
  }
  const message = `\`${origin}\` sent ${what}, more than the limit of ${limit} bytes`;
  return new SourceError("tooLarge", message, { origin });
}
