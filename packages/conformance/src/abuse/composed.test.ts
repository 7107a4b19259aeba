import type { Attestor } from "@assay/policy";
import {
  createSigstore,
  image,
  type Predicate,
  type SignedArtifact,
  type Signer,
  type SignOptions,
  slsa,
  type TestImage,
} from "@assay/testkit";
import { expect, test } from "vitest";
import { composed, type Draw, drawing } from "./composed.ts";
import {
  byKey,
  byLoggedKey,
  judgeAttestation,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
  strangerKey,
} from "./world.ts";

// Who can push to a repository sees all honest evidence, signs and logs what he likes in his own name, and puts together anew
// what he has. He runs logs and authorities of his own, and may even have an honest key whose time is over. Nothing of it may
// count for an image that nobody honest signed.

const { rekor, rekorV2, timestampAuthority } = sigstore;
const [evil, victim, sibling] = [image({ content: "evil" }), image({ content: "victim" }), image()];
const workflow = sigstore.identity();
const stranger = sigstore.identity({ subject: "https://github.com/evil/app" });
/** In which everything is as in the real one, but for the keys. */
const counterfeit = createSigstore();
const honestly = slsa({ version: "0.2", builder: "https://honest.example" });
const otherwise = slsa({ version: "0.2" });
const unseen: SignOptions = { log: false, timestampAuthority: false };
const loggedElsewhere: SignOptions = { log: counterfeit.rekor };
const timedElsewhere: SignOptions = { timestampAuthority: counterfeit.timestampAuthority };
const late = { at: new Date(now.getTime() + 3_600_000) };

/** Compositions of each shape. */
const times = 60;

interface World {
  readonly name: string;
  readonly honest: Signer;
  /** The stranger, and who signs under the honest one's name by another authority. */
  readonly hostile: readonly Signer[];
  readonly by: Attestor;
  readonly options: SignOptions;
  /** How what is honestly signed, but must not count, came about. */
  readonly inVain: readonly SignOptions[];
}

const keys = { honest: policyKey, hostile: [strangerKey] };
const identities = { honest: workflow, hostile: [stranger, counterfeit.identity()] };
const byTime = keyless({
  rekor: { ignoreTlog: true },
  ctlog: { ignoreSCT: false, tsaCertChain: sigstore.pem.tsaCertChain },
});
const unlogged = [unseen, loggedElsewhere];
const worlds: readonly World[] = [
  { name: "a key", ...keys, by: byKey(), options: {}, inVain: [] },
  { name: "a logged key", ...keys, by: byLoggedKey(), options: { log: rekor }, inVain: unlogged },
  {
    name: "a key in a log without promises",
    ...keys,
    by: byLoggedKey(),
    options: { log: rekorV2 },
    inVain: [unseen, { log: counterfeit.rekorV2 }],
  },
  {
    name: "an identity",
    ...identities,
    by: keyless(),
    options: { log: rekor },
    inVain: [...unlogged, late],
  },
  {
    name: "an identity by timestamp",
    ...identities,
    by: byTime,
    options: { log: false, timestampAuthority },
    inVain: [unseen, timedElsewhere, late],
  },
  {
    name: "an identity in a log without promises",
    ...identities,
    by: keyless(),
    options: { log: rekorV2, timestampAuthority },
    inVain: [unseen, { log: counterfeit.rekorV2 }, timedElsewhere, late],
  },
];

const shapes: readonly SignOptions[] = [
  {},
  { format: "bundle-v0.3" },
  { format: "bundle-v0.3", content: "message" },
  { format: "bundle-v0.1", logEvidence: "both" },
];

test.each(worlds)("nothing put together out of evidence by $name counts for another image", (world) => {
  let genuine = 0;
  for (const [index, shape] of shapes.entries()) {
    const sources = sourcesOf(world, shape);
    for (let seed = 1; seed <= times; seed++) {
      const draw = drawing(index * times + seed);
      const made = Array.from({ length: 1 + draw(3) }, () => composed(rotated(sources, draw), draw));
      for (const judge of [judgeSignature, judgeAttestation]) {
        const { outcome } = judge(evil.carrying(...made), world.by, { now: late.at });
        expect(outcome, `${JSON.stringify(shape)}, seed ${seed}`).not.toBe("allowed");
      }
      const { statements } = judgeAttestation(victim.carrying(...made), world.by);
      for (const { predicate } of statements) expect(predicate).toEqual(honestly.predicate);
      if (judgeSignature(victim.carrying(...made), world.by).outcome === "allowed") genuine++;
    }
  }
  // Some is honest evidence still, so that what is refused is refused for what is wrong with it.
  expect(genuine).toBeGreaterThan(0);
});

function sourcesOf(world: World, shape: SignOptions): readonly SignedArtifact[] {
  const { honest, hostile, inVain } = world;
  const how = { ...world.options, ...shape };
  const signed = (of: TestImage, by: Signer, built: Predicate, more: SignOptions = {}): TestImage =>
    of
      .using({ ...how, ...more })
      .signedBy(by)
      .attested(built);
  return [
    signed(victim, honest, honestly),
    signed(sibling, honest, otherwise),
    ...hostile.flatMap((by) => [signed(evil, by, otherwise), signed(victim, by, otherwise)]),
    ...inVain.map((more) => signed(evil, honest, otherwise, more)),
  ].flatMap(({ artifacts }) => artifacts);
}

function rotated(
  sources: readonly SignedArtifact[],
  draw: Draw,
): readonly [SignedArtifact, ...SignedArtifact[]] {
  const at = draw(sources.length);
  const [first, ...others] = [...sources.slice(at), ...sources.slice(0, at)];
  if (first === undefined) throw new Error("there is no evidence");
  return [first, ...others];
}
