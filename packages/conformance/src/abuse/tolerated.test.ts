import { createKey, type Edits, type KeyKind, type Signer, type SignOptions, slsa } from "@assay/testkit";
import {
  createCtLog,
  createRekor,
  createTimestampAuthority,
  GITHUB_ISSUER,
  GITHUB_SUBJECT,
  trustedRootOf,
} from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { issuedBy, judge } from "./certificate-world.ts";
import { keyed, minutes, victim } from "./log-world.ts";
import {
  byKey,
  byLoggedKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  policyKey,
  sigstore,
} from "./world.ts";

const { clock } = sigstore;
const bundle = { format: "bundle-v0.3" } as const;

// sigstore-go or cosign refuse each of these. What they miss proves nothing here, or can be left out by whoever wants it
// to be missing: docs/compatibility.md says so, and these tests that it is true.
describe("what counts though a verifier in Go refuses it", () => {
  abuseCases([
    ...(["rsa2048", "ed25519"] as const).map(
      (kind): AbuseCase => ({
        name: `53 the promise of a log with a key ${kind}`,
        judge: () => loggedBy(kind),
        want: "allowed",
      }),
    ),
    {
      name: "71 an SCT of a log with a key p384",
      judge: () => {
        const ctLog = createCtLog("p384");
        const ctlog = { ignoreSCT: false, pubkey: ctLog.key.pem };
        return judge(sigstore.identity({ ctLogs: [ctLog] }), keyless({ ctlog }));
      },
      want: "allowed",
    },
    ...([{ entryKind: "hashedrekord" }, { entryKind: "rekord", logEvidence: "promise" }] as const).map(
      (options): AbuseCase => ({
        name: `61 a statement that was logged as ${options.entryKind}`,
        judge: () => keyed({}, { ...options, format: "bundle-v0.1" }),
        want: "allowed",
      }),
    ),
    {
      name: "85 a SHA-384 signature by a keyless P-384 key in a `.sig` image",
      judge: () =>
        judgeSignature(
          victim.signedBy(sigstore.identity({ key: createKey("p384") }), { hash: "sha384" }),
          keyless(),
        ),
      want: "allowed",
    },
    {
      name: "30 a bundle with a certificate for the policy's own key",
      judge: () => judgeSignature(victim.signedBy(sigstore.fulcio.certify(policyKey, {}), bundle), byKey()),
      want: "allowed",
    },
    {
      name: "25 a bundle with a member that nobody knows",
      judge: () => signed({ bundle: (value) => ({ ...value, comment: "x" }) }, bundle),
      want: "allowed",
    },
    {
      name: "30 a bundle whose hints name other keys",
      judge: () =>
        signed(
          {
            envelope: ({ signatures, ...rest }) => ({ ...rest, signatures: keyIds(signatures, "other") }),
            bundle: ({ verificationMaterial, ...rest }) => ({
              ...rest,
              verificationMaterial: { ...(verificationMaterial as object), publicKey: { hint: "other" } },
            }),
          },
          bundle,
        ),
      want: "allowed",
    },
    {
      name: "61 a `rekord` entry, twice",
      judge: () =>
        keyed(
          {
            bundle: ({ verificationMaterial, ...rest }) => {
              const material = verificationMaterial as { tlogEntries: readonly object[] };
              const tlogEntries = [...material.tlogEntries, ...material.tlogEntries];
              return { ...rest, verificationMaterial: { ...material, tlogEntries } };
            },
          },
          { format: "bundle-v0.1", entryKind: "rekord", logEvidence: "promise" },
        ),
      want: "allowed",
    },
    {
      name: "30 a bundle that says a digest, and not of which algorithm",
      judge: () =>
        signed(
          {
            bundle: ({ messageSignature, ...rest }) => {
              const { messageDigest, ...more } = messageSignature as { messageDigest: { digest: string } };
              return {
                ...rest,
                messageSignature: { ...more, messageDigest: { digest: messageDigest.digest } },
              };
            },
          },
          { ...bundle, content: "message" },
        ),
      want: "allowed",
    },
    ...(["dns", "uri"] as const).map(
      (kind): AbuseCase => ({
        name: `80 a bundle's certificate whose ${kind} name is the wanted one, behind another`,
        judge: () => judgeSignature(victim.signedBy(issuedTo(kind), bundle), keyless()),
        want: "allowed",
      }),
    ),
    {
      name: "52 an integrated time that nobody signed, outside of the certificate's life",
      judge: () => timedByNobody(),
      want: "allowed",
    },
    {
      name: "46 a statement with a member that nobody knows",
      judge: () => signed({ payload: (value) => ({ ...value, comment: "x" }) }, bundle),
      want: "allowed",
    },
    {
      name: "46 a signature's statement whose predicate is no object",
      judge: () => signed({ payload: (value) => ({ ...value, predicate: "x" }) }, bundle),
      want: "allowed",
    },
    { name: "29 an attestation layer without the empty annotation", judge: unannotated, want: "allowed" },
    {
      name: "87 a timestamp of nobody's beside a log entry",
      judge: () => badlyStamped(byLoggedKey()),
      want: "allowed",
    },
    {
      name: "87 a timestamp of nobody's beside a log entry, where the policy names an authority",
      judge: () => {
        const tsaCertChain = sigstore.timestampAuthority.pem;
        return badlyStamped(byLoggedKey({ ctlog: { ignoreSCT: true, tsaCertChain } }));
      },
      want: "allowed",
    },
    {
      name: "71 an SCT of an unknown log beside one of the policy's",
      judge: () =>
        judge(
          sigstore.identity({ ctLogs: [createCtLog(), sigstore.ctLog] }),
          keyless({ ctlog: { ignoreSCT: false, pubkey: sigstore.pem.ctlog } }),
        ),
      want: "allowed",
    },
    {
      name: "79 an issuer in the later extension only",
      judge: () =>
        judge(
          sigstore.identity({
            edit: (spec) => ({ ...spec, extensions: spec.extensions?.slice(1) ?? [] }),
          }),
        ),
      want: "allowed",
    },
    {
      name: "69 a negative serial number",
      judge: () => judge(issuedBy(sigstore.fulcio, { serial: Buffer.from("ff01", "hex") })),
      want: "allowed",
    },
    {
      name: "80 a name that is no URL beside the wanted one",
      judge: () =>
        judge(
          issuedBy(sigstore.fulcio, {
            alternativeNames: [
              { kind: "uri", value: "https://[::1" },
              { kind: "uri", value: GITHUB_SUBJECT },
            ],
          }),
        ),
      want: "allowed",
    },
  ]);
});

function signed(edit: Edits, options: SignOptions): Judged {
  return judgeSignature(victim.signedBy(policyKey, { ...options, edit }), byKey());
}

function keyIds(signatures: unknown, keyid: string): readonly object[] {
  return (signatures as readonly object[]).map((each) => ({ ...each, keyid }));
}

function issuedTo(kind: "dns" | "uri"): Signer {
  const other = { kind: "email", value: "a@acme.example" } as const;
  return issuedBy(sigstore.fulcio, { alternativeNames: [other, { kind, value: GITHUB_SUBJECT }] });
}

/** A proof says that something is logged, not since when; that says a timestamp. */
function timedByNobody(): Judged {
  const { timestampAuthority } = sigstore;
  const edit: Edits = { entry: (entry) => ({ ...entry, integratedTime: entry.integratedTime - 3600 }) };
  const options = { ...bundle, logEvidence: "proof", timestampAuthority, edit } as const;
  return judgeSignature(victim.signedBy(sigstore.identity(), options), keyless());
}

function unannotated(): Judged {
  const layerAnnotations = (all: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !name.endsWith("/signature")));
  const attested = victim
    .using({ edit: { layerAnnotations } })
    .attestedBy(policyKey, slsa({ version: "0.2" }));
  return judgeAttestation(attested, byKey());
}

function badlyStamped(asked: Parameters<typeof judgeSignature>[1]): Judged {
  const timestampAuthority = createTimestampAuthority({ clock });
  return judgeSignature(victim.signedBy(policyKey, { log: sigstore.rekor, timestampAuthority }), asked);
}

/** A keyless signature whose only time is the promise of a log with such a key. */
function loggedBy(kind: KeyKind): Judged {
  const log = createRekor({ clock, key: createKey(kind) });
  const trust = trustedRootOf({
    authorities: [sigstore.fulcio.chain],
    logs: [log],
    ctLogs: [sigstore.ctLog],
    timestampAuthorities: [],
  });
  return judgeSignature(
    victim.signedBy(sigstore.identity(), { log }),
    keyless({ subject: GITHUB_SUBJECT, issuer: GITHUB_ISSUER }),
    { trust: JSON.stringify(trust), now: minutes(600) },
  );
}
