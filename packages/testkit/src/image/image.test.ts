import { verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createRegistry } from "../registry/registry.ts";
import { preAuthEncoding } from "../signing/encoding.ts";
import { createKey, type KeyKind } from "../signing/signing-key.ts";
import { image } from "./image.ts";
import { custom, slsa, spdx, vuln } from "./predicates.ts";

interface Manifest {
  artifactType?: string;
  config: { mediaType: string };
  subject?: { digest: string };
  layers: { digest: string; mediaType: string; annotations: Record<string, string> }[];
  manifests: { digest: string; artifactType: string }[];
}
const read = (bytes: Uint8Array | undefined): Manifest => JSON.parse(Buffer.from(bytes ?? []).toString());
const tagOf = (digest: string): string => digest.replace(":", "-");

test.each<KeyKind>(["p256", "p384", "p521", "rsa2048", "ed25519"])(
  "a %s signature over the claim verifies",
  (kind) => {
    const registry = createRegistry();
    const key = createKey(kind);
    const { digest, reference, byDigest, pinned } = image()
      .signedBy(key, { annotations: { env: "prod" } })
      .pushTo(registry);
    expect([reference, byDigest, pinned]).toEqual([
      "registry.test/acme/app:v1",
      `registry.test/acme/app@${digest}`,
      `registry.test/acme/app:v1@${digest}`,
    ]);
    const [layer] = read(registry.manifest("acme/app", `${tagOf(digest)}.sig`)).layers;
    const payload = registry.blob("acme/app", layer?.digest ?? "") ?? new Uint8Array();
    const signature = Buffer.from(layer?.annotations["dev.cosignproject.cosign/signature"] ?? "", "base64");
    expect(verify(kind === "ed25519" ? null : "sha256", payload, key.publicKey, signature)).toBe(true);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      critical: {
        identity: { "docker-reference": "acme/app" },
        image: { "docker-manifest-digest": digest },
        type: "cosign container image signature",
      },
      optional: { env: "prod" },
    });
  },
);

test("legacy attestations are layers of one .att image, each a signed in-toto statement about the digest", () => {
  const registry = createRegistry();
  const key = createKey();
  const { digest } = image()
    .signedBy(key)
    .attested(slsa(), vuln(), spdx(), custom({ buildType: "x" }))
    .pushTo(registry);
  const { layers } = read(registry.manifest("acme/app", `${tagOf(digest)}.att`));
  const types = layers.map(({ digest: layer, annotations }) => {
    expect(annotations["dev.cosignproject.cosign/signature"]).toBe("");
    const envelope = JSON.parse(Buffer.from(registry.blob("acme/app", layer) ?? []).toString());
    const payload = Buffer.from(envelope.payload, "base64");
    const signature = Buffer.from(envelope.signatures[0].sig, "base64");
    expect(verify("sha256", preAuthEncoding(envelope.payloadType, payload), key.publicKey, signature)).toBe(
      true,
    );
    const statement = JSON.parse(payload.toString());
    expect(statement.subject).toEqual([{ name: "acme/app", digest: { sha256: digest.slice(7) } }]);
    return statement.predicateType;
  });
  expect(types).toEqual([
    "https://slsa.dev/provenance/v1",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
    "https://spdx.dev/Document",
    "https://cosign.sigstore.dev/attestation/v1",
  ]);
});

describe("what hangs on an image as referrers", () => {
  test.each([
    ["oci11", "application/vnd.dev.cosign.artifact.sig.v1+json"],
    ["bundle-v0.3", "application/vnd.dev.sigstore.bundle.v0.3+json"],
  ] as const)(
    "%s is found by the referrers API, or by the fallback tag where there is none",
    async (format, type) => {
      for (const referrersApi of [true, false]) {
        const registry = createRegistry({ referrersApi });
        const { digest } = image().using({ format }).signedBy(createKey()).pushTo(registry);
        const answer = await registry.fetch(`https://registry.test/v2/acme/app/referrers/${digest}`);
        const index: Manifest = referrersApi
          ? ((await answer.json()) as Manifest)
          : read(registry.manifest("acme/app", tagOf(digest)));
        expect(index.manifests).toMatchObject([{ artifactType: type }]);
        const manifest = read(registry.manifest("acme/app", index.manifests[0]?.digest ?? ""));
        expect(manifest.subject?.digest).toBe(digest);
        expect(manifest.artifactType).toBe(type);
      }
    },
  );

  test("a bundle holds the statement that cosign signs, or a signature over the manifest", () => {
    const key = createKey();
    const base = image().using({ format: "bundle-v0.3" });
    const [dsse, message] = base
      .signedBy(key)
      .using({ content: "message" })
      .signedBy(key)
      .artifacts.map((artifact) =>
        artifact.kind === "bundle" ? JSON.parse(Buffer.from(artifact.bytes).toString()) : undefined,
      );
    const statement = JSON.parse(Buffer.from(dsse.dsseEnvelope.payload, "base64").toString());
    expect(statement).toMatchObject({
      predicateType: "https://sigstore.dev/cosign/sign/v1",
      subject: [{ digest: { sha256: base.digest.slice(7) } }],
    });
    const { messageDigest, signature } = message.messageSignature;
    expect(`sha256:${Buffer.from(messageDigest.digest, "base64").toString("hex")}`).toBe(base.digest);
    expect(verify("sha256", base.manifest, key.publicKey, Buffer.from(signature, "base64"))).toBe(true);
  });
});

test("edits reach every stage, and nothing is signed by nobody", () => {
  const key = createKey();
  const [artifact] = image().signedBy(key, {
    edit: {
      payload: () => ({ other: true }),
      signature: () => new Uint8Array([1]),
      layer: (bytes) => Buffer.concat([bytes, Buffer.from("x")]),
      layerAnnotations: (annotations) => ({ ...annotations, more: "yes" }),
    },
  }).artifacts;
  expect(artifact).toMatchObject({
    annotations: { "dev.cosignproject.cosign/signature": "AQ==", more: "yes" },
  });
  expect(artifact?.kind === "legacy" && Buffer.from(artifact.payload).toString()).toBe('{"other":true}x');
  expect(() => image().attested(slsa())).toThrow(expect.objectContaining({ code: "badOption" }));
});

test("images are equal where their content is, and carry what was made for others", () => {
  expect(image().digest).toBe(image().digest);
  expect(image({ content: "a" }).digest).not.toBe(image({ content: "b" }).digest);
  const other = image({ content: "a" }).signedBy(createKey());
  expect(image({ content: "b" }).carrying(...other.artifacts).artifacts).toEqual(other.artifacts);
});
