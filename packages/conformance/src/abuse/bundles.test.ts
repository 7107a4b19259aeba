import { type Edits, image, type SignOptions, slsa } from "@assay/testkit";
import { base64, utf8 } from "@assay/testkit/parts";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import {
  byKey,
  byLoggedKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
  strangerKey,
} from "./world.ts";

const victim = image({ content: "victim" });
const { rekor, timestampAuthority } = sigstore;
const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);

/** A bundle by the policy's key, its value changed. */
const bundled = (
  change: (bundle: Bundle) => unknown,
  options: SignOptions = {},
  attestor = byKey(),
): Judged =>
  judgeSignature(
    victim.signedBy(policyKey, {
      format: "bundle-v0.3",
      ...options,
      edit: { bundle: (value) => change(structuredClone(value)) },
    }),
    attestor,
  );
/** The same, its text changed: what JSON.stringify would never write. */
const written = (change: (text: string) => string, options: SignOptions = {}): Judged =>
  bundled((bundle) => utf8(change(JSON.stringify(bundle))), options);

type Bundle = Record<string, unknown>;

const stranger = (): Bundle => {
  const [artifact] = victim.signedBy(strangerKey, { format: "bundle-v0.3" }).artifacts;
  return artifact?.kind === "bundle" ? JSON.parse(Buffer.from(artifact.bytes).toString()) : {};
};
const material = (bundle: Bundle): Bundle => Object(bundle["verificationMaterial"]);
const identity = sigstore.identity();

test("49 a message signature without digest is refused by the name of what it lacks", () => {
  const messageSignature = { messageDigest: {}, signature: "AAAA" };
  const { codes, messages } = bundled(({ dsseEnvelope: _, ...bundle }) => ({ ...bundle, messageSignature }));
  expect(codes).toContain("malformed");
  expect(messages.join("\n")).toContain("no usable content.messageSignature.messageDigest");
});

describe("bundles that say two things", () => {
  const evil = JSON.stringify(stranger()["dsseEnvelope"]);
  const own = (text: string): string => /"dsseEnvelope":(\{.*?\]\})/.exec(text)?.[1] ?? "";
  const message = { messageDigest: { algorithm: "SHA2_256", digest: "AAAA" }, signature: "AAAA" };
  const leaf = { rawBytes: base64(identity.certificate ?? new Uint8Array()) };
  abuseCases([
    { name: "49 an honest bundle", judge: () => bundled((bundle) => bundle), want: "allowed" },
    {
      name: "49 a statement and a message signature in one bundle",
      judge: () => bundled((bundle) => ({ ...bundle, messageSignature: message })),
    },
    {
      name: "49 neither a statement nor a message signature",
      judge: () => bundled(({ dsseEnvelope: _, ...bundle }) => bundle),
    },
    {
      name: "44 `dsseEnvelope` twice, the honest one last",
      judge: () => written((text) => text.replace("{", `{"dsseEnvelope":${evil},`)),
    },
    {
      name: "44 `dsseEnvelope` twice, the honest one first",
      judge: () => written((text) => text.replace(/\}$/, `,"dsseEnvelope":${evil}}`)),
    },
    {
      name: "44 `dsseEnvelope` and `dsse_envelope`",
      judge: () => written((text) => text.replace("{", `{"dsse_envelope":${evil},`)),
    },
    {
      name: "44 `dsse_envelope` in the honest one's place",
      judge: () =>
        written((text) =>
          text
            .replace('"dsseEnvelope"', `"dsse_envelope":${own(text)},"dsseEnvelope"`)
            .replace(own(text), evil),
        ),
    },
    {
      name: "44 `DsseEnvelope` beside `dsseEnvelope`",
      judge: () => written((text) => text.replace("{", `{"DsseEnvelope":${evil},`)),
    },
    {
      name: "44 `verificationMaterial` twice",
      judge: () => written((text) => text.replace("{", '{"verificationMaterial":{},')),
    },
    {
      name: "44 `__proto__` before everything",
      judge: () => written((text) => text.replace("{", '{"__proto__":{"verificationMaterial":{}},')),
    },
    { name: "44 text behind the bundle", judge: () => written((text) => `${text}{}`) },
    { name: "44 a byte order mark before the bundle", judge: () => written((text) => `\uFEFF${text}`) },
    { name: "44 a bundle that is a list", judge: () => bundled((bundle) => [bundle]) },
    {
      name: "44 a bundle 100,000 deep",
      judge: () =>
        written((text) => text.replace("{", `{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)},`)),
    },
    {
      name: "30 a stranger's certificate in a bundle signed by the policy's key",
      judge: () =>
        bundled((bundle) => ({
          ...bundle,
          verificationMaterial: { ...material(bundle), publicKey: undefined, certificate: leaf },
        })),
    },
    {
      name: "30 a key hint and a certificate in one bundle",
      judge: () =>
        bundled((bundle) => ({
          ...bundle,
          verificationMaterial: { ...material(bundle), certificate: leaf },
        })),
    },
    {
      name: "30 a certificate and a chain in one bundle",
      judge: () =>
        judgeSignature(
          victim.signedBy(identity, {
            format: "bundle-v0.3",
            edit: {
              bundle: (bundle) => ({
                ...bundle,
                verificationMaterial: { ...material(bundle), x509CertificateChain: { certificates: [leaf] } },
              }),
            },
          }),
          keyless(),
        ),
    },
    {
      name: "30 no word about the key",
      judge: () =>
        bundled((bundle) => ({
          ...bundle,
          verificationMaterial: { ...material(bundle), publicKey: undefined },
        })),
    },
    {
      name: "30 a key hint of another key",
      judge: () =>
        bundled((bundle) => ({
          ...bundle,
          verificationMaterial: { ...material(bundle), publicKey: { hint: "constructor" } },
        })),
      want: "allowed",
    },
    {
      name: "30 a chain without certificates",
      judge: () =>
        judgeSignature(
          victim.signedBy(identity, {
            format: "bundle-v0.2",
            edit: {
              bundle: (bundle) => ({
                ...bundle,
                verificationMaterial: { ...material(bundle), x509CertificateChain: { certificates: [] } },
              }),
            },
          }),
          keyless(),
        ),
    },
    ...[
      "application/vnd.dev.sigstore.bundle.v0.3+jsonX",
      "application/vnd.dev.sigstore.bundle.v0.4+json",
      "application/vnd.dev.sigstore.bundle.v99+json",
      "application/vnd.dev.sigstore.bundle+json;version=0.4",
      "Application/vnd.dev.sigstore.bundle.v0.3+json",
      "application/json",
      "",
    ].map(
      (mediaType): AbuseCase => ({
        name: `61 the media type \`${mediaType}\``,
        judge: () => bundled((bundle) => ({ ...bundle, mediaType })),
      }),
    ),
    { name: "61 no media type", judge: () => bundled(({ mediaType: _, ...bundle }) => bundle) },
    {
      name: "61 a bundle v0.1 with a proof and no promise",
      judge: () =>
        bundled(
          (bundle) => bundle,
          { format: "bundle-v0.1", log: rekor, logEvidence: "proof" },
          byLoggedKey(),
        ),
    },
    {
      name: "61 a bundle v0.3 with a promise and no proof",
      judge: () => bundled((bundle) => bundle, { log: rekor, logEvidence: "promise" }, byLoggedKey()),
    },
    {
      name: "56 a promise without a signature for the time",
      judge: () =>
        judgeSignature(
          victim.signedBy(identity, {
            format: "bundle-v0.3",
            edit: { bundle: (bundle) => withEntry(bundle, { inclusionPromise: {} }) },
          }),
          keyless(),
        ),
    },
    {
      name: "56 a promise that is null",
      judge: () =>
        judgeSignature(
          victim.signedBy(identity, {
            format: "bundle-v0.3",
            edit: { bundle: (bundle) => withEntry(bundle, { inclusionPromise: null }) },
          }),
          keyless(),
        ),
    },
  ]);
});

function withEntry(bundle: Bundle, fields: Bundle): Bundle {
  const copy = JSON.parse(JSON.stringify(bundle));
  Object.assign(copy.verificationMaterial.tlogEntries[0], fields);
  return copy;
}

describe("numbers and times of log entries", () => {
  const BUNDLE = "dev.sigstore.cosign/bundle";
  const annotated = (change: (text: string) => string): Judged => {
    const edit: Edits = { layerAnnotations: (all) => ({ ...all, [BUNDLE]: change(all[BUNDLE] ?? "") }) };
    return judgeSignature(victim.signedBy(policyKey, { log: rekor, edit }), byLoggedKey());
  };
  const time = (text: string): Judged =>
    annotated((all) => all.replace(/"integratedTime":\d+/, `"integratedTime":${text}`));
  const index = (text: string): Judged =>
    annotated((all) => all.replace(/"logIndex":\d+/, `"logIndex":${text}`));
  const both = (promise: Date, stamp: Date): Judged => {
    const stamped = {
      ...timestampAuthority,
      timestamp: (data: Uint8Array) => timestampAuthority.timestamp(data, stamp),
    };
    return judgeSignature(
      victim.signedBy(identity, { at: promise, timestampAuthority: stamped }),
      keyless(),
      { now: minutes(600) },
    );
  };
  abuseCases([
    { name: "57 an honest annotation", judge: () => annotated((text) => text), want: "allowed" },
    ...[
      '"1768478400"',
      "1768478400.5",
      "-1768478400",
      "null",
      "[1768478400]",
      "17684784000000000000",
      "true",
    ].map((text): AbuseCase => ({ name: `57 the integrated time ${text}`, judge: () => time(text) })),
    ...['"1005"', "9007199254740993", "-1", "1e3", "null"].map(
      (text): AbuseCase => ({ name: `57 the log index ${text}`, judge: () => index(text) }),
    ),
    { name: "57 a payload twice", judge: () => annotated((text) => text.replace("{", '{"Payload":{},')) },
    {
      name: "57 `payload` beside `Payload`",
      judge: () => annotated((text) => text.replace("{", '{"payload":{},')),
    },
    {
      name: "57 a log id in upper case",
      judge: () =>
        annotated((text) =>
          text.replace(/"logID":"([0-9a-f]+)"/, (_, id: string) => `"logID":"${id.toUpperCase()}"`),
        ),
    },
    {
      name: "57 a log id that is too short",
      judge: () => annotated((text) => text.replace(/"logID":"[0-9a-f]{8}/, '"logID":"')),
    },
    { name: "57 an annotation that is no JSON", judge: () => annotated(() => "garbage") },
    { name: "57 an annotation that is empty", judge: () => annotated(() => "") },
    {
      name: "57 a body with line breaks in its base64",
      judge: () => annotated((text) => text.replace(/"body":".{20}/, "$&\\n")),
    },
    {
      name: "54 a promise within the certificate and a timestamp within",
      judge: () => both(minutes(1), minutes(2)),
      want: "allowed",
    },
    {
      name: "54 a promise within the certificate and a timestamp after",
      judge: () => both(minutes(1), minutes(20)),
      code: "expiredCertificate",
    },
    {
      name: "54 a timestamp within the certificate and a promise after",
      judge: () => both(minutes(20), minutes(1)),
      code: "expiredCertificate",
    },
  ]);
});

describe("annotations of claims", () => {
  const claimed = (optional: string, annotations: Readonly<Record<string, string>>): Judged => {
    const claim = `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"${victim.digest}"},"type":"x"},"optional":${optional}}`;
    return judgeSignature(
      victim.signedBy(policyKey, { edit: { payload: () => utf8(claim) } }),
      byKey({ annotations }),
    );
  };
  abuseCases([
    {
      name: "34 an honest annotation under another claim type",
      judge: () => claimed('{"env":"prod"}', { env: "prod" }),
      want: "allowed",
    },
    {
      name: "34 another value",
      judge: () => claimed('{"env":"dev"}', { env: "prod" }),
      code: "annotationMismatch",
    },
    {
      name: "34 one of two",
      judge: () => claimed('{"env":"prod"}', { env: "prod", team: "a" }),
      code: "annotationMismatch",
    },
    { name: "34 a list that holds the value", judge: () => claimed('{"env":["prod"]}', { env: "prod" }) },
    { name: "34 a number that reads as the value", judge: () => claimed('{"level":3}', { level: "3" }) },
    {
      name: "34 an object that prints as the value",
      judge: () => claimed('{"env":{"toString":"prod"}}', { env: "[object Object]" }),
    },
    {
      name: "34 an annotation twice, the right one last",
      judge: () => claimed('{"env":"dev","env":"prod"}', { env: "prod" }),
    },
    {
      name: "34 an annotation twice, the right one first",
      judge: () => claimed('{"env":"prod","env":"dev"}', { env: "prod" }),
    },
    { name: "34 an annotation in another case", judge: () => claimed('{"ENV":"prod"}', { env: "prod" }) },
    {
      name: "34 an annotation that every object has",
      judge: () => claimed("{}", { toString: "function toString() { [native code] }" }),
    },
    {
      name: "34 an annotation that a prototype has",
      judge: () => claimed('{"__proto__":{"env":"prod"}}', { env: "prod" }),
    },
    { name: "34 no annotations", judge: () => claimed("null", { env: "prod" }) },
    { name: "34 annotations that are a text", judge: () => claimed('"env=prod"', { env: "prod" }) },
    { name: "34 an empty value for none", judge: () => claimed("{}", { env: "" }) },
  ]);
});

describe("attestations and whoever made them", () => {
  const wanted = slsa({ version: "0.2" });
  const evil = sigstore.identity({
    subject: "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main",
  });
  abuseCases([
    {
      name: "35 an attestation by a stranger's identity beside the right one's",
      judge: () => judgeAttestation(victim.attestedBy(evil, wanted).attestedBy(identity, wanted), keyless()),
    },
    {
      name: "35 an attestation by a stranger's identity beside the right one's, in bundles, of which Kyverno passes over the stranger's",
      judge: () => {
        const image = victim.using({ format: "bundle-v0.3" });
        return judgeAttestation(image.attestedBy(evil, wanted).attestedBy(identity, wanted), keyless());
      },
      want: "allowed",
    },
    {
      name: "35 an attestation by a stranger's identity alone, in a bundle",
      judge: () =>
        judgeAttestation(victim.using({ format: "bundle-v0.3" }).attestedBy(evil, wanted), keyless()),
      code: "identityMismatch",
    },
    {
      name: "35 an attestation by the right identity",
      judge: () => judgeAttestation(victim.attestedBy(identity, wanted), keyless()),
      want: "allowed",
    },
    {
      name: "35 two attestations, one of which does not meet the conditions",
      judge: () =>
        judgeAttestation(
          victim.attestedBy(policyKey, wanted, slsa({ version: "0.2", builder: "https://evil.example" })),
          byKey(),
          { check: ({ predicate }) => !JSON.stringify(predicate).includes("evil") },
        ),
      code: "conditionFalse",
    },
    {
      name: "35 the same where any will do",
      judge: () =>
        judgeAttestation(
          victim.attestedBy(policyKey, wanted, slsa({ version: "0.2", builder: "https://evil.example" })),
          byKey(),
          { quantifier: "any", check: ({ predicate }) => !JSON.stringify(predicate).includes("evil") },
        ),
      want: "allowed",
    },
    {
      name: "35 a later attestation that does not meet the conditions, where the latest counts",
      judge: () =>
        judgeAttestation(
          victim
            .using({ log: rekor })
            .using({ at: minutes(0) })
            .attestedBy(policyKey, wanted)
            .using({ at: minutes(5) })
            .attestedBy(policyKey, slsa({ version: "0.2", builder: "https://evil.example" })),
          byLoggedKey(),
          {
            now: minutes(10),
            quantifier: "latest",
            check: ({ predicate }) => !JSON.stringify(predicate).includes("evil"),
          },
        ),
    },
    {
      name: "35 an earlier attestation that does not meet the conditions, where the latest counts",
      judge: () =>
        judgeAttestation(
          victim
            .using({ log: rekor })
            .using({ at: minutes(5) })
            .attestedBy(policyKey, wanted)
            .using({ at: minutes(0) })
            .attestedBy(policyKey, slsa({ version: "0.2", builder: "https://evil.example" })),
          byLoggedKey(),
          {
            now: minutes(10),
            quantifier: "latest",
            check: ({ predicate }) => !JSON.stringify(predicate).includes("evil"),
          },
        ),
      want: "allowed",
    },
  ]);
});
