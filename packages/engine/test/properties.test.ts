import type { Json, JsonObject } from "@assay/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer } from "../src/gather/lookup.ts";
import type { Verdict } from "../src/verdict/verdict.ts";
import { engineFor, entry, image, keys, pinned, pod, policy } from "./build.ts";
import { fixtureSources } from "./fixture-source.ts";

const names = [
  "key-ecdsa",
  "key-two",
  "key-other",
  "unsigned",
  "copied",
  "key-att3",
  "bundle-ecdsa",
  "nonexistent",
];
const slsa = "https://slsa.dev/provenance/v0.2";
const vuln = "https://cosign.sigstore.dev/attestation/vuln/v1";
const spdx = "https://spdx.dev/Document";

/** What a verdict says, whatever the order in which it was asked. */
function essence(verdict: Verdict, resource: JsonObject): unknown {
  const containers = (resource["spec"] as { containers: readonly { image: string }[] }).containers;
  const text = (value: unknown): string => JSON.stringify(value);
  return {
    allowed: verdict.allowed,
    outcome: verdict.outcome,
    // Of several reasons the first is told: which one that is may differ, not what they come to.
    results: verdict.results
      .map(({ policy: name, rule, image: of, outcome, digest }) => text([name, rule, of, outcome, digest]))
      .sort(),
    patches: verdict.patches
      .map(({ path, value }) => text([containers[Number(path.split("/")[3])]?.image, value]))
      .sort(),
    warnings: verdict.warnings.map((warning) => warning.split(":")[0]).sort(),
  };
}

/** The same JSON with the members of every object in another order. */
function reordered(value: Json, seed: number): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => reordered(item, seed));
  if (typeof value !== "object" || value === null) return value;
  const rank = (name: string): number => ((name.length * 31 + name.charCodeAt(0)) * (seed + 7)) % 101;
  const entries = Object.entries(value as JsonObject).sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(entries.map(([name, item]) => [name, reordered(item, seed)]));
}

const attestor = fc.constantFrom("cosign", "other", "rsa").map((name) => keys(name));
const attestation = fc.constantFrom<JsonObject>(
  { type: slsa },
  { type: vuln, conditions: [{ all: [{ key: "{{ scanner.uri }}", operator: "Equals", value: "pkg:*" }] }] },
  { type: slsa, conditions: [{ all: [{ key: "{{ builder.id }}", operator: "Equals", value: "nobody" }] }] },
);
const anEntry = fc
  .record({
    entries: fc.array(attestor, { minLength: 1, maxLength: 3 }),
    count: fc.constantFrom(1, undefined),
    attestations: fc.array(attestation, { maxLength: 2 }),
    mutateDigest: fc.boolean(),
  })
  .map(({ entries, count, attestations, mutateDigest }) =>
    entry({
      attestors: [{ entries, ...(count === undefined ? {} : { count }) }],
      attestations,
      mutateDigest,
    }),
  );
const aPolicy = fc
  .record({
    entry: anEntry,
    action: fc.constantFrom("Enforce", "Audit"),
    failurePolicy: fc.constantFrom("Fail", "Ignore"),
  })
  .map(({ entry: one, action, failurePolicy }) => ({
    entries: [one],
    spec: { validationFailureAction: action, failurePolicy },
  }));

const shuffled = <T>(items: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...items], { minLength: items.length });

describe("order never changes a verdict", () => {
  test("of policies, containers, attestors, attestations and JSON members", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aPolicy, { minLength: 1, maxLength: 3 }).chain((parts) => {
          const documents = parts.map((part, index) => policy({ ...part, name: `p${index}` }));
          return fc.tuple(fc.constant(documents), shuffled(documents));
        }),
        fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }).chain((list) => {
          const images = list.map((name) => image(name));
          return fc.tuple(fc.constant(images), shuffled(images));
        }),
        fc.nat(50),
        async ([documents, otherDocuments], [images, otherImages], seed) => {
          const swapped = otherDocuments.map((document) =>
            swapAttestors(reordered(document, seed) as JsonObject),
          );
          const one = pod(images);
          const other = reordered(pod(otherImages), seed) as JsonObject;
          const [before, after] = await Promise.all([
            engineFor(documents).evaluate({ resource: one }),
            engineFor(swapped).evaluate({ resource: other }),
          ]);
          expect(essence(after.verdict, other)).toEqual(essence(before.verdict, one));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("of what a registry lists", async () => {
    const lists = ["signatureTag", "attestationTag", "referrers", "referrersTag"];
    await fc.assert(
      fc.asyncProperty(
        anEntry,
        fc.constantFrom("key-two", "key-attall", "bundle-att3", "both"),
        fc.nat(5),
        async (one, name, turn) => {
          const rotate = (answer: Answer): Answer => {
            if (!answer.ok || !("candidates" in answer.value)) return answer;
            const { candidates } = answer.value;
            const by = candidates.length === 0 ? 0 : turn % candidates.length;
            return {
              ...answer,
              value: { ...answer.value, candidates: [...candidates.slice(by), ...candidates.slice(0, by)] },
            };
          };
          const sources = fixtureSources({
            edit: (lookup, answer) => (lists.includes(lookup.kind) ? rotate(answer) : answer),
          });
          const resource = pod(image(name));
          const document = policy({ entries: [one] });
          const before = await engineFor(document).evaluate({ resource });
          const after = await engineFor(document, { sources }).evaluate({ resource });
          expect(essence(after.verdict, resource)).toEqual(essence(before.verdict, resource));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("adding an attestation never turns denied into allowed", () => {
  // key-attall carries every type, several of one type among them; a subset of it is an image with fewer of them.
  const resource = pod(pinned("key-attall"));
  const types = [slsa, vuln, spdx, "https://slsa.dev/provenance/v1", "https://acme.example/approval/v1"];
  const conditions: readonly Json[] = [
    null,
    [
      {
        all: [
          {
            key: "{{ time_since('', '{{ metadata.scanFinishedOn }}', '') }}",
            operator: "LessThan",
            value: "24h",
          },
        ],
      },
    ],
    [{ all: [{ key: "{{ builder.id }}", operator: "Equals", value: "https://*" }] }],
  ];

  test("unless a rule asks for one of its type, of which there was none", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...types), fc.constantFrom(...conditions)), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
        fc.nat(15),
        async (rules, kept, added) => {
          const attestations = rules.map(([type, given]) => ({
            type,
            ...(given === null ? {} : { conditions: given }),
          }));
          const fewer = await judge(attestations, (index) => kept[index] === true && index !== added);
          if (fewer.allowed) return;
          const missing = fewer.results.some(
            ({ code }) => code === "predicateTypeMissing" || code === "notSigned",
          );
          if (missing) return;
          const more = await judge(attestations, (index) => kept[index] === true || index === added);
          expect(more.allowed).toBe(false);
        },
      ),
      { numRuns: 80 },
    );
  });

  async function judge(
    attestations: readonly JsonObject[],
    keep: (index: number) => boolean,
  ): Promise<Verdict> {
    const sources = fixtureSources({
      edit: (lookup, answer) =>
        lookup.kind === "attestationTag" && answer.ok && "candidates" in answer.value
          ? { ...answer, value: { candidates: answer.value.candidates.filter((_, index) => keep(index)) } }
          : answer,
    });
    return (await engineFor(policy({ entry: { attestations } }), { sources }).evaluate({ resource })).verdict;
  }
});

/** Attestors and attestations of every entry in the opposite order. */
function swapAttestors(document: JsonObject): JsonObject {
  const swap = (value: Json, name?: string): Json => {
    if (Array.isArray(value)) {
      const items = (value as readonly Json[]).map((item) => swap(item));
      return name === "entries" || name === "attestations" ? items.reverse() : items;
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value as JsonObject).map(([key, item]) => [key, swap(item, key)]),
    );
  };
  return swap(document) as JsonObject;
}
