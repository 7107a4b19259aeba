import fc from "fast-check";
import { expect, test } from "vitest";
import { createAssay, type JsonObject } from "../src/index.ts";
import { attestations, attestors, evidence, images, podOf, policyOf, World } from "./random-world.ts";

// What a set comes to follows from what each of its entries comes to alone, however deep they are nested. Where a count of
// two or more is written, enough entries must hold all the same, but perhaps by signers who are not distinct.

type Entry = number | AttestorSet;
interface AttestorSet {
  readonly entries: readonly Entry[];
  readonly count?: number;
}

const { set: aSet } = fc.letrec<{ set: AttestorSet; entry: Entry }>((tie) => ({
  set: fc
    .record({
      entries: fc.array(tie("entry"), { minLength: 1, maxLength: 4 }),
      count: fc.constantFrom(0, 0, 1, 1, 2, 3),
    })
    .map(({ entries, count }) => (count > 0 && count <= entries.length ? { entries, count } : { entries })),
  entry: fc.oneof(
    { maxDepth: 2 },
    { weight: 3, arbitrary: fc.nat(attestors.length - 1) },
    { weight: 1, arbitrary: tie("set") },
  ),
}));

function written({ entries, ...more }: AttestorSet): JsonObject {
  return {
    ...more,
    entries: entries.map((one) =>
      typeof one === "number" ? (attestors[one] ?? {}) : { attestor: written(one) },
    ),
  };
}

function holds(entry: Entry, alone: readonly boolean[]): boolean {
  if (typeof entry === "number") return alone[entry] === true;
  const { entries, count = entries.length } = entry;
  return entries.filter((one) => holds(one, alone)).length >= count;
}

function countsSigners(entry: Entry): boolean {
  if (typeof entry === "number") return false;
  return (entry.count ?? 0) > 1 || entry.entries.some(countsSigners);
}

async function passes(
  world: World,
  about: JsonObject | undefined,
  sets: readonly JsonObject[],
): Promise<boolean> {
  const [subject] = images;
  const asked = about === undefined ? { attestors: sets } : { attestations: [{ ...about, attestors: sets }] };
  const policies = policyOf([{ imageReferences: ["*"], failureAction: "Enforce", ...asked }]);
  const resource = podOf(`registry.test/${subject?.bare.repository}@${subject?.bare.digest}`);
  const { outcome } = await createAssay({ ...world.options, policies }).evaluate({ resource });
  expect(["pass", "fail"]).toContain(outcome);
  return outcome === "pass";
}

test("a set of attestors holds exactly where enough of its entries hold alone", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      evidence,
      fc.option(fc.constantFrom(...attestations), { nil: undefined }),
      fc.array(fc.array(aSet, { minLength: 1, maxLength: 2 }), { minLength: 6, maxLength: 6 }),
      async (hung, about, questions) => {
        const world = new World();
        world.hang(0, hung);
        const alone: boolean[] = [];
        for (const one of attestors) alone.push(await passes(world, about, [{ entries: [one] }]));
        for (const sets of questions) {
          const isHeld = await passes(world, about, sets.map(written));
          const mayHold = sets.every((set) => holds(set, alone));
          if (isHeld || !sets.some(countsSigners)) expect(isHeld).toBe(mayHold);
        }
      },
    ),
    { numRuns: 25 },
  );
});
