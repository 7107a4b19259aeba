import fc from "fast-check";
import { expect, test } from "vitest";
import { createAssay, type JsonObject, type Verdict } from "../src/index.ts";
import {
  anEntry,
  anImage,
  aPod,
  employee,
  evidence,
  first,
  frozen,
  here,
  images,
  judge,
  minute,
  ofOurs,
  podOf,
  policyOf,
  second,
  there,
  World,
} from "./random-world.ts";

// Who has judged for days must say what one says who begins: whatever is kept follows from what it is kept under. So a
// world is changed at random between questions, and each is asked of an assay that saw all of it and of a new one.
// Evidence is only added, for a signature that once verified counts until it is forgotten.

/** Changes the world, or asks. */
interface Step {
  readonly change?: (world: World) => void;
  readonly pods?: readonly JsonObject[];
}

const aChange: fc.Arbitrary<Required<Step>["change"]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(anImage, evidence).map(
      ([of, all]) =>
        (world: World) =>
          world.hang(of, all),
    ),
  },
  anImage.map((of) => (world: World) => world.tag(of)),
  fc.constantFrom(-60, -1, 0, 5, 45, 60 * 24 * 400).map((minutes) => (world: World) => {
    world.now = frozen + minutes * minute;
  }),
  fc.constantFrom(here, there).map((sigstore) => (world: World) => {
    world.trust = sigstore.trustedRoot();
  }),
  fc.constantFrom(first, second).map(({ pem }) => (world: World) => {
    world.data = { ...world.data, pem };
  }),
  fc.constantFrom("https://builder.example/v1", "https://other.example").map((builder) => (world: World) => {
    world.data = { ...world.data, builder };
  }),
);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.array(aPod, { minLength: 1, maxLength: 3 }).map((pods) => ({ pods })),
  aChange.map((change) => ({ change })),
);

/** Everything but the steps: what was remembered has fewer. */
function essence({ allowed, outcome, results, patches }: Verdict): unknown {
  return { allowed, outcome, patches, results };
}

test("no verdict depends on what was judged before", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anEntry, { minLength: 1, maxLength: 3 }),
      fc.array(aStep, { minLength: 5, maxLength: 40 }),
      async (entries, steps) => {
        const world = new World();
        const options = { ...world.options, policies: policyOf(entries) };
        const old = createAssay(options);
        for (const { change, pods = [] } of steps) {
          change?.(world);
          const [mine, fresh] = [await judge(old, pods), await judge(createAssay(options), pods)];
          expect(mine.map(essence)).toEqual(fresh.map(essence));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("what a timestamp of the trust root's authority decided ends with that trust root", async () => {
  const world = new World();
  const { timestampAuthority } = here;
  const { pinned } = images[0]?.bare.signedBy(employee, { timestampAuthority }).pushTo(world.registry) ?? {};
  const policies = policyOf([
    { imageReferences: ["*"], failureAction: "Enforce", attestors: [{ entries: [ofOurs] }] },
  ]);
  const assay = createAssay({ ...world.options, policies });
  const resource = podOf(pinned ?? "");
  // The plan names who is asked, though only such a signature needs it.
  expect(assay.plan({ resource }).lookups.map(({ kind }) => kind)).toContain("trustRoot");
  expect(await assay.evaluate({ resource })).toMatchObject({ allowed: true });
  world.trust = there.trustedRoot();
  expect(await assay.evaluate({ resource })).toMatchObject({
    allowed: false,
    results: [{ code: "noTrustedTime" }],
  });
});
