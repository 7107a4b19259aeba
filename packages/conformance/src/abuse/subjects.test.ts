import { type Edits, image, spdx, vuln } from "@assay/testkit";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { formats, hex, inEach, stating, subjects, textually, victim, wanted } from "./statement-world.ts";
import { byKey, judgeAttestation, policyKey, strangerKey, WANTED_TYPE } from "./world.ts";

describe("subjects", () => {
  const right = { name: "acme/app", digest: { sha256: hex } };
  const other = { name: "acme/app", digest: { sha256: "0".repeat(64) } };
  const many = (count: number): unknown[] => Array.from({ length: count - 1 }, () => other);
  const digests = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`alg${i}`, "00"]));
  abuseCases([
    ...inEach("35 an honest attestation", {}, { want: "allowed" }),
    ...inEach("35 an attestation of another subject", subjects(other), { code: "claimMismatch" }),
    ...inEach("35 an attestation without subjects", subjects()),
    ...inEach("35 an attestation of two subjects, the second right", subjects(other, right), {
      want: "allowed",
    }),
    {
      name: "35 an attestation copied from another image",
      judge: () => {
        const { artifacts } = image({ content: "other" }).attestedBy(policyKey, wanted);
        return judgeAttestation(victim.carrying(...artifacts), byKey());
      },
      code: "claimMismatch",
    },
    ...Object.entries({
      "a prefix": hex.slice(0, 32),
      "one digit short": hex.slice(0, 63),
      "one digit more": `${hex}0`,
      "upper case": hex.toUpperCase(),
      "a space before it": ` ${hex}`,
      "a line break behind it": `${hex}\n`,
      "`sha256:` before it": victim.digest,
      nothing: "",
    }).flatMap(([what, sha256]) =>
      inEach(`36 a subject digest that is ${what}`, subjects({ name: "x", digest: { sha256 } })),
    ),
    ...inEach("37 the digest under `sha512` only", subjects({ name: "x", digest: { sha512: hex } })),
    ...inEach("37 the digest under `SHA256`", subjects({ name: "x", digest: { SHA256: hex } })),
    ...inEach("37 a digest that is a list", subjects({ name: "x", digest: { sha256: [hex] } })),
    ...inEach("37 a digest map that is a list", subjects({ name: "x", digest: [["sha256", hex]] })),
    ...inEach("37 a digest map that is the digest", subjects({ name: "x", digest: hex })),
    ...inEach(
      "37 a digest that only a prototype has",
      textually((text) => text.replace(`{"sha256":"${hex}"}`, `{"__proto__":{"sha256":"${hex}"}}`)),
    ),
    ...inEach("38 a null among the subjects", subjects(null, right)),
    ...inEach("38 subjects that are not a list", stating({ subject: right })),
    ...inEach("38 1,025 subjects", subjects(...many(1025), right)),
    ...inEach("38 1,024 subjects", subjects(...many(1024), right), { want: "allowed" }),
    ...inEach(
      "38 33 digests in one subject",
      subjects({ name: "x", digest: { ...digests(33), sha256: hex } }),
    ),
    ...inEach(
      "38 32 digests in one subject",
      subjects({ name: "x", digest: { ...digests(32), sha256: hex } }),
      { want: "allowed" },
    ),
  ]);
});

describe("predicate types", () => {
  const type = (predicateType: unknown): Edits => stating({ predicateType });
  const twice = (first: string, second: string): Edits =>
    textually((text) =>
      text.replace(
        `"predicateType":"${WANTED_TYPE}"`,
        `"predicateType":"${first}","predicateType":"${second}"`,
      ),
    );
  abuseCases([
    ...inEach("39 another predicate type", type("https://slsa.dev/provenance/v1"), {
      code: "predicateTypeMissing",
    }),
    ...inEach("39 no predicate type", type(undefined)),
    ...inEach("39 a predicate type that is a list", type([WANTED_TYPE])),
    ...inEach("39 a predicate type with a slash more", type(`${WANTED_TYPE}/`)),
    ...inEach("39 a predicate type in another case", type(WANTED_TYPE.toUpperCase())),
    ...inEach("39 a predicate type with a space more", type(`${WANTED_TYPE} `)),
    ...inEach("39 two predicate types, the wanted one first", twice(WANTED_TYPE, "https://other.example")),
    ...inEach("39 two predicate types, the wanted one last", twice("https://other.example", WANTED_TYPE)),
    ...inEach(
      "39 the predicate type under `PredicateType`",
      textually((text) => text.replace('"predicateType"', '"PredicateType"')),
    ),
    ...formats.map(
      (format): AbuseCase => ({
        name: `40 no attestation of the wanted type among valid ones (${format})`,
        judge: () =>
          judgeAttestation(victim.using({ format }).attestedBy(policyKey, vuln(), spdx()), byKey()),
        code: "predicateTypeMissing",
      }),
    ),
    { name: "40 no attestation at all", judge: () => judgeAttestation(victim, byKey()) },
    {
      name: "40 only a signature",
      judge: () => judgeAttestation(victim.using({ format: "bundle-v0.3" }).signedBy(policyKey), byKey()),
      code: "predicateTypeMissing",
    },
    {
      name: "40 an attestation of the wanted type by a stranger's key",
      judge: () => judgeAttestation(victim.attestedBy(strangerKey, wanted), byKey()),
    },
  ]);
});
