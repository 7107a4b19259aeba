import { createAuthority, createKey, image, type SignedArtifact, type Signer, slsa } from "@assay/testkit";
import { type CertificateSpec, der, TAG, trustedRootOf } from "@assay/testkit/parts";
import { describe } from "vitest";
import { abuseCases } from "./cases.ts";
import {
  identified,
  identifiedAs,
  identifiedWith,
  issuedBy,
  judge,
  minutes,
  trusting,
  victim,
} from "./certificate-world.ts";
import {
  byKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
} from "./world.ts";

// Each of these is wrong in one single way: no other check would stop it.

describe("an issuer that lacks one thing", () => {
  const open = createAuthority({
    name: "open",
    edit: { intermediate: (spec) => ({ ...spec, authority: {} }) },
  });
  const trust = trusting(open.chain);

  /** A signer below a middle certificate below the trusted authority. */
  function below(middle: Partial<CertificateSpec>): Judged {
    const key = createKey();
    const { certificate } = open.certify(key, {
      subject: "middle",
      authority: {},
      extendedKeyUsage: [],
      ...middle,
    });
    const signer = issuedBy({
      ...open,
      certify: (leaf, spec) => ({
        ...open.certify(leaf, { ...spec, issuer: { subject: "middle", key } }),
        chain: [certificate, ...open.chain],
      }),
    });
    return judgeSignature(victim.signedBy(signer, { format: "bundle-v0.1" }), keyless(), { trust });
  }

  abuseCases([
    { name: "68 an issuer that lacks nothing", judge: () => below({}), want: "allowed" },
    {
      name: "68 an issuer that is no authority but may sign certificates",
      judge: () => below({ authority: false, keyUsage: ["keyCertSign", "digitalSignature"] }),
    },
    {
      name: "68 an issuer that is an authority but may not sign certificates",
      judge: () => below({ keyUsage: ["digitalSignature"] }),
    },
    { name: "69 an issuer for servers only", judge: () => below({ extendedKeyUsage: ["serverAuth"] }) },
    {
      name: "69 an issuer for code",
      judge: () => below({ extendedKeyUsage: ["codeSigning"] }),
      want: "allowed",
    },
    { name: "68 an issuer whose own limit is reached", judge: () => limited() },
    { name: "70 the right issuer behind seventy of its name", judge: () => crowded(70) },
    { name: "70 the right issuer behind three of its name", judge: () => crowded(3), want: "allowed" },
    { name: "69 name constraints that are not critical", judge: () => constrained() },
  ]);

  /** The intermediate allows no authority below itself. */
  function limited(): Judged {
    const key = createKey();
    const tight = createAuthority({ name: "tight" });
    const { certificate } = tight.certify(key, { subject: "middle", authority: {}, extendedKeyUsage: [] });
    const signer = issuedBy({
      ...tight,
      certify: (leaf, spec) => ({
        ...tight.certify(leaf, { ...spec, issuer: { subject: "middle", key } }),
        chain: [certificate, ...tight.chain],
      }),
    });
    return judgeSignature(victim.signedBy(signer, { format: "bundle-v0.1" }), keyless(), {
      trust: trusting(tight.chain),
    });
  }

  /** Many trusted authorities of one name; only the last issued the certificate. */
  function crowded(count: number): Judged {
    const others = Array.from({ length: count }, () => createAuthority({ name: "open" }).chain);
    const last = createAuthority({ name: "open" });
    return judge(issuedBy(last), keyless(), { trust: trusting(...others, last.chain) });
  }

  function constrained(): Judged {
    const value = der(TAG.sequence, der(0xa0, der(TAG.sequence, der(0x86, Buffer.from("other.example")))));
    const extensions = [{ oid: "2.5.29.30", value }];
    const authority = createAuthority({
      name: "open",
      edit: { intermediate: (spec) => ({ ...spec, extensions }) },
    });
    const signed = victim.signedBy(issuedBy(authority), { format: "bundle-v0.1" });
    return judgeSignature(signed, keyless(), { trust: trusting([authority.root.certificate]) });
  }
});

describe("a certificate that has one thing too many", () => {
  const weak = { ...sigstore.fulcio.intermediate, hash: "sha1" } as const;
  abuseCases([
    {
      name: "68 an authority that may also sign code",
      judge: () => identifiedAs({ authority: {}, keyUsage: ["digitalSignature", "keyCertSign"] }),
    },
    {
      name: "69 a certificate of 70 KB",
      judge: () => identifiedWith({ oid: "1.2.3.4", value: der(TAG.octetString, new Uint8Array(70_000)) }),
    },
    {
      name: "69 a certificate of 10 KB",
      judge: () => identifiedWith({ oid: "1.2.3.4", value: der(TAG.octetString, new Uint8Array(10_000)) }),
      want: "allowed",
    },
    { name: "69 a version 2 certificate with extensions", judge: () => identifiedAs({ version: 2 }) },
    { name: "69 another algorithm inside than outside", judge: () => identifiedAs({ innerHash: "sha384" }) },
    { name: "69 a signature of SHA-1 by the trusted authority", judge: () => identifiedAs({ issuer: weak }) },
    {
      name: "79 a control character in an extension that nobody asks for",
      judge: () => identified({ extensions: { githubWorkflowName: "release\u0000" } }),
    },
    {
      name: "79 text in that extension",
      judge: () => identified({ extensions: { githubWorkflowName: "release" } }),
      want: "allowed",
    },
    {
      name: "73 `https://github.com@evil.example/app` for `https://github.com*`",
      judge: () =>
        judge(
          sigstore.identity({ subject: "https://github.com@evil.example/app" }),
          keyless({ subject: "https://github.com*" }),
        ),
    },
  ]);
});

describe("evidence in another place than its own", () => {
  const plain = image({ content: "victim" });
  const moved = (
    artifacts: readonly SignedArtifact[],
    holds: "signature" | "attestation",
  ): readonly SignedArtifact[] =>
    artifacts.flatMap((each) => (each.kind === "legacy" ? [{ ...each, holds }] : []));
  abuseCases([
    {
      name: "29 a genuine signature among the attestations",
      judge: () =>
        judgeSignature(plain.carrying(...moved(plain.signedBy(policyKey).artifacts, "attestation")), byKey()),
    },
    {
      name: "29 a genuine attestation among the signatures",
      judge: () =>
        judgeAttestation(
          plain.carrying(
            ...moved(plain.attestedBy(policyKey, slsa({ version: "0.2" })).artifacts, "signature"),
          ),
          byKey(),
        ),
    },
  ]);
});

describe("a log whose key had ended", () => {
  const ending = (end: string): string => {
    const root = trustedRootOf({
      authorities: [sigstore.fulcio.chain],
      logs: [sigstore.rekorV2],
      ctLogs: [sigstore.ctLog],
      timestampAuthorities: [sigstore.timestampAuthority.chain],
    });
    const validFor = { start: "2025-01-01T00:00:00Z", end };
    const tlogs = root.tlogs.map((log) => ({ ...log, publicKey: { ...Object(log["publicKey"]), validFor } }));
    return JSON.stringify({ ...root, tlogs });
  };
  const signer: Signer = sigstore.identity();
  const { rekorV2, timestampAuthority } = sigstore;
  const stamped = victim.signedBy(signer, {
    format: "bundle-v0.3",
    log: rekorV2,
    timestampAuthority,
    at: minutes(5),
  });
  abuseCases([
    {
      name: "86 a Rekor v2 entry timestamped before its log ended",
      judge: () => judgeSignature(stamped, keyless(), { trust: ending(minutes(6).toISOString()) }),
      want: "allowed",
    },
    {
      name: "86 a Rekor v2 entry timestamped after its log ended",
      judge: () => judgeSignature(stamped, keyless(), { trust: ending(minutes(4).toISOString()) }),
    },
    {
      name: "86 a Rekor v2 entry timestamped after the clock",
      judge: () => judgeSignature(stamped, keyless(), { now, trust: ending(minutes(4).toISOString()) }),
    },
  ]);
});
