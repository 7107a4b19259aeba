import { createHash, X509Certificate } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { describe, expect, test } from "vitest";
import { image } from "../image/image.ts";
import { slsa } from "../image/predicates.ts";
import type { SignOptions } from "../image/sign-options.ts";
import { createKey } from "../signing/signing-key.ts";
import { createRekor, createRekorV2 } from "./rekor.ts";
import type { Signer } from "./signer.ts";
import { createSigstore, GITHUB_ISSUER, GITHUB_SUBJECT } from "./sigstore.ts";
import { createTimestampAuthority } from "./timestamp-authority.ts";

const sigstore = createSigstore();
const { rekor, rekorV2, timestampAuthority } = sigstore;

/** What sigstore-js, which knows nothing of this package, says about a bundle made here. */
function judge(signer: Signer, options: SignOptions, trust = sigstore.trustedRoot()): string {
  const base = image();
  const { artifacts } = base.using(options).signedBy(signer).attested(slsa());
  const root = TrustedRoot.fromJSON(JSON.parse(trust));
  const keys = {
    [Buffer.from(hint(signer)).toString("base64")]: { rawBytes: Buffer.from(signer.spki), keyDetails: 0 },
  };
  const verifier = new Verifier(toTrustMaterial(root, keys), {
    tlogThreshold: options.log === false ? 0 : 1,
    ctlogThreshold: signer.certificate === undefined ? 0 : 1,
    timestampThreshold: 0,
  });
  try {
    for (const artifact of artifacts) {
      if (artifact.kind !== "bundle") throw new Error("not a bundle");
      const bundle = bundleFromJSON(JSON.parse(Buffer.from(artifact.bytes).toString()));
      verifier.verify(toSignedEntity(bundle, Buffer.from(base.manifest)));
    }
    return "verified";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function hint(signer: Signer): Uint8Array {
  return Buffer.from(
    JSON.parse(Buffer.from(bundleBytes(signer)).toString()).verificationMaterial.publicKey?.hint ?? "",
    "base64",
  );
}

function bundleBytes(signer: Signer): Uint8Array {
  const [artifact] = image().using({ format: "bundle-v0.3", log: false }).signedBy(signer).artifacts;
  return artifact?.kind === "bundle" ? artifact.bytes : new Uint8Array();
}

describe("sigstore-js verifies what is made here", () => {
  const v3 = { format: "bundle-v0.3" } as const;
  test.each<[string, Signer, SignOptions]>([
    ["keyless, v0.3, Rekor v1", sigstore.identity(), v3],
    ["keyless, v0.3, message signature", sigstore.identity(), { ...v3, content: "message" }],
    ["keyless, v0.1, promise only", sigstore.identity(), { format: "bundle-v0.1", logEvidence: "promise" }],
    ["keyless, v0.2, promise and proof", sigstore.identity(), { format: "bundle-v0.2" }],
    ["keyless, intoto/0.0.2", sigstore.identity(), { ...v3, entryKind: "intoto002" }],
    ["keyless, hashedrekord for DSSE", sigstore.identity(), { ...v3, entryKind: "hashedrekord" }],
    ["keyless, Rekor v1 and a timestamp", sigstore.identity(), { ...v3, timestampAuthority }],
    ["keyless, Rekor v2 and a timestamp", sigstore.identity(), { ...v3, log: rekorV2, timestampAuthority }],
    [
      "keyless, Rekor v2 hashedrekord",
      sigstore.identity(),
      { ...v3, log: rekorV2, timestampAuthority, entryKind: "hashedrekord" },
    ],
    ["keyless, timestamp only", sigstore.identity(), { ...v3, log: false, timestampAuthority }],
    ["by email", sigstore.identity({ subject: "alice@acme.example", issuer: "https://idp.example" }), v3],
    ["by key, Rekor v1", createKey(), { ...v3, log: rekor }],
    ["by key, Rekor v2", createKey(), { ...v3, log: rekorV2 }],
    ["by RSA key, Rekor v1", createKey("rsa2048"), { ...v3, log: rekor }],
  ])("%s", (_, signer, options) => {
    expect(judge(signer, options)).toBe("verified");
  });
});

describe("sigstore-js refuses what is broken on purpose", () => {
  const options = { format: "bundle-v0.3" } as const;
  test.each<[string, () => string, RegExp]>([
    [
      "a signature that is not its own",
      () =>
        judge(sigstore.identity(), {
          ...options,
          edit: { signature: (s) => s.map((b, i) => (i === 20 ? b ^ 1 : b)) },
        }),
      /signature/,
    ],
    [
      "another log's entry",
      () => judge(sigstore.identity(), { ...options, log: createRekor({ clock: sigstore.clock }) }),
      /inclusion/,
    ],
    [
      "another Sigstore's certificate",
      () => judge(createSigstore().identity(), { ...options, log: rekor }),
      /chain|certificate/i,
    ],
    [
      "a certificate that no CT log saw",
      () => judge(sigstore.identity({ ctLogs: [] }), options),
      /SCT|ctlog/i,
    ],
    [
      "another authority's timestamp",
      () =>
        judge(sigstore.identity(), {
          ...options,
          log: rekorV2,
          timestampAuthority: createTimestampAuthority({ clock: sigstore.clock }),
        }),
      /timestamp/,
    ],
    [
      "an entry logged after the certificate expired",
      () => judge(sigstore.identity(), { ...options, at: new Date("2026-01-15T12:11:00Z") }),
      /certificate/,
    ],
    [
      "a trusted root without logs",
      () =>
        judge(
          sigstore.identity(),
          options,
          sigstore.trustedRoot((root) => ({ ...root, tlogs: [] })),
        ),
      /inclusion|tlog/,
    ],
  ])("%s", (_, verdict, reason) => {
    expect(verdict()).toMatch(reason);
  });
});

test("a keyless certificate reads as Fulcio's do", () => {
  const signer = sigstore.identity({ extensions: { githubWorkflowRepository: "acme/app" } });
  const leaf = new X509Certificate(signer.certificate ?? "");
  const [intermediate, root] = sigstore.fulcio.chain.map((each) => new X509Certificate(each));
  expect(leaf.subjectAltName).toBe(`URI:${GITHUB_SUBJECT}`);
  expect(leaf.subject).toBeUndefined();
  expect(leaf.raw.includes(Buffer.from(GITHUB_ISSUER))).toBe(true);
  expect(leaf.raw.includes(Buffer.from("acme/app"))).toBe(true);
  expect([leaf.validFromDate, leaf.validToDate]).toEqual([
    sigstore.clock(),
    new Date("2026-01-15T12:10:00Z"),
  ]);
  expect(
    intermediate !== undefined && leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey),
  ).toBe(true);
  expect(root !== undefined && intermediate?.checkIssued(root) && intermediate.verify(root.publicKey)).toBe(
    true,
  );
  expect([leaf.ca, intermediate?.ca, root?.ca]).toEqual([false, true, true]);
});

// rekor-tiles, pkg/note: of an ECDSA key the hash of the key, of others that of name, algorithm and key.
test.each([
  ["p256", ""],
  ["rsa2048", "log.example\n\xffPKIX-RSA-PKCS#1v1.5"],
] as const)("a Rekor v2 with a %s key goes by the id that Rekor gives it", (kind, prefix) => {
  const key = createKey(kind);
  const log = createRekorV2({ clock: sigstore.clock, host: "log.example", key });
  const id = createHash("sha256").update(prefix, "latin1").update(key.spki).digest();
  expect(Buffer.from(log.id).equals(id)).toBe(true);
  const [signature = ""] = log.signCheckpoint("log.example\n1\nAA==\n").trim().split(" ").slice(-1);
  expect(Buffer.from(signature, "base64").subarray(0, 4)).toEqual(id.subarray(0, 4));
});
