import { type CertificateAuthority, createAuthority, createKey, type ExtensionSpec } from "@assay/testkit";
import {
  type CertificateSpec,
  createCtLog,
  der,
  fulcioExtensions,
  GITHUB_SUBJECT,
  sctExtension,
  TAG,
  utf8,
} from "@assay/testkit/parts";
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
import { type Judged, judgeSignature, keyless, now, sigstore } from "./world.ts";

describe("certificate authorities", () => {
  const options = { name: "fulcio", extendedKeyUsage: ["codeSigning"] };
  const honest = createAuthority(options);
  const lookalike = createAuthority(options);
  const expiring = (which: "root" | "intermediate"): CertificateAuthority =>
    createAuthority({
      ...options,
      edit: { [which]: (spec: CertificateSpec) => ({ ...spec, notAfter: minutes(-60) }) },
    });
  const [oldRoot, oldIntermediate] = [expiring("root"), expiring("intermediate")];
  const lapsing = createAuthority({
    ...options,
    edit: { intermediate: (spec) => ({ ...spec, notAfter: minutes(20) }) },
  });
  abuseCases([
    {
      name: "66 an honest certificate of the trusted authority",
      judge: () => judge(issuedBy(honest), keyless(), { trust: trusting(honest.chain) }),
      want: "allowed",
    },
    { name: "66 another authority", judge: () => judge(issuedBy(honest)), code: "untrustedSigner" },
    {
      name: "66 an authority of the same name with another key",
      judge: () => judge(issuedBy(lookalike), keyless(), { trust: trusting(honest.chain) }),
      code: "untrustedSigner",
    },
    {
      name: "66 anybody's authority where the trust root names none",
      judge: () => judge(issuedBy(lookalike, { scts: () => undefined }), keyless(), { trust: trusting() }),
      code: "untrustedSigner",
    },
    {
      name: "66 a root that had expired",
      judge: () => judge(issuedBy(oldRoot), keyless(), { trust: trusting(oldRoot.chain) }),
    },
    {
      name: "66 an intermediate that had expired",
      judge: () => judge(issuedBy(oldIntermediate), keyless(), { trust: trusting(oldIntermediate.chain) }),
    },
    {
      name: "66 an intermediate that has expired since",
      judge: () => judge(issuedBy(lapsing), keyless(), { trust: trusting(lapsing.chain), now: minutes(60) }),
      want: "allowed",
    },
    {
      name: "67 a certificate that has expired since",
      judge: () => judge(sigstore.identity(), keyless(), { now: minutes(600) }),
      want: "allowed",
    },
    {
      name: "67 a certificate that was not yet valid",
      judge: () =>
        judgeSignature(victim.signedBy(sigstore.identity({ at: minutes(30) }), { at: now }), keyless(), {
          now: minutes(60),
        }),
      code: "expiredCertificate",
    },
    {
      name: "67 an expired certificate without any time",
      judge: () =>
        judgeSignature(
          victim.signedBy(sigstore.identity(), { log: false }),
          keyless({ rekor: { ignoreTlog: true } }),
          { now: minutes(60) },
        ),
      code: "noTrustedTime",
    },
    {
      name: "67 an expired certificate without any time, as a bundle",
      judge: () =>
        judgeSignature(
          victim.signedBy(sigstore.identity(), { log: false, format: "bundle-v0.3" }),
          keyless({ rekor: { ignoreTlog: true } }),
          { now: minutes(60) },
        ),
      code: "noTrustedTime",
    },
    { name: "68 a certificate issued by an end entity", judge: () => leafIssued({}) },
    {
      name: "68 a certificate issued by an end entity that says it is none",
      judge: () => leafIssued({ authority: {} }),
    },
    { name: "68 an authority's certificate for a signer's", judge: () => identifiedAs({ authority: {} }) },
    {
      name: "68 a key usage without digital signatures",
      judge: () => identifiedAs({ keyUsage: ["keyEncipherment"] }),
    },
    {
      name: "69 an extended key usage for servers only",
      judge: () => identifiedAs({ extendedKeyUsage: ["serverAuth"] }),
    },
    { name: "69 no extended key usage", judge: () => identifiedAs({ extendedKeyUsage: [] }) },
    { name: "69 name constraints on an intermediate of the signature's", judge: () => constrained(false) },
    {
      name: "69 name constraints on an intermediate of the trust root's",
      judge: () => constrained(true),
      want: "error",
    },
    {
      name: "69 an unknown critical extension",
      judge: () => identifiedWith({ oid: "1.2.3.4", critical: true, value: der(TAG.null) }),
    },
    {
      name: "69 an unknown extension that is not critical",
      judge: () => identifiedWith({ oid: "1.2.3.4", value: der(TAG.null) }),
      want: "allowed",
    },
    {
      name: "69 the issuer extension twice",
      judge: () => identifiedWith(...fulcioExtensions("https://evil.example", {})),
    },
    {
      name: "69 the alternative names twice",
      judge: () =>
        identifiedWith({ oid: "2.5.29.17", value: der(TAG.sequence, der(0x86, utf8(GITHUB_SUBJECT))) }),
    },
    { name: "69 a version 1 certificate", judge: () => identifiedAs({ version: 1 }) },
  ]);

  /** An end entity of Fulcio's signs a certificate itself. */
  function leafIssued(spec: Partial<CertificateSpec>): Judged {
    const key = createKey();
    const middle = sigstore.fulcio.certify(key, {
      subject: "middle",
      notBefore: now,
      notAfter: minutes(60),
      ...spec,
    });
    const forged = issuedBy({
      ...sigstore.fulcio,
      certify: (leaf, leafSpec) => {
        const signed = sigstore.fulcio.certify(leaf, { ...leafSpec, issuer: { subject: "middle", key } });
        return { ...signed, chain: [middle.certificate, ...sigstore.fulcio.chain] };
      },
    });
    return judgeSignature(victim.signedBy(forged, { format: "bundle-v0.1" }), keyless());
  }

  function constrained(trusted: boolean): Judged {
    // permittedSubtrees: URIs of other.example only
    const value = der(TAG.sequence, der(0xa0, der(TAG.sequence, der(0x86, utf8("other.example")))));
    const extensions = [{ oid: "2.5.29.30", critical: true, value }];
    const authority = createAuthority({
      ...options,
      edit: { intermediate: (spec) => ({ ...spec, extensions }) },
    });
    const trust = trusting(trusted ? authority.chain : [authority.root.certificate]);
    return judgeSignature(victim.signedBy(issuedBy(authority), { format: "bundle-v0.1" }), keyless(), {
      trust,
    });
  }
});

describe("chains", () => {
  abuseCases([
    { name: "70 twelve intermediates", judge: () => longChain(12) },
    { name: "70 three intermediates", judge: () => longChain(3), want: "allowed" },
    { name: "70 intermediates that certify each other", judge: () => loop() },
    {
      name: "70 1,000 certificates in the policy's roots",
      judge: () => {
        const roots = sigstore.pem.roots.repeat(500);
        return judge(sigstore.identity(), keyless({ roots }));
      },
      want: "error",
    },
  ]);

  /** A root, so many intermediates below it, and a signer below them; the intermediates come with the signature. */
  function longChain(count: number): Judged {
    const root = createAuthority({
      name: "long",
      edit: { intermediate: (spec) => ({ ...spec, authority: {} }) },
    });
    let above = root.intermediate;
    const chain: Uint8Array[] = [...root.chain];
    for (let i = 0; i < count - 1; i++) {
      const key = createKey();
      const subject = `long ${i}`;
      const { certificate } = root.certify(key, {
        subject,
        issuer: above,
        authority: {},
        extendedKeyUsage: [],
      });
      above = { subject, key, certificate };
      chain.unshift(certificate);
    }
    const issuer = above;
    const signer = issuedBy({
      ...root,
      certify: (key, spec) => ({ ...root.certify(key, { ...spec, issuer }), chain }),
    });
    return judgeSignature(victim.signedBy(signer, { format: "bundle-v0.1" }), keyless(), {
      trust: trusting([root.root.certificate]),
    });
  }

  /** A and B certify each other; nobody trusted stands above them. */
  function loop(): Judged {
    const [a, b] = [createKey(), createKey()];
    const cross = (subject: string, key: typeof a, issuer: string, by: typeof a): Uint8Array =>
      sigstore.fulcio.certify(key, {
        subject,
        issuer: { subject: issuer, key: by },
        authority: {},
        extendedKeyUsage: [],
      }).certificate;
    const chain = [cross("A", a, "B", b), cross("B", b, "A", a), cross("A", a, "A", a)];
    const signer = issuedBy({
      ...sigstore.fulcio,
      certify: (key, spec) => ({
        ...sigstore.fulcio.certify(key, { ...spec, issuer: { subject: "A", key: a } }),
        chain,
      }),
    });
    return judgeSignature(victim.signedBy(signer, { format: "bundle-v0.1" }), keyless());
  }
});

describe("certificate transparency", () => {
  const stranger = createCtLog();
  const sign = (tbs: Uint8Array, issuer: Uint8Array, log = sigstore.ctLog): Uint8Array =>
    log.sign(tbs, issuer, now);
  const expired = sigstore.trustedRoot((root) => ({
    ...root,
    ctlogs: root.ctlogs.map((log) => ({
      ...log,
      publicKey: {
        ...Object(log["publicKey"]),
        validFor: { start: "2024-01-01T00:00:00Z", end: "2025-06-01T00:00:00Z" },
      },
    })),
  }));
  const lying = (tbs: Uint8Array, issuer: Uint8Array): ExtensionSpec => {
    const { oid, value } = sctExtension([sign(tbs, issuer)]);
    const copy = Uint8Array.from(value);
    copy[copy[1] === 0x81 ? 4 : 3] = (copy[copy[1] === 0x81 ? 4 : 3] ?? 0) ^ 0x08;
    return { oid, value: copy };
  };
  abuseCases([
    { name: "71 no timestamp of a CT log", judge: () => identified({ ctLogs: [] }) },
    {
      name: "71 no timestamp where the policy ignores it",
      judge: () => judge(sigstore.identity({ ctLogs: [] }), keyless({ ctlog: { ignoreSCT: true } })),
      want: "allowed",
    },
    { name: "71 a timestamp of an unknown CT log", judge: () => identified({ ctLogs: [stranger] }) },
    {
      name: "71 a timestamp over another issuer's hash",
      judge: () => identifiedAs({ scts: (tbs) => sctExtension([sign(tbs, new Uint8Array(32))]) }),
    },
    {
      name: "71 a timestamp over another certificate",
      judge: () =>
        identifiedAs({
          scts: (tbs, issuer) =>
            sctExtension([
              sign(
                tbs.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
                issuer,
              ),
            ]),
        }),
    },
    {
      name: "71 a CT log whose key had expired",
      judge: () => judge(sigstore.identity(), keyless(), { trust: expired }),
    },
    {
      name: "71 a second timestamp that does not verify",
      judge: () =>
        identifiedAs({
          scts: (tbs, issuer) => sctExtension([sign(tbs, issuer), sign(new Uint8Array(9), issuer)]),
        }),
    },
    { name: "71 a list that lies about its length", judge: () => identifiedAs({ scts: lying }) },
    { name: "71 an empty list", judge: () => identifiedAs({ scts: () => sctExtension([]) }) },
    {
      name: "71 a list of bytes that are none",
      judge: () =>
        identifiedAs({
          scts: () => ({ oid: "1.3.6.1.4.1.11129.2.4.2", value: der(TAG.octetString, utf8("xx")) }),
        }),
    },
  ]);
});
