import type { Attestor, KeyAttestor } from "@assay/policy";
import { createAuthority, createKey, createSigstore, type Signer, type SignOptions } from "@assay/testkit";
import { GITHUB_SUBJECT } from "@assay/testkit/parts";
import { describe, expect, test } from "vitest";
import { minutes, victim } from "./abuse/certificate-world.ts";
import {
  byCertificate,
  byLoggedKey,
  type Judged,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
} from "./abuse/world.ts";
import { rootWithRetired } from "./retired-root.ts";

// Rows of docs/compatibility.md about keyless identities that are verified by a trust root. The comments say what Kyverno
// 1.19.1 answered, which had the same keys by TUF: `npm run -s compare:kyverno -- --profile keyless`.

const formats = ["legacy", "bundle-v0.3"] as const;
const anybody = { subject: undefined, subjectRegExp: ".*", issuer: undefined, issuerRegExp: ".*" };
const ignoringLog = { rekor: { ignoreTlog: true } };

function judge(
  signer: Signer,
  options: SignOptions & { readonly trust?: string; readonly judgedAt?: Date } = {},
  asked: object = {},
): Judged {
  const { trust, judgedAt, ...signing } = options;
  const more = { ...(trust !== undefined && { trust }), ...(judgedAt !== undefined && { now: judgedAt }) };
  return judgeSignature(victim.signedBy(signer, signing), keyless(asked), more);
}

describe.each(formats)("%s", (format) => {
  test("a subject or an issuer that the certificate lacks matches nothing, not even .*", () => {
    const asked = { ...keyless(), ...anybody };
    const nobody = judge(sigstore.identity({ subject: [] }), { format }, asked);
    expect(nobody.codes).toContain("identityMismatch"); // denied in bundles only
    const anywhere = judge(sigstore.identity({ issuer: "" }), { format }, asked);
    expect(anywhere.codes).toContain("identityMismatch"); // allowed
    expect(judge(sigstore.identity(), { format }, asked).outcome).toBe("allowed"); // allowed
  });

  test("each of a certificate's names is a subject", () => {
    const evil = { kind: "uri", value: "https://github.com/evil" } as const;
    const names = [evil, { kind: "uri", value: GITHUB_SUBJECT }] as const;
    expect(judge(sigstore.identity({ subject: names }), { format }).outcome).toBe("allowed"); // denied in bundles
    expect(judge(sigstore.identity({ subject: [evil] }), { format }).codes).toContain("identityMismatch"); // denied
  });

  test("a certificate that no CT log has seen is refused, unless the policy waives that", () => {
    const unseen = sigstore.identity({ ctLogs: [] });
    expect(judge(unseen, { format }).codes).toContain("logMissing"); // allowed in bundles
    const waived = { ctlog: { ignoreSCT: true } };
    expect(judge(unseen, { format }, waived).outcome).toBe("allowed"); // in bundles, nothing is: see identities.test.ts
  });

  test("without its log, a certificate counts while it is valid", () => {
    const signer = sigstore.identity();
    const options = { format, log: false } as const;
    expect(judge(signer, options, ignoringLog).outcome).toBe("allowed"); // denied in bundles
    expect(judge(signer, { ...options, judgedAt: minutes(11) }, ignoringLog).codes).toContain(
      "noTrustedTime",
    ); // denied
  });

  test("a timestamp of the trust root's authority counts, for and against", () => {
    const signer = sigstore.identity();
    const { timestampAuthority } = sigstore;
    const later = { format, judgedAt: minutes(60) } as const;
    const stamped = judge(signer, { ...later, log: false, timestampAuthority }, ignoringLog);
    expect(stamped.outcome).toBe("allowed"); // allowed in bundles
    const late = {
      ...timestampAuthority,
      timestamp: (data: Uint8Array) => timestampAuthority.timestamp(data, minutes(30)),
    };
    expect(judge(signer, { ...later, timestampAuthority: late }).codes).toContain("expiredCertificate"); // denied in bundles
  });

  describe("what the trust root has retired", () => {
    const retired = createSigstore();
    const trust = rootWithRetired(sigstore, retired, minutes(-60));
    const before = { format, trust, at: minutes(-120), judgedAt: now };
    const today = { format, trust };
    const signers: readonly (readonly [string, (at: Date) => Signer])[] = [
      [
        "an authority",
        (at) => ({ ...retired.identity({ at, ctLogs: [sigstore.ctLog] }), log: sigstore.rekor }),
      ],
      ["a log", (at) => ({ ...sigstore.identity({ at }), log: retired.rekor })],
      ["a CT log", (at) => sigstore.identity({ at, ctLogs: [retired.ctLog] })],
    ];

    test.each(signers)("%s counts for what was made before", (_, signer) => {
      expect(judge(signer(before.at), before).outcome).toBe("allowed"); // allowed
    });

    test.each(signers)("%s does not for what was made since", (_, signer) => {
      expect(judge(signer(now), today).outcome).toBe("denied"); // allowed but for bundles
    });
  });
});

test("a v0.1 bundle needs a promise for each of its log entries", () => {
  const { rekor, rekorV2, timestampAuthority } = sigstore;
  const both = { log: [rekor, rekorV2], timestampAuthority };
  const signer = sigstore.identity();
  expect(judge(signer, { ...both, format: "bundle-v0.1" }).codes).toContain("malformed"); // allowed
  expect(judge(signer, { ...both, format: "bundle-v0.3" }).outcome).toBe("allowed"); // allowed
});

describe("keys and certificates in bundles count as elsewhere", () => {
  const { rekor, rekorV2 } = sigstore;
  const format = "bundle-v0.3";
  const byCosign = (signer: Signer, options: SignOptions, asked: Attestor): string =>
    judgeSignature(victim.signedBy(signer, { format, ...options }), asked, { format: "SigstoreBundle" })
      .outcome;

  test.each<[string, SignOptions, Partial<KeyAttestor>]>([
    ["a log that proves an entry, and promised nothing", { log: rekor, logEvidence: "proof" }, {}],
    ["a log that knows no time", { log: rekorV2 }, {}],
    ["no log", {}, { rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: false } }],
    ["a log, and no SCT, which no key has", { log: rekor }, { ctlog: { ignoreSCT: true } }],
  ])("%s", (_, options, asked) => {
    const ctlog = { ignoreSCT: false };
    expect(byCosign(policyKey, options, byLoggedKey({ ctlog, ...asked }))).toBe("allowed"); // denied
  });

  test("a certificate of one's own authority", () => {
    const authority = createAuthority();
    const signer = authority.certify(createKey(), { extendedKeyUsage: ["codeSigning"] });
    const asked = { cert: signer.certificatePem, certChain: authority.pem };
    expect(byCosign(signer, {}, byCertificate(asked))).toBe("allowed"); // denied
  });
});
