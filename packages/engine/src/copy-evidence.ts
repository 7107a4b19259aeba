import type { Candidate } from "@assay/verify";
import { candidatesOf, withCandidates } from "./answer-candidates.ts";
import type { Answer } from "./lookup.ts";

/** About a millisecond's work. */
const turnBytes = 512 * 1024;

/** An answer whose evidence is in buffers of its own, which can be given away. */
export interface CopiedAnswer {
  readonly answer: Answer;
  readonly buffers: readonly ArrayBuffer[];
}

/** Copies evidence, whoever asks, no more than 512 KiB of it in one turn of the event loop. */
export type EvidenceCopier = (answer: Answer) => Promise<CopiedAnswer>;

/**
 * Copies that are handed over to a thread. Posting the evidence itself would copy it at one go. (Sharing it would copy
 * nothing; but V8 does not count shared memory, so that it is not collected until there is none left.)
 */
export function evidenceCopier(): EvidenceCopier {
  let left = turnBytes;
  const copy = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
    const copied = new Uint8Array(bytes.byteLength);
    for (let at = 0; at < bytes.byteLength; ) {
      if (left === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        left = turnBytes;
      }
      const slice = bytes.subarray(at, at + left);
      copied.set(slice, at);
      left -= slice.byteLength;
      at += slice.byteLength;
    }
    return copied;
  };
  // One after another, so that what several evaluations copy in one turn is no more than what one does.
  let last = Promise.resolve();
  return (answer) => {
    const mine = last.then(() => copyAnswer(answer, copy));
    // Nothing of the answer is kept here.
    const done = (): void => undefined;
    last = mine.then(done, done);
    return mine;
  };
}

async function copyAnswer(
  answer: Answer,
  copy: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<CopiedAnswer> {
  const buffers: ArrayBuffer[] = [];
  const give = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const copied = await copy(bytes);
    buffers.push(copied.buffer);
    return copied;
  };
  if (answer.ok && "bytes" in answer.value) {
    const value = { ...answer.value, bytes: await give(answer.value.bytes) };
    return { answer: { ...answer, value }, buffers };
  }
  const candidates: Candidate[] = [];
  for (const one of candidatesOf(answer)) {
    if (one.kind === "legacy") candidates.push({ ...one, payload: await give(one.payload) });
    else candidates.push(one.kind === "bundle" ? { ...one, bytes: await give(one.bytes) } : one);
  }
  return { answer: withCandidates(answer, candidates), buffers };
}
