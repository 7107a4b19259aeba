import { parseDigest } from "@assay/image";
import { createKey, type Edits, image, type SignOptions } from "@assay/testkit";
import { GITHUB_ISSUER, GITHUB_SUBJECT } from "@assay/testkit/parts";
import { parseTrustRoot } from "@assay/verify";
import { verifyBundle } from "@assay/verify/bundle";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { type Judged, judgeSignature, keyless, now, sigstore } from "./world.ts";

const victim = image({ content: "victim" });
const { timestampAuthority, rekorV2 } = sigstore;

type Value = Record<string, unknown>;
type Path = readonly (string | number)[];

/** The bundle with the value at the end of a path replaced. */
function replacing(path: Path, change: (value: unknown) => unknown): Edits {
  const within = (value: unknown, [key, ...rest]: Path): unknown => {
    if (key === undefined) return change(value);
    if (Array.isArray(value)) return value.map((one, i) => (i === key ? within(one, rest) : one));
    return { ...Object(value), [key]: within(Object(value)[key], rest) };
  };
  return { bundle: (bundle) => within(bundle, path) };
}

/** Signed by the workflow of acme/app, the bundle changed in one place. */
function bundled(path: Path, change: (value: unknown) => unknown, options: SignOptions = {}): Judged {
  const how = {
    format: "bundle-v0.3",
    timestampAuthority,
    ...options,
    edit: replacing(path, change),
  } as const;
  return judgeSignature(victim.signedBy(sigstore.identity(), how), keyless());
}

const text = (change: (value: string) => string) => (value: unknown) => change(String(value));
const material = "verificationMaterial";
const entry = [material, "tlogEntries", 0] as const;
const spelled: readonly (readonly [what: string, path: Path, options?: SignOptions])[] = [
  ["a certificate", [material, "certificate", "rawBytes"]],
  [
    "a certificate of a chain",
    [material, "x509CertificateChain", "certificates", 1, "rawBytes"],
    { format: "bundle-v0.2" },
  ],
  ["a timestamp", [material, "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp"]],
  ["the root of a proof", [...entry, "inclusionProof", "rootHash"]],
  ["a promise", [...entry, "inclusionPromise", "signedEntryTimestamp"]],
];

describe("what a bundle brings along", () => {
  abuseCases([
    ...spelled.flatMap(([what, path, options]): AbuseCase[] => [
      {
        name: `28 ${what} in its base64`,
        judge: () => bundled(path, (value) => value, options),
        want: "allowed",
      },
      {
        name: `28 ${what} with a line break in its base64`,
        judge: () =>
          bundled(
            path,
            text((value) => `${value.slice(0, 8)}\n${value.slice(8)}`),
            options,
          ),
        code: "malformed",
      },
      {
        name: `28 ${what} with a letter in its base64 that is none`,
        judge: () =>
          bundled(
            path,
            text((value) => `${value.slice(0, 8)}!${value.slice(8)}`),
            options,
          ),
        code: "malformed",
      },
    ]),
    ...(["bundle-v0.2", "bundle-v0.3"] as const).map(
      (format): AbuseCase => ({
        name: `58 an empty checkpoint beside an honest promise (${format})`,
        judge: () => bundled([...entry, "inclusionProof", "checkpoint", "envelope"], () => "", { format }),
        code: "logMismatch",
      }),
    ),
    {
      name: "58 a proof without checkpoint beside an honest promise (bundle-v0.1)",
      judge: () =>
        bundled([...entry, "inclusionProof", "checkpoint"], () => undefined, {
          format: "bundle-v0.1",
          logEvidence: "both",
        }),
      want: "allowed",
    },
  ]);
});

describe("a log that is not in service yet", () => {
  const startingAt = (start: string): Judged => {
    const trust = sigstore.trustedRoot((root) => ({
      ...root,
      tlogs: root.tlogs.map((log) => ({
        ...log,
        publicKey: { ...Object(log["publicKey"]), validFor: { start } },
      })),
    }));
    const options = { format: "bundle-v0.3", log: rekorV2, timestampAuthority } as const;
    return judgeSignature(victim.signedBy(sigstore.identity(), options), keyless(), { trust });
  };
  abuseCases([
    {
      name: "86 a Rekor v2 log that is in service from tomorrow on",
      judge: () => startingAt(new Date(now.getTime() + 24 * 60 * 60 * 1000).toISOString()),
      code: "logMismatch",
    },
    {
      name: "86 a Rekor v2 log that is in service from now on",
      judge: () => startingAt(now.toISOString()),
      want: "allowed",
    },
  ]);
});

describe("a file of which only the digest is at hand", () => {
  const trust = parseTrustRoot(sigstore.trustedRoot());
  test.each([
    ["p256", "sha256", "digest", "ok"],
    ["p384", "sha256", "digest", "ok"],
    ["p384", "sha384", "file", "ok"],
    ["p384", "sha384", "digest", "it takes the file itself"],
    ["p521", "sha512", "file", "ok"],
    ["p521", "sha512", "digest", "it takes the file itself"],
    ["rsa2048", "sha256", "digest", "ok"],
  ] as const)("signed by %s with %s, given by %s: %s", (kind, hash, given, said) => {
    const key = createKey(kind);
    const options = { format: "bundle-v0.3", content: "message", log: sigstore.rekor, hash } as const;
    const [bundle] = victim.signedBy(key, options).artifacts;
    if (bundle?.kind !== "bundle") throw new Error("not a bundle");
    const artifact = given === "digest" ? { digest: parseDigest(victim.digest) } : { bytes: victim.manifest };
    const { trace } = verifyBundle(bundle.bytes, { artifact, signer: { key: key.pem }, trust, now });
    expect(trace.outcome === "pass" ? trace.code : trace.message).toContain(said);
  });
});

describe("the digest that a bundle gives its artifact", () => {
  const trust = parseTrustRoot(sigstore.trustedRoot());
  const signer = { subject: GITHUB_SUBJECT, issuer: GITHUB_ISSUER };
  const naming = (messageDigest: Value, byDigest = false): Judged => {
    const edit = replacing(["messageSignature", "messageDigest"], () => messageDigest);
    const options = { format: "bundle-v0.3", content: "message", edit } as const;
    const [bundle] = victim.signedBy(sigstore.identity(), options).artifacts;
    if (bundle?.kind !== "bundle") throw new Error("not a bundle");
    const artifact = byDigest ? { digest: parseDigest(victim.digest) } : { bytes: victim.manifest };
    const { trace } = verifyBundle(bundle.bytes, { artifact, signer, trust, now });
    const outcome = trace.outcome === "pass" ? "allowed" : "denied";
    return { outcome, codes: [trace.code], messages: [trace.message], statements: [] };
  };
  const digest = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const own = Buffer.from(victim.digest.slice("sha256:".length), "hex");
  abuseCases([
    {
      name: "49 the artifact's own digest",
      judge: () => naming({ algorithm: "SHA2_256", digest: digest(own) }),
      want: "allowed",
    },
    ...(
      [
        ["SHA2_256", 32],
        ["SHA2_384", 48],
        ["SHA2_512", 64],
        ["SHA2_256", 20],
        ["SHA2_512", 32],
      ] as const
    ).map(
      ([algorithm, length]): AbuseCase => ({
        name: `49 ${length} bytes of ${algorithm} that are another artifact's`,
        judge: () => naming({ algorithm, digest: digest(Buffer.alloc(length, 7)) }),
        code: "claimMismatch",
      }),
    ),
    {
      name: "49 20 bytes of SHA2_256 where only the artifact's digest is given",
      judge: () => naming({ algorithm: "SHA2_256", digest: digest(own.subarray(0, 20)) }, true),
      code: "claimMismatch",
    },
  ]);
});
