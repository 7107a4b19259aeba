import type { Candidate } from "@assay/verify";
import { expect, test } from "vitest";
import type { Answered, Answers } from "../src/gather/gather.ts";
import type { Answer } from "../src/gather/lookup.ts";
import { heldEvidence } from "../src/worker/held-evidence.ts";

const kilo = 1024;
const lookup = { kind: "trustRoot", name: "any" } as const;

function candidate(kilobytes: number): Candidate {
  const origin = { shelf: "referrers", repository: "r/a" } as const;
  return { kind: "bundle", bytes: new Uint8Array(kilobytes * kilo), origin };
}

const answered = (...candidates: readonly Candidate[]): Answered =>
  answer({ ok: true, value: { candidates } });
const answer = (answer: Answer): Answered => ({ lookup, answer });
const of = (...entries: readonly Answered[]): Answers =>
  new Map(entries.map((one, index) => [`k${index}`, one]));

test("small evidence is sent every time, large evidence once, whatever answer it is in", () => {
  const held = heldEvidence(1000 * kilo);
  const [small, large, later] = [candidate(1), candidate(100), candidate(101)];
  const first = held.ship(of(answered(small, large)));
  expect(first.answers).toEqual([{ key: "k0", answered: answered(), evidence: [small, 0] }]);
  expect([first.hold, first.forget]).toEqual([[[0, large]], []]);
  // Another evaluation, whose answer is another object: an attestation was added meanwhile.
  const second = held.ship(of(answered(small, large, later)));
  expect(second.answers).toEqual([{ key: "k0", answered: answered(), evidence: [small, 0, 1] }]);
  expect([second.hold, second.forget]).toEqual([[[1, later]], []]);
});

test("a large manifest is sent apart from its answer as well, and what was found before a failure", () => {
  const held = heldEvidence(1000 * kilo);
  const bytes = new Uint8Array(100 * kilo);
  const failure = { code: "unavailable", message: "m", origin: "o" } as const;
  const found = candidate(5);
  const shipped = held.ship(
    of(answer({ ok: true, value: { bytes } }), answer({ ok: false, failure, found: [found] })),
  );
  expect(shipped.hold).toEqual([
    [0, bytes],
    [1, found],
  ]);
  expect(shipped.answers).toEqual([
    { key: "k0", answered: answer({ ok: true, value: { bytes: new Uint8Array(0) } }), evidence: [0] },
    { key: "k1", answered: answer({ ok: false, failure, found: [] }), evidence: [1] },
  ]);
});

test("the oldest that a job does not need is forgotten first, and sent again when it comes back", () => {
  const held = heldEvidence(250 * kilo);
  const [one, two, three] = [candidate(100), candidate(101), candidate(102)];
  held.ship(of(answered(one)));
  held.ship(of(answered(two)));
  expect(held.ship(of(answered(one), answered(three)))).toMatchObject({ hold: [[2, three]], forget: [1] });
  expect(held.ship(of(answered(two)))).toMatchObject({ hold: [[3, two]], forget: [0] });
});

test("what one job needs is held whatever its size", () => {
  const held = heldEvidence(100 * kilo);
  const [one, two] = [candidate(90), candidate(91)];
  expect(held.ship(of(answered(one), answered(two)))).toMatchObject({
    hold: [
      [0, one],
      [1, two],
    ],
    forget: [],
  });
});

test("what has to be copied first is what is large, not held, and not copied yet", () => {
  const held = heldEvidence(1000 * kilo);
  const [small, one, two] = [candidate(1), candidate(100), candidate(101)];
  const all = of(answered(small, one), answered(two));
  expect(held.missing(all, new Map())).toBe(one);
  expect(held.missing(all, new Map([[one, "copy"]]))).toBe(two);
  held.ship(of(answered(one)));
  expect(held.missing(all, new Map())).toBe(two);
  held.ship(of(answered(two)));
  expect(held.missing(all, new Map())).toBeUndefined();
});
