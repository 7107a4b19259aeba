import {
  type Edits,
  image,
  type SignOptions,
  type TimestampAuthority,
  type TimestampOptions,
} from "@assay/testkit";
import { createTimestampAuthority, trustedRootOf, utf8 } from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import {
  byKey,
  byLoggedKey,
  type Judged,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
} from "./world.ts";

const victim = image({ content: "victim" });
const { clock, timestampAuthority: honest } = sigstore;
const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);
const identity = sigstore.identity();

/** The only time is the timestamp: the log gives proofs without promises. */
const timed = (
  authority: TimestampAuthority,
  options: SignOptions = {},
  trust = trusting(authority),
): Judged => {
  const image = victim.signedBy(identity, {
    ...{ format: "bundle-v0.3", logEvidence: "proof", timestampAuthority: authority },
    ...options,
  });
  return judgeSignature(image, keyless(), { trust, now: minutes(600) });
};

/** The trusted root with this authority in place of the Sigstore's own. */
function trusting(authority: TimestampAuthority, validFor?: { start?: string; end?: string }): string {
  const root = trustedRootOf({
    authorities: [sigstore.fulcio.chain],
    logs: [sigstore.rekor],
    ctLogs: [sigstore.ctLog],
    timestampAuthorities: [authority.chain],
  });
  const timestampAuthorities = root.timestampAuthorities.map((each) =>
    validFor === undefined ? each : { ...each, validFor },
  );
  return JSON.stringify({ ...root, timestampAuthorities });
}

/** An authority whose responses are made like this. */
const answering = (how: TimestampOptions, authority = honest): TimestampAuthority => ({
  ...authority,
  timestamp: (data, at) => authority.timestamp(data, at, how),
});
const made = (leaf: Parameters<typeof createTimestampAuthority>[0]["leaf"] & {}): TimestampAuthority =>
  createTimestampAuthority({ clock, leaf });

/** The policy gives the authority's chain itself; the log is ignored, the certificate has long expired. */
const byPolicy = (authority: TimestampAuthority, tsaCertChain: string): Judged =>
  judgeSignature(
    victim.signedBy(identity, { log: false, timestampAuthority: authority }),
    keyless({ rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: false, tsaCertChain } }),
    { now: minutes(600) },
  );
const withoutLeaf = honest.pem.slice(honest.pem.indexOf("-----END") + "-----END CERTIFICATE-----\n".length);

describe("timestamp authorities", () => {
  const stranger = createTimestampAuthority({ clock });
  const lookalike = { ...stranger, chain: honest.chain };
  const forged = stranger.chain[0] ?? new Uint8Array();
  const own = honest.chain[0] ?? new Uint8Array();
  const expired = createTimestampAuthority({ clock, leaf: { notAfter: minutes(-60) } });
  // It may issue certificates, and says that it makes timestamps, too.
  const issuing = createTimestampAuthority({
    clock,
    leaf: { authority: {} },
    edit: { intermediate: (spec) => ({ ...spec, authority: {} }) },
  });
  abuseCases([
    { name: "87 an honest timestamp", judge: () => timed(honest), want: "allowed" },
    { name: "87 another authority's timestamp", judge: () => timed(stranger, {}, trusting(honest)) },
    { name: "87 another authority of the same name", judge: () => timed(lookalike, {}, trusting(honest)) },
    {
      name: "87 a timestamp over other bytes",
      judge: () => timed(answering({ imprint: new Uint8Array(32) })),
    },
    {
      name: "87 a timestamp over the signature of another image",
      judge: () => {
        const [other] = image({ content: "other" }).signedBy(identity, {
          format: "bundle-v0.3",
          timestampAuthority: honest,
        }).artifacts;
        const theirs = other?.kind === "bundle" ? JSON.parse(Buffer.from(other.bytes).toString()) : {};
        const edit: Edits = {
          bundle: (bundle) => ({
            ...bundle,
            verificationMaterial: {
              ...Object(bundle["verificationMaterial"]),
              timestampVerificationData: theirs.verificationMaterial.timestampVerificationData,
            },
          }),
        };
        return timed(honest, { edit });
      },
    },
    { name: "87 an authority's own certificate for a signer's", judge: () => timed(issuing) },
    { name: "87 a response that was not granted", judge: () => timed(answering({ status: 2 })) },
    {
      name: "87 a response granted with modifications",
      judge: () => timed(answering({ status: 1 })),
      want: "allowed",
    },
    {
      name: "87 a response that is no ASN.1",
      judge: () => timed(honest, { edit: { timestamp: () => utf8("not a timestamp") } }),
    },
    {
      name: "87 a byte behind the response",
      judge: () =>
        timed(honest, { edit: { timestamp: (response) => Buffer.concat([response, Buffer.of(0)]) } }),
    },
    {
      name: "87 a response with one bit changed in its signature",
      judge: () =>
        timed(honest, {
          edit: {
            timestamp: (response) => response.map((byte, i) => (i === response.length - 5 ? byte ^ 1 : byte)),
          },
        }),
    },
    {
      name: "87 a time before the certificate",
      judge: () => timed(honest, { at: minutes(-1) }),
      code: "expiredCertificate",
    },
    {
      name: "87 a time after the certificate",
      judge: () => timed(honest, { at: minutes(11) }),
      code: "expiredCertificate",
    },
    {
      name: "87 a time outside the authority's own validity",
      judge: () =>
        timed(honest, {}, trusting(honest, { start: "2024-01-01T00:00:00Z", end: "2025-06-01T00:00:00Z" })),
    },
    { name: "87 a time after the authority's certificate expired", judge: () => timed(expired) },
    {
      name: "87 no extended key usage",
      judge: () => timed(made({ extendedKeyUsage: [], extendedKeyUsageCritical: false })),
    },
    {
      name: "87 an extended key usage that is not critical",
      judge: () => timed(made({ extendedKeyUsageCritical: false })),
    },
    {
      name: "87 an extended key usage for code signing",
      judge: () => timed(made({ extendedKeyUsage: ["codeSigning"] })),
    },
    {
      name: "87 two extended key usages",
      judge: () => timed(made({ extendedKeyUsage: ["timeStamping", "codeSigning"] })),
    },
    ...["20260115120100.1Z", "20260115120100.12Z", "20260115120100.123Z", "20260115120100.123456Z"].map(
      (genTime): AbuseCase => ({
        name: `87 the time ${genTime}`,
        judge: () => timed(answering({ genTime })),
        want: "allowed",
      }),
    ),
    ...[
      "20260115120100",
      "202601151201Z",
      "20260115120100+0100",
      "20261315120100Z",
      "20260115120100.Z",
      "now",
    ].map(
      (genTime): AbuseCase => ({
        name: `87 the malformed time \`${genTime}\``,
        judge: () => timed(answering({ genTime })),
      }),
    ),
    {
      name: "87 no certificate in the response, the trust root names the signer",
      judge: () => timed(answering({ embed: [] })),
      want: "allowed",
    },
    {
      name: "87 only a stranger's certificate in the response, the trust root names the signer",
      judge: () => timed(answering({ embed: [forged] })),
      want: "allowed",
    },
    {
      name: "87 a forged certificate before the signer's",
      judge: () => timed(answering({ embed: [forged, own] })),
      want: "allowed",
    },
    { name: "87 a hash of sha1", judge: () => timed(answering({ hash: "sha1" })) },
    { name: "87 a hash of sha384", judge: () => timed(answering({ hash: "sha384" })), want: "allowed" },
    { name: "87 the policy's own chain", judge: () => byPolicy(honest, honest.pem), want: "allowed" },
    {
      name: "87 the policy's own chain without the signer",
      judge: () => byPolicy(honest, withoutLeaf),
      want: "allowed",
    },
    { name: "87 another authority than the policy's", judge: () => byPolicy(stranger, honest.pem) },
    {
      name: "87 another authority than the policy's, which names no signer",
      judge: () => byPolicy(stranger, withoutLeaf),
    },
    {
      name: "87 a forged signer before an honest certificate, the policy names no signer",
      judge: () =>
        byPolicy(
          { ...stranger, timestamp: (data, at) => stranger.timestamp(data, at, { embed: [own, forged] }) },
          withoutLeaf,
        ),
    },
    {
      name: "87 an honest signer behind a forged certificate, the policy names no signer",
      judge: () => byPolicy(answering({ embed: [forged, own] }), withoutLeaf),
      want: "allowed",
    },
    {
      name: "87 a signer that is not in the response, the policy names none",
      judge: () => byPolicy(answering({ embed: [] }), withoutLeaf),
    },
    {
      name: "87 a signer for code under the policy's authority",
      judge: () => {
        const other = made({ extendedKeyUsage: ["codeSigning"] });
        const chain = other.pem.slice(other.pem.indexOf("-----END") + "-----END CERTIFICATE-----\n".length);
        return byPolicy(other, chain);
      },
    },
    {
      name: "87 a good timestamp beside one of an unknown authority",
      judge: () => timed(honest, { timestampAuthority: [stranger, honest] }),
      want: "allowed",
    },
    {
      name: "87 timestamps of unknown authorities only",
      judge: () => timed(honest, { timestampAuthority: [stranger, stranger] }),
    },
  ]);
});

describe("numbers of entries and timestamps", () => {
  const repeated = (field: "tlogEntries" | "rfc3161Timestamps", count: number): Edits => ({
    bundle: (bundle) => {
      const copy = JSON.parse(JSON.stringify(bundle));
      const holder =
        field === "tlogEntries"
          ? copy.verificationMaterial
          : copy.verificationMaterial.timestampVerificationData;
      holder[field] = Array.from({ length: count }, () => holder[field][0]);
      return copy;
    },
  });
  const logged = (count: number): Judged =>
    judgeSignature(
      victim.signedBy(policyKey, {
        format: "bundle-v0.3",
        log: sigstore.rekor,
        edit: repeated("tlogEntries", count),
      }),
      byLoggedKey(),
    );
  abuseCases([
    { name: "93 33 log entries", judge: () => logged(33), code: "tooMany" },
    { name: "93 5,000 log entries", judge: () => logged(5000), code: "tooMany" },
    {
      name: "93 33 timestamps",
      judge: () => timed(honest, { edit: repeated("rfc3161Timestamps", 33) }),
      code: "tooMany",
    },
    {
      name: "93 5,000 timestamps",
      judge: () => timed(honest, { edit: repeated("rfc3161Timestamps", 5000) }),
      code: "tooMany",
    },
    {
      name: "93 33 log entries where the policy ignores the log",
      judge: () =>
        judgeSignature(
          victim.signedBy(policyKey, {
            format: "bundle-v0.3",
            log: sigstore.rekor,
            edit: repeated("tlogEntries", 33),
          }),
          byKey(),
        ),
      code: "tooMany",
    },
  ]);
});
