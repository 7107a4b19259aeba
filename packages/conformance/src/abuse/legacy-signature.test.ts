import {
  createSigstore,
  custom,
  type Edits,
  image,
  type SignedArtifact,
  type TestImage,
} from "@assay/testkit";
import { pem, utf8 } from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import {
  byKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  policyKey,
  setOf,
  sigstore,
  strangerKey,
} from "./world.ts";

const SIGNATURE = "dev.cosignproject.cosign/signature";
const CERTIFICATE = "dev.sigstore.cosign/certificate";
const CHAIN = "dev.sigstore.cosign/chain";
const victim = image({ content: "victim" });

const signedWith = (edit: Edits): Judged => judgeSignature(victim.signedBy(policyKey, { edit }), byKey());
const claimed = (claim: unknown): Judged =>
  signedWith({ payload: () => (typeof claim === "string" ? utf8(claim) : claim) });
const annotated = (change: (value: string) => string): Judged =>
  signedWith({ layerAnnotations: (all) => ({ ...all, [SIGNATURE]: change(all[SIGNATURE] ?? "") }) });

const IMAGE = `"image":{"docker-manifest-digest":"${victim.digest}"}`;
const GOOD = `"critical":{"identity":{"docker-reference":"acme/app"},${IMAGE},"type":"cosign container image signature"}`;
const BAD = GOOD.replace(victim.digest, `sha256:${"0".repeat(64)}`);

describe("legacy signatures", () => {
  abuseCases([
    { name: "22 an honest signature by the policy's key", judge: () => signedWith({}), want: "allowed" },
    {
      name: "22 a signature copied from another image",
      judge: () =>
        judgeSignature(
          victim.carrying(...image({ content: "other" }).signedBy(policyKey).artifacts),
          byKey(),
        ),
      code: "claimMismatch",
    },
    ...["sha512:", "SHA256:", "", "sha256-", " sha256:"].map(
      (prefix): AbuseCase => ({
        name: `23 a claim that says \`${prefix}\` before the right hex`,
        judge: () => claimed(`{${GOOD.replace("sha256:", prefix)},"optional":null}`),
        code: "claimMismatch",
      }),
    ),
    {
      name: "24 the signature of one layer with the payload of another",
      judge: () => {
        const [own] = victim.signedBy(strangerKey).artifacts;
        const [other] = image({ content: "other" }).signedBy(policyKey).artifacts;
        return judgeSignature(victim.carrying(...spliced(own, other)), byKey());
      },
      code: "untrustedSigner",
    },
    ...duplicateKeys(),
    ...Object.entries({
      "a list": "[]",
      "a text": '"text"',
      null: "null",
      "without `critical`": '{"optional":null}',
      "with `critical` only in a prototype": `{"__proto__":{${GOOD}}}`,
      "with the digest only in a prototype": `{"critical":{"image":{"__proto__":{"docker-manifest-digest":"${victim.digest}"}}}}`,
      "with a constructor for `critical`": `{"constructor":{${GOOD}}}`,
      "with a digest that is a list": `{"critical":{"image":{"docker-manifest-digest":["${victim.digest}"]}}}`,
      "with a key in another case": `{${GOOD.replace("docker-manifest-digest", "Docker-manifest-digest")}}`,
      "followed by more text": `{${GOOD}}{}`,
      "behind a byte order mark": `\uFEFF{${GOOD}}`,
    }).map(([what, text]): AbuseCase => ({ name: `26 a claim ${what}`, judge: () => claimed(text) })),
  ]);
});

function spliced(own: SignedArtifact | undefined, other: SignedArtifact | undefined): SignedArtifact[] {
  if (own?.kind !== "legacy" || other?.kind !== "legacy") return [];
  return [{ ...own, annotations: other.annotations }];
}

function duplicateKeys(): readonly AbuseCase[] {
  const claims = {
    "`critical` twice, the right one first": `{${GOOD},${BAD}}`,
    "`critical` twice, the right one last": `{${BAD},${GOOD}}`,
    "`critical` and `Critical`": `{${GOOD},${BAD.replace('"critical"', '"Critical"')}}`,
    "`CRITICAL` before `critical`": `{${BAD.replace('"critical"', '"CRITICAL"')},${GOOD}}`,
    "the digest twice": `{${GOOD.replace(IMAGE, IMAGE.replace("{", `{"docker-manifest-digest":"sha256:${"0".repeat(64)}",`))}}`,
    "the digest in two cases": `{${GOOD.replace(IMAGE, IMAGE.replace("{", `{"DOCKER-MANIFEST-DIGEST":"sha256:${"0".repeat(64)}",`))}}`,
    "`critical` escaped the second time": `{${GOOD},${BAD.replace('"critical"', '"\\u0063ritical"')}}`,
  };
  return Object.entries(claims).map(([what, text]) => ({
    name: `25 a claim with ${what}`,
    judge: () => claimed(text),
    code: "malformed",
  }));
}

describe("signature bytes", () => {
  const highS = (der: Uint8Array): Uint8Array => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const { r, s } = readDer(der);
    return writeDer(r, s > order / 2n ? s : order - s);
  };
  const low = (der: Uint8Array): Uint8Array => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const { r, s } = readDer(der);
    return writeDer(r, s > order / 2n ? order - s : s);
  };
  const p1363 = (der: Uint8Array): Uint8Array => {
    const { r, s } = readDer(der);
    return Buffer.from(r.toString(16).padStart(64, "0") + s.toString(16).padStart(64, "0"), "hex");
  };
  abuseCases([
    {
      name: "27 a byte behind the signature",
      judge: () => signedWith({ signature: (s) => Buffer.concat([s, Buffer.of(0)]) }),
    },
    { name: "27 a byte too few", judge: () => signedWith({ signature: (s) => s.slice(0, -1) }) },
    { name: "27 r and s without DER", judge: () => signedWith({ signature: p1363 }), code: "badSignature" },
    { name: "27 an empty signature", judge: () => signedWith({ signature: () => new Uint8Array() }) },
    { name: "27 r and s of zero", judge: () => signedWith({ signature: () => writeDer(0n, 0n) }) },
    {
      name: "27 the higher of the two valid values of s",
      judge: () => signedWith({ signature: highS }),
      want: "allowed",
    },
    {
      name: "27 the lower of the two valid values of s",
      judge: () => signedWith({ signature: low }),
      want: "allowed",
    },
    { name: "28 line breaks in the base64", judge: () => annotated((text) => text.replace(/.{20}/, "$&\n")) },
    { name: "28 a space before the base64", judge: () => annotated((text) => ` ${text}`) },
    {
      name: "28 url-safe base64",
      judge: () => awkward((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    },
    { name: "28 no padding", judge: () => awkward((text) => text.replaceAll("=", "")) },
    { name: "28 bits in the padding", judge: () => awkward(dirtyPadding) },
    { name: "28 bytes behind the padding", judge: () => annotated((text) => `${text}AAAA`) },
    { name: "28 the same base64 untouched", judge: () => awkward((text) => text), want: "allowed" },
  ]);
});

/** A signature whose base64 has padding and a character that url-safe base64 writes differently. */
function awkward(change: (text: string) => string): Judged {
  for (;;) {
    const [artifact] = victim.signedBy(policyKey).artifacts;
    if (artifact?.kind !== "legacy") throw new Error("not a legacy signature");
    const text = artifact.annotations[SIGNATURE] ?? "";
    if (!/[+/]/.test(text) || !text.endsWith("=")) continue;
    const annotations = { ...artifact.annotations, [SIGNATURE]: change(text) };
    return judgeSignature(victim.carrying({ ...artifact, annotations }), byKey());
  }
}

/** The same bytes for a careless decoder: the last letter's unused bits are set. */
function dirtyPadding(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const at = text.indexOf("=") - 1;
  return `${text.slice(0, at)}${alphabet[alphabet.indexOf(text[at] ?? "") + 1]}${text.slice(at + 1)}`;
}

function readDer(der: Uint8Array): { readonly r: bigint; readonly s: bigint } {
  const length = der[3] ?? 0;
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return { r: number(der.slice(4, 4 + length)), s: number(der.slice(6 + length)) };
}

function writeDer(r: bigint, s: bigint): Uint8Array {
  const integer = (value: bigint): Buffer => {
    const hex = value.toString(16);
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
    return Buffer.concat([Buffer.of(2, padded.length), padded]);
  };
  const body = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

describe("layers in the wrong place", () => {
  const moved = (from: TestImage, holds: "signature" | "attestation"): TestImage =>
    victim.carrying(
      ...from.artifacts.flatMap((each) => (each.kind === "legacy" ? [{ ...each, holds }] : [])),
    );
  const signedEnvelope = victim.attestedBy(policyKey, custom("x"));
  abuseCases([
    {
      name: "29 an attestation among the signatures",
      judge: () => judgeSignature(moved(signedEnvelope, "signature"), byKey()),
    },
    {
      name: "29 a claim among the attestations",
      judge: () => judgeAttestation(moved(victim.signedBy(policyKey), "attestation"), byKey()),
    },
    {
      name: "29 an attestation among the signatures, its signature copied to the annotation",
      judge: () => {
        const [envelope] = signedEnvelope.artifacts;
        if (envelope?.kind !== "legacy") throw new Error("not a legacy attestation");
        const { signatures } = JSON.parse(Buffer.from(envelope.payload).toString());
        const annotations = { ...envelope.annotations, [SIGNATURE]: signatures[0].sig };
        return judgeSignature(victim.carrying({ ...envelope, holds: "signature", annotations }), byKey());
      },
    },
  ]);
});

describe("certificates beside signatures", () => {
  const identity = sigstore.identity();
  const honest = victim.signedBy(identity);
  const leaf = pem(identity.certificate ?? new Uint8Array(), "CERTIFICATE");
  const intermediate = pem(sigstore.fulcio.intermediate.certificate, "CERTIFICATE");
  const withCertificate = (text: string): Judged => {
    const edit: Edits = { layerAnnotations: (all) => ({ ...all, [CERTIFICATE]: text }) };
    return judgeSignature(victim.signedBy(identity, { edit }), keyless());
  };
  const attacker = createSigstore();
  const forged = { ...attacker.identity(), log: sigstore.rekor };
  abuseCases([
    {
      name: "30 a stranger's certificate beside the policy key's signature",
      judge: () => signedWith({ layerAnnotations: (all) => ({ ...all, [CERTIFICATE]: leaf }) }),
    },
    {
      name: "30 garbage for a certificate beside the policy key's signature",
      judge: () => signedWith({ layerAnnotations: (all) => ({ ...all, [CERTIFICATE]: "garbage" }) }),
    },
    { name: "31 an honest certificate", judge: () => judgeSignature(honest, keyless()), want: "allowed" },
    { name: "31 two certificates, the leaf second", judge: () => withCertificate(`${intermediate}${leaf}`) },
    { name: "31 two certificates, the leaf first", judge: () => withCertificate(`${leaf}${intermediate}`) },
    { name: "31 text before the certificate", judge: () => withCertificate(`Subject: acme\n${leaf}`) },
    { name: "31 text behind the certificate", judge: () => withCertificate(`${leaf}trailer\n`) },
    {
      name: "31 a certificate request",
      judge: () => withCertificate(leaf.replaceAll("CERTIFICATE", "CERTIFICATE REQUEST")),
    },
    { name: "31 no certificate", judge: () => withCertificate("") },
    {
      name: "32 an attacker's root in the chain annotation",
      judge: () => judgeSignature(victim.signedBy(forged), keyless()),
      code: "untrustedSigner",
    },
    {
      name: "32 an attacker's root behind the real chain",
      judge: () => {
        const chain = [...sigstore.fulcio.chain, ...attacker.fulcio.chain]
          .map((der) => pem(der, "CERTIFICATE"))
          .join("");
        const edit: Edits = { layerAnnotations: (all) => ({ ...all, [CHAIN]: chain }) };
        return judgeSignature(victim.signedBy(forged, { edit }), keyless());
      },
      code: "untrustedSigner",
    },
  ]);
});

describe("several signatures and several attestors", () => {
  const second = byKey({ publicKeys: strangerKey.pem });
  const annotations = { env: "prod" };
  const asked = keyless({ annotations });
  const evil = sigstore.identity({
    subject: "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main",
  });
  const right = sigstore.identity();
  abuseCases([
    {
      name: "33 one signature for two keys that must both sign",
      judge: () => judgeSignature(victim.signedBy(strangerKey), [setOf([byKey(), second], 2)]),
    },
    {
      name: "33 two signatures by the same key for two keys that must both sign",
      judge: () =>
        judgeSignature(victim.signedBy(strangerKey).signedBy(strangerKey), [setOf([byKey(), second], 2)]),
    },
    {
      name: "33 one key listed twice to reach a count of two",
      judge: () => judgeSignature(victim.signedBy(policyKey), [setOf([byKey(), byKey()], 2)]),
    },
    {
      name: "33 both signatures for two keys",
      judge: () =>
        judgeSignature(victim.signedBy(policyKey).signedBy(strangerKey), [setOf([byKey(), second], 2)]),
      want: "allowed",
    },
    {
      name: "34 annotations by one signature and identity by another",
      judge: () => judgeSignature(victim.signedBy(right).signedBy(evil, { annotations }), asked),
    },
    {
      name: "34 annotations and identity by the same signature",
      judge: () =>
        judgeSignature(victim.signedBy(evil, { annotations }).signedBy(right, { annotations }), asked),
      want: "allowed",
    },
    {
      name: "34 annotations by a stranger's key beside the policy key's signature",
      judge: () =>
        judgeSignature(
          victim.signedBy(policyKey).signedBy(strangerKey, { annotations }),
          byKey({ annotations }),
        ),
    },
  ]);
});
