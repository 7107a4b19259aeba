import { expect, test } from "vitest";
import type { EvidenceItem } from "../src/gather/answer-evidence.ts";
import { evidenceCopier } from "../src/worker/copy-evidence.ts";

const origin = { shelf: "referrers", repository: "r/a" } as const;

/** A piece of evidence of each kind, in turn. */
function itemOf(bytes: Uint8Array, index: number): EvidenceItem {
  if (index % 3 === 0) return { kind: "bundle", bytes, origin };
  if (index % 3 === 1)
    return { kind: "legacy", holds: "attestation", payload: bytes, annotations: {}, origin };
  return bytes;
}

function bytesIn(item: EvidenceItem): Uint8Array {
  if (item instanceof Uint8Array) return item;
  return item.kind === "legacy" ? item.payload : item.kind === "bundle" ? item.bytes : new Uint8Array();
}

const patterned = (size: number): Uint8Array => new Uint8Array(size).map((_, at) => at ^ (at >> 8));

test("evidence is copied byte for byte into a buffer of its own, however many ask at the same time", async () => {
  // Views into larger buffers, as pools hand them out, over and under what is copied in one turn.
  const sizes = [1, 1_300_000, 524_288, 0, 7, 600_000];
  const items = sizes.map((size, index) => itemOf(patterned(size + 20).subarray(10, 10 + size), index));
  const copy = evidenceCopier();
  for (const [index, { item, buffer }] of (await Promise.all(items.map((one) => copy(one)))).entries()) {
    const given = items[index] ?? new Uint8Array();
    expect(item).toEqual(given);
    expect(bytesIn(item).buffer).toBe(buffer);
    expect(buffer.byteLength).toBe(sizes[index]);
    // What is given away is nothing that a source keeps.
    expect(buffer).not.toBe(bytesIn(given).buffer);
  }
});

test("what cannot be copied does not keep others from it", async () => {
  const copy = evidenceCopier();
  await expect(copy(itemOf(new Proxy(new Uint8Array(1), {}), 0))).rejects.toThrow(TypeError);
  expect(bytesIn((await copy(itemOf(patterned(3), 0))).item)).toEqual(patterned(3));
});

test("what could not be read has no bytes, and stays as it is", async () => {
  const unreadable = { kind: "unreadable", code: "tooLarge", message: "m", origin } as const;
  expect(await evidenceCopier()(unreadable)).toEqual({ item: unreadable, buffer: new ArrayBuffer(0) });
});
