import { createAssay } from "assay";
import { expect, test } from "vitest";
import { createSigners } from "../world/signers.ts";
import { caseSet, profileNames, type Wanted } from "./case-set.ts";
import type { KeyName, NamedImage, Surroundings } from "./surroundings.ts";

const keyNames: readonly KeyName[] = ["a", "b", "c", "p384", "p521", "rsa", "ed"];

/** A world of names only; `run` stands for what differs from run to run. */
function surroundings(run: string): Surroundings {
  const key = (name: string): string => `(key ${name} of ${run})`;
  const hosts = [`127.0.0.1:1${run}`, `127.0.0.1:2${run}`] as const;
  const image = (name: string): readonly NamedImage[] =>
    hosts.map((host) => ({ host, repository: name, tag: "v1", digest: `sha256:${run.repeat(64)}` }));
  return {
    hosts,
    log: `http://127.0.0.1:3${run}`,
    keys: Object.fromEntries(keyNames.map((name) => [name, key(name)])) as Surroundings["keys"],
    sigstore: { roots: key("roots"), rekor: key("rekor"), ctlog: key("ctlog"), tsaCertChain: key("tsa") },
    certificate: key("certificate"),
    certificateChain: key("chain"),
    images: ["t/a", "t/b", "t/ab", "t/abc", "t/none", "t/att", "t/bun-a"].flatMap(image),
    keyless: ["k/b3-workflow", "k/sig-nolog"].flatMap(image),
    fixtures: ["acme/key-ecdsa", "acme/unsigned"].flatMap(image),
  };
}

function wanted(names: Surroundings, more: Partial<Wanted>): Wanted {
  return { profile: "broad", seed: 7, index: 0, namespace: "s0", names, reviews: 4, ...more };
}

test.each(profileNames)(
  "%s: a seed makes the same cases in every run, whatever ports and keys it has",
  (profile) => {
    const [one, other] = ["3", "4"].map((run) =>
      Array.from({ length: 20 }, (_, index) => caseSet(wanted(surroundings(run), { profile, index }))),
    );
    // What differs is 3 here and 4 there, in places where no case has either by itself.
    const plain = (sets: unknown, run: string): string =>
      JSON.stringify(sets)
        .replaceAll(new RegExp(`127\\.0\\.0\\.1:([123])${run}`, "g"), "127.0.0.1:$1x")
        .replaceAll(`sha256:${run.repeat(64)}`, "sha256:x")
        .replaceAll(` of ${run})`, " of x)");
    expect(plain(one, "3")).toBe(plain(other, "4"));
  },
);

test("seeds, profiles and sets have different cases", () => {
  const names = surroundings("3");
  const sets = [
    ...[1, 2].map((seed) => caseSet(wanted(names, { seed }))),
    ...[1, 2].map((index) => caseSet(wanted(names, { index }))),
    ...profileNames.map((profile) => caseSet(wanted(names, { profile }))),
  ];
  const said = sets.map(({ policies, reviews }) =>
    JSON.stringify([policies, reviews]).replaceAll(/[px]-[a-z]+-\d+-\d+/g, ""),
  );
  // The last profile named broad is set 0 of seed 7, and so is none of the others.
  expect(new Set(said).size).toBe(said.length);
});

test.each(profileNames)("%s: nearly all policies and exceptions are taken", (profile) => {
  const names = { ...surroundings("3"), ...createSigners().pem };
  const sets = Array.from({ length: 16 }, (_, index) => caseSet(wanted(names, { profile, index })));
  const refusals: string[] = [];
  for (const { policies, exceptions } of sets) {
    try {
      createAssay({
        policies: policies.map((policy) => JSON.stringify(policy)),
        exceptions: exceptions.map((exception) => JSON.stringify(exception)),
      });
    } catch (error) {
      refusals.push(String(error));
    }
  }
  expect(refusals.length, refusals.join("\n")).toBeLessThan(sets.length / 4);
});
