import { createKey, type Format, image, predicate, type SignOptions } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { judgePod, keyYaml, world } from "./abuse/engine-world.ts";
import { policyKey, sigstore } from "./abuse/world.ts";

const FORMATS: readonly Format[] = ["legacy", "oci11", "bundle-v0.1", "bundle-v0.2", "bundle-v0.3"];
const BUILD = "https://example.org/build/v1";
const CONDITIONS = [
  "attestations:",
  `  - type: ${BUILD}`,
  "    conditions:",
  '      - all: [{ key: "{{ reviewed }}", operator: Equals, value: true }]',
];
const KEYLESS = `{ keyless: { subject: "https://github.com/acme/*", issuer: "https://token.actions.githubusercontent.com", rekor: { url: "${sigstore.rekor.baseUrl}" } } }`;

/** What a log in the policy makes of a format: v0.1 needs promises, later bundles proofs. */
const logged = (format: Format): SignOptions => ({
  format,
  logEvidence: format.startsWith("bundle") && format !== "bundle-v0.1" ? "both" : "promise",
});

describe("every format is found in a registry, with and without the referrers API", () => {
  for (const referrersApi of [true, false])
    for (const format of FORMATS) {
      const where = `${format}, ${referrersApi ? "referrers API" : "tags only"}`;

      test(`${where}: signature and attestation by a key`, async () => {
        const registry = world({ referrersApi });
        const signed = (reviewed: boolean, key = policyKey): string =>
          image({ repository: `acme/${reviewed}-${key === policyKey}` })
            .using({ format })
            .signedBy(key)
            .attested(predicate(BUILD, { reviewed }))
            .pushTo(registry).byDigest;
        const options = { entry: CONDITIONS };
        expect((await judgePod(registry, signed(true), options)).outcome).toBe("allowed");
        expect((await judgePod(registry, signed(false), options)).codes).toContain("conditionFalse");
        expect((await judgePod(registry, signed(true, createKey()), options)).outcome).toBe("denied");
      });

      test(`${where}: signature and attestation by a workflow`, async () => {
        const registry = world({ referrersApi });
        const options = { attestors: KEYLESS, entry: CONDITIONS };
        const signed = (subject: string): string =>
          image({ repository: "acme/app" })
            .using(logged(format))
            .signedBy(sigstore.identity({ subject }))
            .attested(predicate(BUILD, { reviewed: true }))
            .pushTo(registry).byDigest;
        expect((await judgePod(registry, signed("https://github.com/acme/app"), options)).outcome).toBe(
          "allowed",
        );
        const other = await judgePod(world({ referrersApi }), "registry.example.com/acme/none:v1", options);
        expect(other.codes).toContain("imageNotFound");
      });

      test(`${where}: another workflow's signature`, async () => {
        const registry = world({ referrersApi });
        const { byDigest } = image()
          .using(logged(format))
          .signedBy(sigstore.identity({ subject: "https://github.com/evil/app" }))
          .pushTo(registry);
        const { outcome, codes } = await judgePod(registry, byDigest, { attestors: KEYLESS });
        expect(outcome).toBe("denied");
        expect(codes).toContain("identityMismatch");
      });
    }
});

const BUNDLES = FORMATS.filter((format) => format.startsWith("bundle"));
const KINDS = ["p256", "p384", "p521", "rsa2048", "ed25519"] as const;

describe("a bundle that signs the manifest itself is found in a registry, with and without the referrers API", () => {
  for (const referrersApi of [true, false])
    for (const format of BUNDLES)
      for (const by of ["reference", "byDigest"] as const) {
        const where = `${format}, ${referrersApi ? "referrers API" : "tags only"}, ${by}`;

        test.each(KINDS)(`${where}: by a key, %s`, async (kind) => {
          const registry = world({ referrersApi });
          const key = createKey(kind);
          const signed = image({ repository: "acme/app" })
            .using({ format, content: "message" })
            .signedBy(key)
            .pushTo(registry)[by];
          const attestors = keyYaml(key.pem);
          expect((await judgePod(registry, signed, { attestors })).outcome).toBe("allowed");
          expect((await judgePod(registry, signed)).outcome).toBe("denied");
        });

        test(`${where}: by a workflow`, async () => {
          const registry = world({ referrersApi });
          const signed = (subject: string): string =>
            image({ repository: subject.slice("https://github.com/".length) })
              .using({ ...logged(format), content: "message" })
              .signedBy(sigstore.identity({ subject }))
              .pushTo(registry)[by];
          const options = { attestors: KEYLESS };
          const good = await judgePod(registry, signed("https://github.com/acme/app"), options);
          expect(good.outcome, good.messages.join("\n")).toBe("allowed");
          const other = await judgePod(registry, signed("https://github.com/evil/app"), options);
          expect([other.outcome, other.codes.includes("identityMismatch")]).toEqual(["denied", true]);
        });
      }
});
