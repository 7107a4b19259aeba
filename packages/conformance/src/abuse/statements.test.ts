import { createHash } from "node:crypto";
import { type Edits, image, predicate, slsa, spdx, vuln } from "@assay/testkit";
import { base64, preAuthEncoding, signBytes, utf8 } from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { attestedWith, inEach, stating, textually, victim } from "./statement-world.ts";
import {
  byKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  policyKey,
  strangerKey,
  WANTED_TYPE,
} from "./world.ts";

describe("envelopes", () => {
  const envelope = (fields: Record<string, unknown>): Edits => ({
    envelope: (all) => ({ ...all, ...fields }),
  });
  const signatures = (change: (own: unknown) => readonly unknown[]): Edits => ({
    envelope: (all) => ({
      ...all,
      signatures: change(Array.isArray(all["signatures"]) ? all["signatures"][0] : undefined),
    }),
  });
  const foreign = { keyid: "", sig: base64(signBytes(strangerKey, utf8("else"))) };
  const payload = (change: (text: string) => string): Edits => ({
    envelope: (all) => ({ ...all, payload: change(String(all["payload"])) }),
  });
  abuseCases([
    ...inEach("41 a signed payload that is not JSON", { payload: () => utf8("not json") }),
    ...inEach("41 a signed payload that is empty", { payload: () => new Uint8Array() }),
    ...inEach("41 a signed payload that is a list", { payload: () => utf8("[]") }),
    ...inEach("41 a signed payload that is not UTF-8", { payload: () => Uint8Array.of(0x7b, 0xff, 0x7d) }),
    ...inEach("42 a signed payload type `text/plain`", { payloadType: "text/plain" }),
    ...inEach("42 a signed payload type with parameters", { payloadType: "application/vnd.in-toto+json; x" }),
    ...inEach("42 a signed payload type in upper case", { payloadType: "APPLICATION/VND.IN-TOTO+JSON" }),
    ...inEach(
      "42 a payload type changed after signing",
      envelope({ payloadType: "application/vnd.in-toto+json " }),
    ),
    {
      name: "42 a payload signed as text, its type changed after signing",
      judge: () =>
        attestedWith({
          payloadType: "text/plain",
          ...envelope({ payloadType: "application/vnd.in-toto+json" }),
        }),
      code: "untrustedSigner",
    },
    ...inEach(
      "43 no signature",
      signatures(() => []),
    ),
    ...inEach(
      "43 two signatures, the first a stranger's",
      signatures((own) => [foreign, own]),
    ),
    ...inEach(
      "43 two signatures, the second a stranger's",
      signatures((own) => [own, foreign]),
    ),
    ...inEach(
      "43 the same signature twice",
      signatures((own) => [own, own]),
    ),
    ...inEach("43 signatures that are an object", envelope({ signatures: { sig: "AA==" } })),
    ...inEach(
      "43 a key id that names another key",
      signatures((own) => [{ ...Object(own), keyid: "SHA256:someone-else" }]),
      { want: "allowed" },
    ),
    ...inEach("44 a payload in url-safe base64", {
      ...stating({ predicate: { note: "\u00fb\u00ff\u00be???>>>" } }),
      ...payload((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    }),
    ...inEach(
      "44 a payload with line breaks",
      payload((text) => text.replace(/.{60}/, "$&\n")),
    ),
    ...inEach("44 a payload without padding", {
      ...padded(1),
      ...payload((text) => text.replaceAll("=", "")),
    }),
    ...inEach("44 a payload with bits in the padding", { ...padded(1), ...payload(dirtyPadding) }),
    ...inEach("45 a payload type that takes in the start of the payload", shiftedSplit()),
    {
      name: "45 lengths that count characters where the payload type is not ASCII",
      judge: () => countedInCharacters(),
      code: "untrustedSigner",
    },
    ...duplicateEnvelopeKeys(),
  ]);

  function duplicateEnvelopeKeys(): readonly AbuseCase[] {
    const doubled = (change: (text: string) => string): Edits => ({
      envelope: (all) => utf8(change(JSON.stringify(all))),
    });
    const evil = base64(utf8('{"_type":"evil"}'));
    // Only where the envelope's own text is kept: a bundle is written anew from its value.
    const cases = {
      "`payload` twice": (text: string) => text.replace("{", `{"payload":"${evil}",`),
      "`payload` and `Payload`": (text: string) => text.replace("{", `{"Payload":"${evil}",`),
      "`payloadType` twice": (text: string) => text.replace("{", '{"payloadType":"text/plain",'),
    };
    return Object.entries(cases).map(([what, change]) => ({
      name: `44 an envelope with ${what}`,
      judge: () => attestedWith(doubled(change)),
      code: "malformed",
    }));
  }
});

/** A statement whose base64 ends in `=`, `count` of them. */
function padded(count: number): Edits {
  return {
    payload: (statement) => {
      for (let fill = ""; ; fill += "x") {
        const text = JSON.stringify({ ...statement, fill });
        if (base64(utf8(text)).split("=").length - 1 === count) return utf8(text);
      }
    },
  };
}

function dirtyPadding(text: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const at = text.indexOf("=") - 1;
  return `${text.slice(0, at)}${alphabet[alphabet.indexOf(text[at] ?? "") + 1]}${text.slice(at + 1)}`;
}

/** Moves the border between type and payload: the concatenation looks alike, the lengths do not. */
function shiftedSplit(): Edits {
  return {
    envelope: (all) => {
      const payload = Buffer.from(String(all["payload"]), "base64");
      const head = ` ${payload.length} ${payload.subarray(0, 10).toString()}`;
      return {
        ...all,
        payloadType: `${String(all["payloadType"])}${head}`,
        payload: payload.subarray(10).toString("base64"),
      };
    },
  };
}

/** Signed over an encoding that counts characters: a verifier that does the same would accept it. */
function countedInCharacters(): Judged {
  const payloadType = "application/vnd.in-toto+json";
  const edit: Edits = {
    envelope: (all) => {
      const payload = Buffer.from(JSON.stringify({ ...statementOf(all), note: "\u00fc\u00fc" }));
      const characters = payload.toString().length;
      const wrong = Buffer.concat([
        utf8(`DSSEv1 ${payloadType.length} ${payloadType} ${characters} `),
        payload,
      ]);
      const sig = base64(signBytes(policyKey, wrong));
      return { payloadType, payload: base64(payload), signatures: [{ keyid: "", sig }] };
    },
  };
  return attestedWith(edit);
}

function statementOf(envelope: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(envelope["payload"]), "base64").toString());
}

describe("statements", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const predicateText = (text: string): Edits =>
    textually((whole) => whole.replace(/"predicate":.*\}$/s, `"predicate":${text}}`));
  abuseCases([
    ...inEach("46 a foreign `_type`", stating({ _type: "https://evil.example/Statement/v1" })),
    ...inEach("46 no `_type`", stating({ _type: undefined })),
    ...inEach(
      "46 `_type` twice",
      textually((text) => text.replace("{", '{"_type":"https://in-toto.io/Statement/v1",')),
    ),
    ...inEach(
      "46 `subject` twice",
      textually((text) => text.replace("{", '{"subject":[],')),
    ),
    ...inEach(
      "46 `subject` and `Subject`",
      textually((text) => text.replace("{", '{"Subject":[],')),
    ),
    ...inEach("46 in-toto Statement v1", stating({ _type: "https://in-toto.io/Statement/v1" }), {
      want: "allowed",
    }),
    ...inEach("46 an unknown field beside the known ones", stating({ more: true }), { want: "allowed" }),
    ...inEach("46 a predicate 100,000 deep", predicateText(`{"deep":${deep}}`)),
    ...inEach("46 a number of 10 MB", predicateText(`{"n":${"9".repeat(10_000_000)}}`), {}),
    {
      name: "46 a predicate that is a text is given as a text",
      judge: () =>
        withStatements(
          judgeAttestation(victim.attestedBy(policyKey, spdx({ asText: true })), byKey(), {
            type: "https://spdx.dev/Document",
          }),
          (given) => typeof given === "string",
        ),
      want: "allowed",
    },
    {
      name: "46 a predicate with `__proto__` brings no prototype",
      judge: () => {
        const edit = predicateText(
          '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}',
        );
        return withStatements(
          attestedWith(edit),
          (given) => Object(given).isAdmin === undefined && Object({}).isAdmin === undefined,
        );
      },
      want: "allowed",
    },
    {
      name: "47 conditions that hold for an unverified copy only",
      judge: () => {
        const forged = victim.attestedBy(
          strangerKey,
          slsa({ version: "0.2", builder: "https://good.example" }),
        );
        const both = forged.attestedBy(policyKey, slsa({ version: "0.2", builder: "https://bad.example" }));
        const check = (statement: { readonly predicate: unknown }): boolean =>
          JSON.stringify(statement.predicate).includes("https://good.example");
        return judgeAttestation(both, byKey(), { check });
      },
      code: "conditionFalse",
    },
    {
      name: "47 a predicate replaced after signing",
      judge: () =>
        attestedWith({
          envelope: (all) => ({
            ...all,
            payload: base64(utf8(JSON.stringify({ ...statementOf(all), predicate: { builder: "good" } }))),
          }),
        }),
      code: "untrustedSigner",
    },
    {
      name: "13 an unsigned annotation that claims the wanted type",
      judge: () => {
        const edit: Edits = {
          layerAnnotations: (all) => ({
            ...all,
            predicateType: WANTED_TYPE,
            "dev.sigstore.bundle.predicateType": WANTED_TYPE,
          }),
        };
        return judgeAttestation(victim.using({ edit }).attestedBy(policyKey, vuln()), byKey());
      },
      code: "predicateTypeMissing",
    },
  ]);
});

/** Allowed only if what the conditions were given is as it should be. */
function withStatements(judged: Judged, holds: (predicate: unknown) => boolean): Judged {
  const fine =
    judged.statements.length === 1 && judged.statements.every(({ predicate: given }) => holds(given));
  return fine
    ? judged
    : {
        ...judged,
        outcome: "denied",
        messages: [...judged.messages, "the conditions were given something else"],
      };
}

describe("what counts as an image signature", () => {
  const provenance = victim.using({ format: "bundle-v0.3" }).attestedBy(policyKey, slsa());
  const manifest = (content: string): Uint8Array => image({ content }).manifest;
  const message = victim.using({ format: "bundle-v0.3", content: "message" });
  const replaced = (fields: Record<string, unknown>): Edits => ({
    bundle: (bundle) => ({
      ...bundle,
      messageSignature: { ...Object(bundle["messageSignature"]), ...fields },
    }),
  });
  const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("base64");
  abuseCases([
    {
      name: "48 provenance for a signature",
      judge: () => judgeSignature(provenance, byKey()),
      code: "notSigned",
    },
    {
      name: "48 provenance for a signature where the policy reads any statement as one",
      judge: () => judgeSignature(provenance, byKey(), { signaturePredicateTypes: "any" }),
      want: "allowed",
    },
    {
      name: "48 provenance of another image where any statement is a signature",
      judge: () => {
        const { artifacts } = image({ content: "other" })
          .using({ format: "bundle-v0.3" })
          .attestedBy(policyKey, slsa());
        return judgeSignature(victim.carrying(...artifacts), byKey(), { signaturePredicateTypes: "any" });
      },
    },
    {
      name: "48 a statement of cosign's signature type",
      judge: () => judgeSignature(victim.using({ format: "bundle-v0.3" }).signedBy(policyKey), byKey()),
      want: "allowed",
    },
    {
      name: "48 a predicate type that only looks like cosign's",
      judge: () => {
        const near = predicate("https://sigstore.dev/cosign/sign/v1/", {});
        return judgeSignature(victim.using({ format: "bundle-v0.3" }).attestedBy(policyKey, near), byKey());
      },
    },
    {
      name: "49 a message signature over the image manifest",
      judge: () => judgeSignature(message.signedBy(policyKey), byKey()),
      want: "allowed",
    },
    {
      name: "49 a message signature over another manifest",
      judge: () => {
        const other = image({ content: "other" })
          .using({ format: "bundle-v0.3", content: "message" })
          .signedBy(policyKey);
        return judgeSignature(victim.carrying(...other.artifacts), byKey());
      },
    },
    {
      name: "49 a message signature over another manifest under this image's digest",
      judge: () => {
        const messageDigest = { algorithm: "SHA2_256", digest: sha256(victim.manifest) };
        const other = image({ content: "other" }).using({
          format: "bundle-v0.3",
          content: "message",
          edit: replaced({ messageDigest }),
        });
        return judgeSignature(victim.carrying(...other.signedBy(policyKey).artifacts), byKey());
      },
    },
    {
      name: "49 a message signature that names another digest than it signs",
      judge: () => {
        const messageDigest = { algorithm: "SHA2_256", digest: sha256(manifest("other")) };
        return judgeSignature(
          message.using({ edit: replaced({ messageDigest }) }).signedBy(policyKey),
          byKey(),
        );
      },
    },
    {
      name: "49 a message signature for an attestation",
      judge: () => judgeAttestation(message.signedBy(policyKey), byKey()),
    },
  ]);
});

describe("the pre-authentication encoding", () => {
  abuseCases([
    {
      name: "45 a signature over the payload alone",
      judge: () =>
        attestedWith({
          envelope: (all) => ({
            ...all,
            signatures: [
              { sig: base64(signBytes(policyKey, Buffer.from(String(all["payload"]), "base64"))) },
            ],
          }),
        }),
      code: "untrustedSigner",
    },
    {
      name: "45 an encoding of bytes that are not ASCII, counted in bytes",
      judge: () => {
        const note = "\u00fc\u20ac\u{1f600}";
        const edit: Edits = {
          ...stating({ note }),
          envelope: (all) => {
            const payload = Buffer.from(String(all["payload"]), "base64");
            const sig = base64(
              signBytes(policyKey, preAuthEncoding("application/vnd.in-toto+json", payload)),
            );
            return { ...all, signatures: [{ sig }] };
          },
        };
        return attestedWith(edit);
      },
      want: "allowed",
    },
  ]);
});
