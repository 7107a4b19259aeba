import { generateKeyPairSync } from "node:crypto";
import { prepareAttestors, type ResolvedSet, VerifyError } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { fixtureText } from "./fixtures.ts";
import { certificate, fixtureKey, key, keyless, nested, set } from "./policy.ts";

function problem(sets: readonly ResolvedSet[]): readonly [string, string] | "prepared" {
  try {
    prepareAttestors(sets);
    return "prepared";
  } catch (error) {
    if (error instanceof VerifyError && error.code === "invalidPolicy") return [error.path, error.message];
    throw error;
  }
}

const cosign = fixtureText("keys/cosign.pub");
const two = cosign + fixtureText("keys/other.pub");
const chain = fixtureText("trust/fulcio-chain.pem");
const spki = { format: "pem", type: "spki" } as const;
const at = "attestors[0].entries[0]";

function generated(type: "rsa" | "ec", options: object): string {
  const pair =
    type === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048, ...options })
      : generateKeyPairSync("ec", { namedCurve: "P-256", ...options });
  return pair.publicKey.export(spki).toString();
}

describe("several PEM keys in one entry", () => {
  test("become entries, and are counted as such", () => {
    const entriesOf = (sets: readonly ResolvedSet[]): unknown =>
      prepareAttestors(sets).sets.map(({ count, entries }) => [count, entries.length]);
    expect(entriesOf([set([key(two)])])).toEqual([[2, 2]]);
    expect(entriesOf([set([key(two)], 1)])).toEqual([[1, 2]]);
    expect(entriesOf([set([nested([key(two), fixtureKey("rsa")], 2)])])).toEqual([[1, 1]]);
  });
});

test("what the engine wants to know of prepared attestors", () => {
  const ctlog = { ...keyless().ctlog, ignoreSCT: false, tsaCertChain: fixtureText("trust/tsa-chain.pem") };
  const { repositories, mayNeedTrust, timeless } = prepareAttestors([
    set([fixtureKey("cosign", { repository: "registry.test/signatures" }), nested([keyless({ ctlog })])]),
  ]);
  expect([repositories, mayNeedTrust, timeless]).toEqual([
    ["registry.test/signatures", undefined],
    false,
    [`${at}.keys`],
  ]);
  const { rekor, ...unlogged } = fixtureKey("cosign");
  expect(rekor).toBeDefined();
  expect(prepareAttestors([set([unlogged])])).toMatchObject({ mayNeedTrust: true, timeless: [] });
  // What it comes with may be timestamps by an authority that the policy does not give.
  expect(prepareAttestors([set([keyless()])]).mayNeedTrust).toBe(true);
  const { roots, ...byTrust } = keyless({ ctlog });
  expect(roots).toBeDefined();
  expect(prepareAttestors([set([byTrust])]).mayNeedTrust).toBe(true);
});

describe("a policy that makes no sense is refused, and the field is named", () => {
  test.each([
    ["no sets", [], "", /nobody would have to sign/],
    ["a set without entries", [set([])], "attestors[0]", /nobody would have to sign/],
    ["a nested set without entries", [set([nested([])])], `${at}.attestor`, /nobody would have to sign/],
    ["a count of zero", [set([fixtureKey("cosign")], 0)], "attestors[0].count", /count is 0/],
    [
      "a count that is no whole number",
      [set([fixtureKey("cosign")], 0.5)],
      "attestors[0].count",
      /count is 0.5/,
    ],
    [
      "a count above the entries",
      [set([key(two)], 3)],
      "attestors[0].count",
      /count is 3, but there are only 2/,
    ],
    ["text instead of a key", [set([key("AAAA")])], `${at}.keys.publicKeys`, /paste the whole file/],
    ["a damaged key", [set([key(cosign.replace(/M/, "N"))])], `${at}.keys.publicKeys`, /cannot be read/],
    [
      "a private key",
      [
        set([
          key(
            generateKeyPairSync("ec", { namedCurve: "P-256" })
              .privateKey.export({ format: "pem", type: "pkcs8" })
              .toString(),
          ),
        ]),
      ],
      `${at}.keys.publicKeys`,
      /keep it secret/,
    ],
    ["a certificate as key", [set([key(chain)])], `${at}.keys.publicKeys`, /certificates\.cert/],
    [
      "a second key that is damaged",
      [set([key(`${cosign}x`)])],
      `${at}.keys.publicKeys`,
      /outside its PEM blocks/,
    ],
    [
      "an RSA key of 1024 bits",
      [set([key(generated("rsa", { modulusLength: 1024 }))])],
      `${at}.keys.publicKeys`,
      /1024 bits/,
    ],
    [
      "an RSA key with exponent 3",
      [set([key(generated("rsa", { publicExponent: 3 }))])],
      `${at}.keys.publicKeys`,
      /exponent/,
    ],
    [
      "a key on another curve",
      [set([key(generated("ec", { namedCurve: "secp256k1" }))])],
      `${at}.keys.publicKeys`,
      /curve 1\.3\.132\.0\.10/,
    ],
    [
      "explicit curve parameters",
      [set([key(generated("ec", { paramEncoding: "explicit" }))])],
      `${at}.keys.publicKeys`,
      /explicit/,
    ],
    [
      "a key for key agreement",
      [set([key(generateKeyPairSync("x25519").publicKey.export(spki).toString())])],
      `${at}.keys.publicKeys`,
      /x25519/,
    ],
    [
      "keyless without subject and issuer",
      [set([keyless({ subject: "", issuer: "" })])],
      `${at}.keyless`,
      /any identity would be accepted/,
    ],
    [
      "a subject of five thousand characters",
      [set([keyless({ subject: "*a".repeat(2500) })])],
      `${at}.keyless.subject`,
      /longer than 4096/,
    ],
    [
      "an extension of five thousand characters",
      [set([keyless({ additionalExtensions: { githubWorkflowRef: "*a".repeat(2500) } })])],
      `${at}.keyless.additionalExtensions.githubWorkflowRef`,
      /longer than 4096/,
    ],
    [
      "a regexp that is none",
      [set([keyless({ subjectRegExp: "([" })])],
      `${at}.keyless.subjectRegExp`,
      /invalid regexp: \(\[/,
    ],
    [
      "a regexp with a back reference",
      [set([keyless({ issuerRegExp: "(a)\\1" })])],
      `${at}.keyless.issuerRegExp`,
      /invalid regexp/,
    ],
    [
      "a pattern without end",
      [set([keyless({ subject: "a".repeat(5000) })])],
      `${at}.keyless.subject`,
      /longer than 4096/,
    ],
    [
      "an unknown extension",
      [set([keyless({ additionalExtensions: { fooBar: "x" } })])],
      `${at}.keyless.additionalExtensions`,
      /invalid certificate extension `fooBar`/,
    ],
    [
      "an extension of the prototype",
      [set([keyless({ additionalExtensions: { constructor: "x" } })])],
      `${at}.keyless.additionalExtensions`,
      /constructor/,
    ],
    [
      "roots that are a key",
      [set([keyless({ roots: cosign })])],
      `${at}.keyless.roots`,
      /expected a PEM block `CERTIFICATE`/,
    ],
    [
      "a log key that is a certificate",
      [set([keyless({ rekor: { ignoreTlog: false, pubkey: chain } })])],
      `${at}.keyless.rekor.pubkey`,
      /PEM block/,
    ],
    [
      "a CT log key that is none",
      [set([keyless({ ctlog: { ignoreSCT: false, pubkey: "x" } })])],
      `${at}.keyless.ctlog.pubkey`,
      /PEM/,
    ],
    [
      "a TSA chain without root",
      [
        set([
          keyless({
            ctlog: { ignoreSCT: true, tsaCertChain: firstBlock(fixtureText("trust/tsa-chain.pem")) },
          }),
        ]),
      ],
      `${at}.keyless.ctlog.tsaCertChain`,
      /no root/,
    ],
    [
      "a TSA chain with two leaves",
      [
        set([
          keyless({
            ctlog: {
              ignoreSCT: true,
              tsaCertChain:
                fixtureText("trust/tsa-chain.pem") + firstBlock(fixtureText("trust/tsa-chain.pem")),
            },
          }),
        ]),
      ],
      `${at}.keyless.ctlog.tsaCertChain`,
      /at most one TSA certificate/,
    ],
    [
      "a chain of thirteen certificates",
      [set([keyless({ ctlog: { ignoreSCT: true, tsaCertChain: chain.repeat(7) } })])],
      `${at}.keyless.ctlog.tsaCertChain`,
      /more than 12/,
    ],
    [
      "neither certificate nor chain",
      [set([certificate({})])],
      `${at}.certificates`,
      /cert or certChain required/,
    ],
    [
      "a certificate that the chain did not issue",
      [set([certificate({ cert: firstBlock(fixtureText("trust/tsa-chain.pem")), certChain: chain })])],
      `${at}.certificates.certChain`,
      /was not issued by certChain/,
    ],
    [
      "two certificates for one",
      [set([certificate({ cert: chain })])],
      `${at}.certificates.cert`,
      /more than 1 PEM blocks/,
    ],
  ] as const)("%s", (_, sets, path, message) => {
    expect(problem(sets)).toEqual([path, expect.stringMatching(message)]);
  });

  test("sets nested too deep", () => {
    const deep = Array.from({ length: 20 }).reduce<ReturnType<typeof nested>>(
      (inner) => nested([inner]),
      nested([fixtureKey("cosign")]),
    );
    expect(problem([set([deep])])).toEqual([expect.any(String), expect.stringMatching(/nested deeper/)]);
  });

  test("an algorithm that is none", () => {
    const { signatureAlgorithm, ...rest } = fixtureKey("cosign");
    expect(signatureAlgorithm).toBe("sha256");
    const entry = JSON.parse(JSON.stringify({ ...rest, signatureAlgorithm: "md5" })) as ReturnType<
      typeof fixtureKey
    >;
    expect(problem([set([entry])])).toEqual([`${at}.keys.signatureAlgorithm`, expect.stringMatching(/md5/)]);
  });
});

function firstBlock(pem: string): string {
  return `${pem.slice(0, pem.indexOf("-----END CERTIFICATE-----"))}-----END CERTIFICATE-----\n`;
}

test("a key that OpenSSL reads, but that is no strict DER, is refused like any other", () => {
  const der = Buffer.from(cosign.replace(/-----[^-]+-----|\s/g, ""), "base64");
  // The outer length in three bytes, where two would do.
  const loose = Buffer.concat([Buffer.from([0x30, 0x82, 0x00, der[1] ?? 0]), der.subarray(2)]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${loose.toString("base64")}\n-----END PUBLIC KEY-----\n`;
  expect(problem([set([key(pem)])])).toEqual([`${at}.keys.publicKeys`, "public key is not strict DER"]);
});

describe("attestors of a program without types", () => {
  class Demands {
    get team(): string {
      return "a";
    }
  }
  test.each<[string, object, string, string]>([
    ["no log, as text", { rekor: { ignoreTlog: "false" } }, ".rekor.ignoreTlog", "it is not true or false"],
    [
      "no certificate timestamp, as text",
      { ctlog: { ignoreSCT: "no" } },
      ".ctlog.ignoreSCT",
      "it is not true or false",
    ],
    [
      "annotations that are a Map",
      { annotations: new Map([["team", "a"]]) },
      ".annotations",
      "it is not an object of texts",
    ],
    [
      "annotations by a class's getters",
      { annotations: new Demands() },
      ".annotations",
      "it is not an object of texts",
    ],
    ["no annotations", { annotations: undefined }, "", "`annotations` is missing"],
    [
      "extensions that are a Map",
      { additionalExtensions: new Map() },
      ".additionalExtensions",
      "it is not an object of texts",
    ],
    [
      "a misspelt subject, which leaves anybody of the issuer",
      { subject: undefined, subjct: "a" },
      "",
      "unknown field `subjct`",
    ],
    ["a subject that is no text", { subject: ["a"] }, ".subject", "it is not text"],
    ["a kind of its own", { kind: "Keyless" }, "", "there is no kind `Keyless`"],
  ])("%s: refused", (_, more, path, said) => {
    const entry = { ...keyless(), ...more } as ReturnType<typeof keyless>;
    expect(problem([set([entry])])).toEqual([`${entry.path}${path}`, expect.stringContaining(said)]);
  });

  test("sets that are no list, and a set that is none", () => {
    expect(problem(new Set([set([keyless()])]) as never)).toEqual(["", expect.stringContaining("no list")]);
    expect(problem([undefined] as never)).toEqual(["", expect.stringContaining("no object")]);
  });
});
