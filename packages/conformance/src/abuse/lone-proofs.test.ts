import { parseDigest } from "@assay/image";
import { type Edits, image, type SignOptions, slsa, type TimestampOptions } from "@assay/testkit";
import { der, fulcioExtensions, GITHUB_ISSUER, sctExtension, TAG, utf8 } from "@assay/testkit/parts";
import { parseTrustRoot } from "@assay/verify";
import { verifyBundle } from "@assay/verify/bundle";
import { describe } from "vitest";
import { abuseCases } from "./cases.ts";
import { identifiedAs, issuedBy } from "./certificate-world.ts";
import { flipped, identity, keyed, minutes, victim } from "./log-world.ts";
import {
  byKey,
  byLoggedKey,
  candidateOf,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
  strangerKey,
} from "./world.ts";

// Each of these is wrong in one single way: no other check would stop it.

const { rekor, timestampAuthority } = sigstore;
const wanted = slsa({ version: "0.2" });
const attested = (options: SignOptions): Judged =>
  judgeAttestation(victim.using({ log: rekor, ...options }).attestedBy(policyKey, wanted), byLoggedKey());
const proven = (edit: Edits): Judged => keyed(edit, { format: "bundle-v0.3", logEvidence: "proof" });

describe("log entries", () => {
  const brokenPromise: Edits = {
    entry: (entry) => ({ ...entry, promise: flipped(entry.promise ?? new Uint8Array()) }),
  };
  abuseCases([
    {
      name: "52 a rekord of another signature over the same claim",
      judge: () =>
        keyed(
          { logRequest: (request) => ({ ...request, signature: flipped(request.signature) }) },
          { entryKind: "rekord" },
        ),
    },
    {
      name: "53 an altered promise over a rekord",
      judge: () => keyed(brokenPromise, { entryKind: "rekord" }),
    },
    {
      name: "53 an altered promise over intoto/0.0.1",
      judge: () => attested({ entryKind: "intoto001", edit: brokenPromise }),
    },
    { name: "61 intoto/0.0.1 for a claim", judge: () => keyed({}, { entryKind: "intoto001" }) },
    {
      name: "53 an altered promise beside a proof that holds",
      judge: () => keyed(brokenPromise, { format: "bundle-v0.3" }),
    },
    {
      name: "57 a broken proof beside a promise that holds",
      judge: () =>
        keyed(
          {
            entry: (entry) => ({
              ...entry,
              ...(entry.proof && { proof: { ...entry.proof, hashes: [new Uint8Array(32)] } }),
            }),
          },
          { format: "bundle-v0.3" },
        ),
    },
    {
      name: "61 a hashedrekord that calls itself rekord",
      judge: () =>
        keyed(
          { entry: (entry) => ({ ...entry, kind: "rekord" }) },
          { format: "bundle-v0.3", entryKind: "hashedrekord" },
        ),
    },
    {
      name: "61 two signatures in one entry, of which only a promise tells",
      judge: () =>
        attested({
          entryKind: "dsse",
          edit: {
            logBody: (value) => {
              const copy = JSON.parse(JSON.stringify(value));
              copy.spec.signatures.push(copy.spec.signatures[0]);
              return copy;
            },
          },
        }),
    },
    {
      name: "57 a wrong root in the proof only",
      judge: () =>
        proven({
          entry: (entry) => ({
            ...entry,
            ...(entry.proof && { proof: { ...entry.proof, rootHash: new Uint8Array(32) } }),
          }),
        }),
    },
    {
      name: "59 an index of fifteen digits",
      judge: () => proven({ entry: (entry) => ({ ...entry, logIndex: 123_456_789_012_345 }) }),
      want: "allowed",
    },
    {
      name: "59 an index of sixteen digits",
      judge: () => proven({ entry: (entry) => ({ ...entry, logIndex: 1_234_567_890_123_456 }) }),
    },
  ]);
});

describe("sizes", () => {
  const claim = (fill: number): Judged => {
    const text = `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"${victim.digest}"},"type":"x"},"optional":{"fill":"${"x".repeat(fill)}"}}`;
    return judgeSignature(victim.signedBy(policyKey, { edit: { payload: () => utf8(text) } }), byKey());
  };
  const large = issuedBy(sigstore.fulcio, {
    extensions: [{ oid: "1.2.3.4", value: der(TAG.octetString, new Uint8Array(30_000)) }],
  });
  const padded = (count: number): Judged =>
    stamped({
      embed: [
        timestampAuthority.chain[0] ?? new Uint8Array(),
        ...Array.from({ length: count }, () => large.certificate ?? new Uint8Array()),
      ],
    });
  const bigCertificate = issuedBy(sigstore.fulcio, {
    extensions: [
      ...fulcioExtensions(GITHUB_ISSUER, {}),
      { oid: "1.2.3.4", value: der(TAG.octetString, new Uint8Array(70_000)) },
    ],
  });
  const scts = (count: number): Judged =>
    identifiedAs({
      scts: (tbs, issuer) =>
        sctExtension(Array.from({ length: count }, () => sigstore.ctLog.sign(tbs, issuer, now))),
    });
  abuseCases([
    { name: "5 a claim of 100 KB", judge: () => claim(100_000), want: "allowed" },
    { name: "5 a claim of 20 MB", judge: () => claim(20_000_000), code: "tooLarge" },
    { name: "93 a timestamp with 90 KB of certificates", judge: () => padded(3), want: "allowed" },
    { name: "93 a timestamp with 300 KB of certificates", judge: () => padded(10) },
    {
      name: "69 a certificate of 70 KB in a bundle",
      judge: () => judgeSignature(victim.signedBy(bigCertificate, { format: "bundle-v0.3" }), keyless()),
    },
    { name: "71 two timestamps of the CT log", judge: () => scts(2), want: "allowed" },
    { name: "71 a hundred timestamps of the CT log", judge: () => scts(100) },
  ]);
});

/** The only time is such a timestamp. */
function stamped(how: TimestampOptions): Judged {
  const authority = {
    ...timestampAuthority,
    timestamp: (data: Uint8Array, at?: Date) => timestampAuthority.timestamp(data, at, how),
  };
  const signed = victim.signedBy(identity, {
    format: "bundle-v0.3",
    logEvidence: "proof",
    timestampAuthority: authority,
  });
  return judgeSignature(signed, keyless(), { now: minutes(600) });
}

describe("timestamps", () => {
  abuseCases([
    { name: "87 a timestamp that its authority signed twice", judge: () => stamped({ signers: 2 }) },
    { name: "87 a signature over another kind of content", judge: () => stamped({ contentType: "data" }) },
    {
      name: "87 a signature over another content",
      judge: () => stamped({ messageDigest: new Uint8Array(32) }),
    },
    { name: "87 signed attributes that are there twice", judge: () => stamped({ twice: true }) },
  ]);
});

describe("what the engine read", () => {
  const message = { format: "bundle-v0.3", content: "message" } as const;
  const other = image({ content: "other" });
  abuseCases([
    {
      name: "49 a message signature where the manifest was not read",
      judge: () => judgeSignature(victim.signedBy(policyKey, message), byKey(), { manifest: false }),
      want: "error",
      code: "manifestUnavailable",
    },
    {
      name: "49 a message signature over another manifest, where this image's was not read",
      judge: () =>
        judgeSignature(victim.carrying(...other.signedBy(policyKey, message).artifacts), byKey(), {
          manifest: false,
        }),
      code: "claimMismatch",
    },
    {
      name: "49 a message signature over the manifest of another image, which was handed in for this one's",
      judge: () =>
        judgeSignature(victim.carrying(...other.signedBy(policyKey, message).artifacts), byKey(), {
          manifest: other.manifest,
        }),
      code: "claimMismatch",
    },
  ]);
});

describe("attestations that could not all be read", () => {
  const good = victim.attestedBy(policyKey, wanted);
  const origin = { shelf: "attestationTag", repository: "registry.test/acme/app" } as const;
  const own = keyless({
    roots: sigstore.pem.roots,
    rekor: { ignoreTlog: false, pubkey: sigstore.pem.rekor },
    ctlog: { ignoreSCT: false, pubkey: sigstore.pem.ctlog },
  });
  const signed = victim.attestedBy(identity, wanted);
  const stampedToo = signed
    .using({ format: "bundle-v0.3", logEvidence: "proof", timestampAuthority })
    .attestedBy(identity, wanted);
  abuseCases([
    {
      name: "7 an attestation too large to be read beside one that holds",
      judge: () =>
        judgeAttestation(good, byKey(), {
          candidates: [
            ...good.artifacts.map(candidateOf),
            { kind: "unreadable", code: "tooLarge", message: "larger than 64 MiB", origin },
          ],
        }),
      code: "tooLarge",
    },
    {
      name: "29 an attestation that also carries a signature annotation",
      judge: () =>
        judgeAttestation(
          victim
            .attestedBy(policyKey, wanted)
            .using({
              edit: { layerAnnotations: (all) => ({ ...all, "dev.cosignproject.cosign/signature": "AAAA" }) },
            })
            .attestedBy(policyKey, wanted),
          byKey(),
        ),
      want: "allowed",
    },
    {
      name: "29 only an attestation that carries a signature annotation",
      judge: () =>
        judgeAttestation(
          victim
            .using({
              edit: { layerAnnotations: (all) => ({ ...all, "dev.cosignproject.cosign/signature": "AAAA" }) },
            })
            .attestedBy(policyKey, wanted),
          byKey(),
        ),
    },
    {
      name: "91 an attestation that holds, by the policy's own roots and logs",
      judge: () => judgeAttestation(signed, own, { trust: false }),
      want: "allowed",
    },
    {
      name: "91 an attestation that cannot be decided beside one that holds",
      judge: () => judgeAttestation(stampedToo, own, { trust: false }),
      want: "error",
    },
  ]);
});

describe("a file of which only the digest is given", () => {
  const trust = parseTrustRoot(sigstore.trustedRoot());
  const options = { format: "bundle-v0.3", content: "message", log: rekor } as const;
  const byDigest = (signer: typeof policyKey, options: SignOptions): Judged => {
    const [bundle] = victim.signedBy(signer, options).artifacts;
    if (bundle?.kind !== "bundle") throw new Error("not a bundle");
    const artifact = { digest: parseDigest(victim.digest) };
    const { trace } = verifyBundle(bundle.bytes, { artifact, signer: { key: policyKey.pem }, trust, now });
    const outcome = trace.outcome === "pass" ? "allowed" : "denied";
    return { outcome, codes: [trace.code], messages: [trace.message], statements: [] };
  };
  // Whoever asks the log decides what key it records.
  const logged: Edits = {
    logRequest: (request) => ({
      ...request,
      verifier: { kind: "publicKey", der: policyKey.spki, key: policyKey },
    }),
  };
  abuseCases([
    {
      name: "49 a message signature by the key that was named",
      judge: () => byDigest(policyKey, options),
      want: "allowed",
    },
    {
      name: "49 a stranger's message signature, logged in the name of that key",
      judge: () => byDigest(strangerKey, { ...options, edit: logged }),
    },
  ]);
});
