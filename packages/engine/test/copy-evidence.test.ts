import { expect, test } from "vitest";
import { evidenceCopier } from "../src/copy-evidence.ts";
import type { Answer } from "../src/lookup.ts";

const origin = { shelf: "referrers", repository: "r/a" } as const;

function answerOf(...bytes: readonly Uint8Array[]): Answer {
  const candidates = bytes.map((one, index) =>
    index % 2 === 0
      ? ({ kind: "bundle", bytes: one, origin } as const)
      : ({ kind: "legacy", holds: "attestation", payload: one, annotations: {}, origin } as const),
  );
  return { ok: true, value: { candidates } };
}

function bytesIn(answer: Answer): readonly Uint8Array[] {
  if (!answer.ok || !("candidates" in answer.value)) return [];
  return answer.value.candidates.flatMap((one) =>
    one.kind === "legacy" ? [one.payload] : one.kind === "bundle" ? [one.bytes] : [],
  );
}

const patterned = (size: number): Uint8Array => new Uint8Array(size).map((_, at) => at ^ (at >> 8));

test("evidence is copied byte for byte into buffers of its own, however many ask at the same time", async () => {
  // Views into larger buffers, as pools hand them out, over and under what is copied in one turn.
  const sizes = [1, 1_300_000, 524_288, 0, 7, 600_000];
  const given = sizes.map((size) => patterned(size + 20).subarray(10, 10 + size));
  const copy = evidenceCopier();
  const answers = [answerOf(...given), answerOf(...given.toReversed()), answerOf()];
  for (const [index, { answer, buffers }] of (await Promise.all(answers.map(copy))).entries()) {
    const expected = bytesIn(answers[index] ?? answerOf());
    const found = bytesIn(answer);
    expect(found.map((one, at) => Buffer.compare(one, expected[at] ?? one))).toEqual(expected.map(() => 0));
    expect(found.map((one) => one.buffer)).toEqual(buffers);
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual(expected.map(({ byteLength }) => byteLength));
    // What is given away is nothing that a source keeps.
    expect(buffers.filter((buffer) => expected.some((one) => one.buffer === buffer))).toEqual([]);
  }
});

test("a manifest is copied as well", async () => {
  const value = { bytes: patterned(600_000) };
  const { answer, buffers } = await evidenceCopier()({ ok: true, value });
  expect(answer).toEqual({ ok: true, value });
  expect(buffers.map(({ byteLength }) => byteLength)).toEqual([600_000]);
  expect(buffers[0]).not.toBe(value.bytes.buffer);
});

test("what cannot be copied does not keep others from it", async () => {
  const copy = evidenceCopier();
  const broken = copy(answerOf(new Proxy(new Uint8Array(1), {})));
  await expect(broken).rejects.toThrow(TypeError);
  expect(bytesIn((await copy(answerOf(patterned(3)))).answer)).toEqual([patterned(3)]);
});

test("answers without evidence stay as they are", async () => {
  const failure = { code: "unavailable", message: "m", origin: "o" } as const;
  const answer: Answer = { ok: false, failure };
  expect(await evidenceCopier()(answer)).toEqual({ answer, buffers: [] });
});
