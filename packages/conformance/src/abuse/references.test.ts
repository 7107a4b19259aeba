import { createKey, custom, image, type Registry } from "@assay/testkit";
import { attach } from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { HOST, judgePod, keyYaml, world } from "./engine-world.ts";
import { type Judged, policyKey } from "./world.ts";

const good = image({ content: "good" }).signedBy(policyKey);
const evil = image({ content: "evil" });

describe("references", () => {
  const unsigned =
    (text: string): (() => Promise<Judged>) =>
    async () => {
      const registry = world();
      good.pushTo(registry);
      return await judgePod(registry, text);
    };
  abuseCases([
    ...[
      "reg@evil/acme/app:v1",
      `${HOST}/Acme/App:v1`,
      `${HOST}/acme/\u0430pp:v1`,
      `${HOST}/acme/app@sha256:abc`,
      `${HOST}/acme/app:v1@md5:${"0".repeat(32)}`,
      `${HOST}/../acme/app:v1`,
      `${HOST}/acme/app:v1\n`,
    ].map(
      (text): AbuseCase => ({
        name: `20 the reference \`${JSON.stringify(text).slice(1, -1)}\``,
        judge: unsigned(text),
      }),
    ),
    {
      name: "20 a signed tag with another image's digest",
      judge: async () => {
        const registry = world();
        const signed = good.pushTo(registry);
        const other = image({ content: "evil", tag: "other" }).pushTo(registry);
        return await judgePod(registry, `${signed.reference}@${other.digest}`);
      },
      code: "notSigned",
    },
    {
      name: "20 another image's tag with the signed digest",
      judge: async () => {
        const registry = world();
        const signed = good.pushTo(registry);
        image({ content: "evil", tag: "other" }).pushTo(registry);
        return await judgePod(registry, `${HOST}/acme/app:other@${signed.digest}`);
      },
      want: "allowed",
    },
    {
      name: "21 signatures in another repository, genuine",
      judge: () => elsewhere((registry) => attachTo(registry, good.digest, good.artifacts)),
      want: "allowed",
    },
    {
      name: "21 signatures in another repository, about another image",
      judge: () =>
        elsewhere((registry) => attachTo(registry, good.digest, evil.signedBy(policyKey).artifacts)),
      code: "claimMismatch",
    },
    {
      name: "21 signatures in another repository, by a stranger",
      judge: () =>
        elsewhere((registry) =>
          attachTo(registry, good.digest, image({ content: "good" }).signedBy(createKey()).artifacts),
        ),
    },
    {
      name: "21 attestations of the image's own repository where the policy names another",
      judge: async () => {
        const registry = world();
        const pushed = image({ content: "good" }).signedBy(policyKey).attested(custom("x")).pushTo(registry);
        return await judgePod(registry, pushed.byDigest, {
          attestors: keyYaml(policyKey.pem, `, repository: ${HOST}/acme/signatures`),
        });
      },
    },
  ]);

  async function elsewhere(fill: (registry: Registry) => void): Promise<Judged> {
    const registry = world();
    const pushed = image({ content: "good" }).pushTo(registry);
    fill(registry);
    return await judgePod(registry, pushed.byDigest, {
      attestors: keyYaml(policyKey.pem, `, repository: ${HOST}/acme/signatures`),
    });
  }

  function attachTo(registry: Registry, digest: string, artifacts: typeof good.artifacts): void {
    const subject = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
    attach({ registry, repository: "acme/signatures", subject }, artifacts);
  }
});
