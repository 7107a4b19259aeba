import { createRegistry, type Fault, type FaultEffect } from "@assay/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAssay, type Verdict } from "../src/index.ts";
import { anEntry, aPod, evidence, images, judge, policyOf, World } from "./random-world.ts";

// What could not be had is not known: an outage may cost a verdict its certainty, but never changes what it says.

const statuses = [401, 403, 429, 500, 502, 503, 504].map((status) => ({ kind: "status", status }) as const);
const effects: readonly FaultEffect[] = [
  ...statuses,
  { kind: "disconnect" },
  { kind: "truncate", bytes: 5 },
  { kind: "hang" },
];
const aFault: fc.Arbitrary<Fault> = fc.record({
  path: fc.constantFrom(
    ".sig",
    ".att",
    "/referrers/",
    "/blobs/",
    "/manifests/sha256:",
    "/manifests/v1",
    "/v2/acme/a",
  ),
  after: fc.nat(6),
  times: fc.constantFrom(1, 2, 1000),
  effect: fc.constantFrom(...effects),
});

test("an outage never changes what a verdict says, only whether it can be known", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anEntry, { minLength: 1, maxLength: 3 }),
      fc.tuple(...images.map(() => evidence)),
      fc.array(aPod, { minLength: 1, maxLength: 2 }),
      fc.array(aFault, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(1, 2),
      async (entries, hung, pods, faults, attempts) => {
        const world = new World(createRegistry());
        for (const [index, each] of hung.entries()) world.hang(index, each);
        const policies = policyOf(entries);
        const retry = { attempts, baseMs: 0 };
        const options = {
          ...world.options,
          policies,
          registry: { ...world.options.registry, retry, timeoutMs: 50 },
        };
        const whole = await judge(createAssay(options), pods);
        for (const fault of faults) world.registry.inject(fault);
        const shaken = await judge(createAssay(options), pods);
        for (const [index, verdict] of shaken.entries()) compare(verdict, whole[index]);
      },
    ),
    { numRuns: 80 },
  );
});

function compare(shaken: Verdict, whole: Verdict | undefined): void {
  if (shaken.allowed) expect(whole?.allowed).toBe(true);
  const known = shaken.results.filter(({ outcome }) => outcome !== "error").map(said);
  // Two entries may say different things of one image: each of them was said before.
  expect(whole?.results.map(said)).toEqual(expect.arrayContaining(known));
}

function said({ image, outcome }: Verdict["results"][number]): string {
  return `${image}: ${outcome}`;
}
