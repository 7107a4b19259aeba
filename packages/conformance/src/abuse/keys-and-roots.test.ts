import { generateKeyPairSync } from "node:crypto";
import { parseDigest } from "@assay/image";
import {
  createKey,
  createSigstore,
  type HashName,
  image,
  type KeyKind,
  type TrustedRootJson,
} from "@assay/testkit";
import { parseTrustRoot, prepareAttestors, verifySignatures } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { issuedBy, judge } from "./certificate-world.ts";
import {
  byKey,
  byLoggedKey,
  candidateOf,
  type Judged,
  judgeSignature,
  keyless,
  now,
  policyKey,
  setOf,
  sigstore,
  strangerKey,
} from "./world.ts";

const victim = image({ content: "victim" });

describe("keys", () => {
  const publicKeys = (pem: string): Judged =>
    judgeSignature(victim.signedBy(policyKey), byKey({ publicKeys: pem }));
  const signing = (kind: KeyKind): Judged => {
    const key = createKey(kind);
    const signed = kind === "x25519" ? victim.signedBy(policyKey) : victim.signedBy(key);
    return judgeSignature(signed, byKey({ publicKeys: key.pem }));
  };
  const explicit = generateKeyPairSync("ec", { namedCurve: "prime256v1", paramEncoding: "explicit" });
  const hashed = (
    made: HashName,
    asked: "sha224" | "sha256" | "sha384" | "sha512",
    kind: KeyKind = "p256",
  ): Judged => {
    const key = createKey(kind);
    return judgeSignature(
      victim.signedBy(key, { hash: made }),
      byKey({ publicKeys: key.pem, signatureAlgorithm: asked }),
    );
  };
  abuseCases([
    ...(["rsa1024", "rsaExponent3", "secp256k1", "dsa", "x25519"] as const).map(
      (kind): AbuseCase => ({
        name: `84 a policy key ${kind}`,
        judge: () => signing(kind),
        want: "error",
        code: "invalidPolicy",
      }),
    ),
    {
      name: "84 a policy key rsaPss2048",
      judge: () => signing("rsaPss2048"),
      want: "error",
    },
    ...(["p256", "p384", "p521", "rsa2048", "ed25519"] as const).map(
      (kind): AbuseCase => ({
        name: `84 a policy key ${kind}`,
        judge: () => signing(kind),
        want: "allowed",
      }),
    ),
    ...Object.entries({
      "that is private": policyKey.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      "with explicit curve parameters": explicit.publicKey.export({ type: "spki", format: "pem" }).toString(),
      "that is a certificate": sigstore.fulcio.pem,
      "that is no PEM": "nothing",
      "that is empty": "",
      "with a broken body": policyKey.pem.replace(/\n.{8}/, "\n!!!!!!!!"),
      "with bytes behind it": policyKey.pem.replace("-----END", "AAAA\n-----END"),
    }).map(
      ([what, pem]): AbuseCase => ({
        name: `84 a policy key ${what}`,
        judge: () => publicKeys(pem),
        want: "error",
        code: "invalidPolicy",
      }),
    ),
    ...(["rsa1024", "rsaExponent3", "secp256k1"] as const).map(
      (kind): AbuseCase => ({
        name: `84 a keyless certificate with a key ${kind}`,
        judge: () => {
          const key = createKey(kind);
          const weak = {
            ...sigstore.fulcio,
            certify: (_: unknown, spec: object) => sigstore.fulcio.certify(key, spec),
          };
          return judge(issuedBy(weak));
        },
      }),
    ),
    {
      name: "85 a SHA-512 signature where the policy says sha256",
      judge: () => hashed("sha512", "sha256"),
      code: "badSignature",
    },
    {
      name: "85 a SHA-256 signature where the policy says sha512",
      judge: () => hashed("sha256", "sha512"),
      code: "badSignature",
    },
    { name: "85 a SHA-1 signature", judge: () => hashed("sha1", "sha256", "rsa2048"), code: "badSignature" },
    {
      name: "85 a SHA-384 signature by P-384 where the policy says sha256",
      judge: () => hashed("sha384", "sha256", "p384"),
      code: "badSignature",
    },
    ...(["sha224", "sha256", "sha384", "sha512"] as const).flatMap((hash) =>
      (["p256", "rsa2048"] as const).map(
        (kind): AbuseCase => ({
          name: `85 a signature as the policy says, ${hash} by ${kind}`,
          judge: () => hashed(hash, hash, kind),
          want: "allowed",
        }),
      ),
    ),
    {
      name: "85 a message digest that names a weaker hash",
      judge: () => {
        const key = createKey("rsa2048");
        const edit = {
          bundle: (bundle: Record<string, unknown>) => ({
            ...bundle,
            messageSignature: {
              ...Object(bundle["messageSignature"]),
              messageDigest: { algorithm: "SHA1", digest: "AAAA" },
            },
          }),
        };
        return judgeSignature(
          victim.signedBy(key, { format: "bundle-v0.3", content: "message", edit }),
          byKey({ publicKeys: key.pem }),
        );
      },
    },
    {
      name: "85 a bundle's statement hashed otherwise than the policy says",
      judge: () =>
        judgeSignature(victim.signedBy(policyKey, { format: "bundle-v0.3", hash: "sha512" }), byKey()),
      code: "badSignature",
    },
    { name: "86 a log key that had ended", judge: () => ended("tlogs"), code: "logMismatch" },
    {
      name: "86 a log key that had not begun",
      judge: () => ended("tlogs", { start: "2026-06-01T00:00:00Z" }),
    },
    { name: "86 a certificate authority that had ended", judge: () => ended("certificateAuthorities") },
  ]);

  function ended(
    list: "tlogs" | "certificateAuthorities",
    validFor: object = { start: "2024-01-01T00:00:00Z", end: "2025-06-01T00:00:00Z" },
  ): Judged {
    const trust = sigstore.trustedRoot((root) => ({
      ...root,
      [list]: root[list].map((each) =>
        list === "tlogs"
          ? { ...each, publicKey: { ...Object(each["publicKey"]), validFor } }
          : { ...each, validFor },
      ),
    }));
    return judgeSignature(victim.signedBy(sigstore.identity()), keyless(), { trust });
  }
});

describe("trusted roots", () => {
  const rooted = (edit: (root: TrustedRootJson) => unknown): Judged => rootedText(sigstore.trustedRoot(edit));
  const rootedText = (trust: string): Judged =>
    judgeSignature(victim.signedBy(sigstore.identity()), keyless(), { trust });
  const log =
    (fields: (key: Record<string, unknown>) => Record<string, unknown>) =>
    (root: TrustedRootJson): unknown => ({
      ...root,
      tlogs: root.tlogs.map((each, i) =>
        i === 0 ? { ...each, publicKey: fields(Object(each["publicKey"])) } : each,
      ),
    });
  const rawBytes = (kind: KeyKind): string => Buffer.from(createKey(kind).spki).toString("base64");
  const error = { want: "error", code: "invalidTrustRoot" } as const;
  abuseCases([
    { name: "88 an honest trusted root", judge: () => rooted((root) => root), want: "allowed" },
    {
      name: "88 a log without a beginning",
      judge: () => rooted(log((key) => ({ ...key, validFor: {} }))),
      ...error,
    },
    {
      name: "88 a log without a validity",
      judge: () => rooted(log(({ validFor: _, ...key }) => key)),
      ...error,
    },
    {
      name: "88 a log that ends before it begins",
      judge: () =>
        rooted(
          log((key) => ({
            ...key,
            validFor: { start: "2026-01-01T00:00:00Z", end: "2025-01-01T00:00:00Z" },
          })),
        ),
      ...error,
    },
    {
      name: "88 a log that begins at no date",
      judge: () => rooted(log((key) => ({ ...key, validFor: { start: "soon" } }))),
      ...error,
    },
    {
      name: "88 two logs of one id",
      judge: () =>
        rooted((root) => ({
          ...root,
          tlogs: [...root.tlogs, { ...root.tlogs[0], publicKey: root.tlogs[1]?.["publicKey"] }],
        })),
      ...error,
    },
    {
      name: "88 a log with an RSA key of 1,024 bits",
      judge: () =>
        rooted(
          log((key) => ({
            ...key,
            rawBytes: rawBytes("rsa1024"),
            keyDetails: "PKIX_RSA_PKCS1V15_2048_SHA256",
          })),
        ),
      ...error,
    },
    {
      name: "88 a log with a key on secp256k1",
      judge: () => rooted(log((key) => ({ ...key, rawBytes: rawBytes("secp256k1") }))),
      ...error,
    },
    {
      name: "88 a log with a key of unknown details",
      judge: () => rooted(log((key) => ({ ...key, keyDetails: "PKIX_QUANTUM" }))),
      ...error,
    },
    {
      name: "88 a log with other details than its key has",
      judge: () => rooted(log((key) => ({ ...key, keyDetails: "PKIX_ED25519" }))),
      ...error,
    },
    {
      name: "88 a log whose key is no key",
      judge: () => rooted(log((key) => ({ ...key, rawBytes: "AAAA" }))),
      ...error,
    },
    {
      name: "88 an authority without certificates",
      judge: () =>
        rooted((root) => ({
          ...root,
          certificateAuthorities: [{ ...root.certificateAuthorities[0], certChain: { certificates: [] } }],
        })),
      ...error,
    },
    {
      name: "88 an authority with a certificate that is none",
      judge: () =>
        rooted((root) => ({
          ...root,
          certificateAuthorities: [
            { ...root.certificateAuthorities[0], certChain: { certificates: [{ rawBytes: "AAAA" }] } },
          ],
        })),
      ...error,
    },
    {
      name: "88 lists that are objects",
      judge: () => rooted((root) => ({ ...root, tlogs: {} })),
      ...error,
    },
    {
      name: "88 another media type",
      judge: () => rooted((root) => ({ ...root, mediaType: "application/vnd.evil+json" })),
      ...error,
    },
    {
      name: "88 more than 1 MiB",
      judge: () => rooted((root) => ({ ...root, note: "x".repeat(1024 * 1024) })),
      ...error,
    },
    { name: "88 no JSON", judge: () => rootedText("not json"), ...error },
    { name: "88 a list", judge: () => rootedText("[]"), ...error },
    {
      name: "88 `tlogs` twice",
      judge: () => rootedText(sigstore.trustedRoot().replace("{", '{"tlogs":[],')),
      ...error,
    },
    {
      name: "88 an empty trusted root",
      judge: () => rooted(({ mediaType }) => ({ mediaType })),
    },
    {
      name: "66 another world's trusted root",
      judge: () => rootedText(createSigstore().trustedRoot()),
    },
  ]);
});

describe("several judgements at once", () => {
  const trust = parseTrustRoot(sigstore.trustedRoot());
  const signed = victim
    .signedBy(sigstore.identity())
    .signedBy(policyKey, { log: sigstore.rekor, format: "bundle-v0.3" });
  const candidates = signed.artifacts.map(candidateOf);
  const digest = parseDigest(signed.digest);
  const outcomes = (): string[] =>
    [
      keyless(),
      keyless({ subject: "https://evil.example/*" }),
      byLoggedKey(),
      byLoggedKey({ publicKeys: strangerKey.pem }),
      keyless({ ctlog: { ignoreSCT: true }, rekor: { ignoreTlog: true } }),
    ].map(
      (asked) =>
        verifySignatures(prepareAttestors([setOf([asked])]), "p", {
          digest,
          trust,
          now,
          evidence: () => ({ digest, candidates, gaps: [] }),
        }).trace.outcome,
    );

  test("94 policies that share one trust root do not change what the others see: allowed", () => {
    const before = JSON.stringify(
      candidates.map((candidate) => (candidate.kind === "bundle" ? [...candidate.bytes] : candidate)),
    );
    const first = outcomes();
    expect(first).toEqual(["pass", "fail", "pass", "fail", "pass"]);
    for (let round = 0; round < 3; round++) expect(outcomes()).toEqual(first);
    expect(
      JSON.stringify(
        candidates.map((candidate) => (candidate.kind === "bundle" ? [...candidate.bytes] : candidate)),
      ),
    ).toBe(before);
  });

  test("94 what a trust root or a policy became cannot be changed: denied", () => {
    const prepared = prepareAttestors([setOf([keyless()])]);
    for (const value of [trust, prepared, prepared.sets, prepared.sets[0]])
      expect(Object.isFrozen(value)).toBe(true);
    expect(() => Object.assign(trust, { id: "sha256:other" })).toThrow(TypeError);
  });

  test("94 a policy's own arrays may change after it was prepared: denied", () => {
    const entries = [byKey()];
    const prepared = prepareAttestors([setOf(entries)]);
    entries[0] = byKey({ publicKeys: strangerKey.pem });
    const image = victim.signedBy(strangerKey);
    const evidence = { digest, candidates: image.artifacts.map(candidateOf), gaps: [] };
    expect(verifySignatures(prepared, "p", { digest, now, evidence: () => evidence }).trace.outcome).toBe(
      "fail",
    );
  });
});
