import { expect, test } from "vitest";
import type { Answered, Answers } from "../src/gather.ts";
import { heldAnswers } from "../src/held-answers.ts";

const kilo = 1024;

function answered(kilobytes: number): Answered {
  const origin = { shelf: "referrers", repository: "r/a" } as const;
  const candidates = [{ kind: "bundle", bytes: new Uint8Array(kilobytes * kilo), origin }] as const;
  return {
    lookup: { kind: "trustRoot", name: `${kilobytes}` },
    answer: { ok: true, value: { candidates } },
  };
}

const of = (...entries: readonly Answered[]): Answers =>
  new Map(entries.map((one, index) => [`k${index}`, one]));

test("small answers are sent every time, large ones once", () => {
  const held = heldAnswers(1000 * kilo);
  const [small, large] = [answered(1), answered(100)];
  const first = held.ship(of(small, large));
  expect(first).toMatchObject({
    answers: [
      ["k0", small],
      ["k1", 0],
    ],
    hold: [[0, large]],
    forget: [],
  });
  expect(held.ship(of(large, small))).toMatchObject({
    answers: [
      ["k0", 0],
      ["k1", small],
    ],
    hold: [],
    forget: [],
  });
});

test("a large manifest is sent once as well", () => {
  const held = heldAnswers(1000 * kilo);
  const large = answered(0);
  const manifest = { ...large, answer: { ok: true, value: { bytes: new Uint8Array(100 * kilo) } } } as const;
  expect(held.ship(of(manifest))).toMatchObject({ answers: [["k0", 0]], hold: [[0, manifest]] });
});

test("the oldest that a job does not need is forgotten first, and sent again when it comes back", () => {
  const held = heldAnswers(250 * kilo);
  const [one, two, three] = [answered(100), answered(101), answered(102)];
  held.ship(of(one));
  held.ship(of(two));
  expect(held.ship(of(one, three))).toMatchObject({ hold: [[2, three]], forget: [1] });
  expect(held.ship(of(two))).toMatchObject({ hold: [[3, two]], forget: [0] });
});

test("what one job needs is held whatever its size", () => {
  const held = heldAnswers(100 * kilo);
  const [one, two] = [answered(90), answered(91)];
  expect(held.ship(of(one, two))).toMatchObject({
    hold: [
      [0, one],
      [1, two],
    ],
    forget: [],
  });
});

test("what has to be copied first is what is large, not held, and not copied yet", () => {
  const held = heldAnswers(1000 * kilo);
  const [small, one, two] = [answered(1), answered(100), answered(101)];
  const all = of(small, one, two);
  expect(held.missing(all, new Map())).toBe(one.answer);
  expect(held.missing(all, new Map([[one.answer, "copy"]]))).toBe(two.answer);
  held.ship(of(one));
  expect(held.missing(all, new Map())).toBe(two.answer);
  held.ship(of(two));
  expect(held.missing(all, new Map())).toBeUndefined();
});
