import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Json, JsonObject } from "@assay/policy";
import type { Candidate } from "@assay/verify";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer, EvidenceSource, Sources } from "../src/gather/lookup.ts";
import { engineFor, keys, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

// The image has one signature and three attestations, by one key: whoever asks for them, and however often, each is read
// once and verified once.

const types = [
  "https://slsa.dev/provenance/v0.2",
  "https://spdx.dev/Document",
  "https://cosign.sigstore.dev/attestation/vuln/v1",
];

const { verify } = crypto;
let verified = 0;
let reads = 0;

beforeAll(() => {
  crypto.verify = ((...args: Parameters<typeof verify>) => {
    verified++;
    return verify(...args);
  }) as typeof verify;
  syncBuiltinESMExports();
});
beforeEach(() => {
  verified = 0;
  reads = 0;
});
afterAll(() => {
  crypto.verify = verify;
  syncBuiltinESMExports();
});

/** Attestations whose envelopes are counted as they are read, each answer with candidates of its own. */
function watchedSources(): Sources {
  const sources = fixtureSources();
  const evidence: EvidenceSource = {
    async fetch(lookup, options) {
      const answer: Answer = await sources.evidence.fetch(lookup, options);
      if (!answer.ok || !("candidates" in answer.value)) return answer as never;
      return {
        ...answer,
        value: { ...answer.value, candidates: answer.value.candidates.map(watched) },
      } as never;
    },
  };
  return { ...sources, evidence };
}

function watched(candidate: Candidate): Candidate {
  if (candidate.kind !== "legacy") return candidate;
  const { annotations, ...rest } = candidate;
  return {
    ...rest,
    get annotations() {
      reads++;
      return annotations;
    },
  };
}

function asking(attestors: Json, attestations: readonly JsonObject[], name = "test"): JsonObject {
  const context = [{ name: "keys", variable: { value: { pem: fixture("keys/cosign.pub") } } }];
  return policy({ name, rule: { context }, entry: { attestors, attestations } });
}

async function judged(documents: readonly JsonObject[]) {
  const { verdict } = await engineFor(documents, { sources: watchedSources() }).evaluate({
    resource: pod(pinned("key-att3", "referrers")),
  });
  expect(verdict.results.map(({ message, outcome }) => [outcome, message])).toEqual(
    verdict.results.map(({ message }) => ["pass", message]),
  );
  return { verified, reads };
}

describe("a signature is verified once for equal attestors, and read once for all", () => {
  const own = [{ entries: [keys()] }];
  const variable = [
    { entries: [{ keys: { ...(keys()["keys"] as JsonObject), publicKeys: "{{ keys.pem }}" } }] },
  ];
  const all = (attestors: Json) => types.map((type) => ({ type, attestors }));

  test.each<readonly [string, readonly JsonObject[]]>([
    ["three attestations", [asking(own, all(own))]],
    [
      "with the entry's attestors",
      [
        asking(
          own,
          types.map((type) => ({ type })),
        ),
      ],
    ],
    ["with a key that a variable holds", [asking(variable, all(variable))]],
    ["two attestations of each type", [asking(own, [...all(own), ...all(own)])]],
    ["three policies", ["a", "b", "c"].map((name) => asking(own, all(own), name))],
  ])("%s", async (_, documents) => {
    const once = await judged([asking(own, [{ type: types[0] ?? "" }])]);
    verified = 0;
    reads = 0;
    expect(once.verified).toBe(2);
    expect(await judged(documents)).toEqual({ verified: 4, reads: once.reads });
  });
});
