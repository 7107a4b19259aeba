import type { EvidenceItem } from "../gather/answer-evidence.ts";

/** About a millisecond's work. */
const turnBytes = 512 * 1024;

/** A piece of evidence in a buffer of its own, which can be given away. */
export interface CopiedEvidence {
  readonly item: EvidenceItem;
  readonly buffer: ArrayBuffer;
}

/** Copies evidence, whoever asks, no more than 512 KiB of it in one turn of the event loop. */
export type EvidenceCopier = (item: EvidenceItem) => Promise<CopiedEvidence>;

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
  return (item) => {
    const mine = last.then(() => copyItem(item, copy));
    // Nothing of the evidence is kept here.
    const done = (): void => undefined;
    last = mine.then(done, done);
    return mine;
  };
}

async function copyItem(
  item: EvidenceItem,
  copy: (bytes: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<CopiedEvidence> {
  if (item instanceof Uint8Array) {
    const bytes = await copy(item);
    return { item: bytes, buffer: bytes.buffer };
  }
  switch (item.kind) {
    case "legacy": {
      const payload = await copy(item.payload);
      return { item: { ...item, payload }, buffer: payload.buffer };
    }
    case "bundle": {
      const bytes = await copy(item.bytes);
      return { item: { ...item, bytes }, buffer: bytes.buffer };
    }
    case "unreadable":
      return { item, buffer: new ArrayBuffer(0) };
  }
}
