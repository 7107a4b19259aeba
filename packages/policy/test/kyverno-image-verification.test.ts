import { describe, expect, test } from "vitest";
import { type ImageVerification, inspectPolicies, type JsonObject } from "../src/index.ts";

// Cases of api/kyverno/v1/image_verification_test.go (kyverno/kyverno at 111e07b, Apache-2.0), under their names.

function inspect(entry: JsonObject): ReturnType<typeof inspectPolicies> {
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: { rules: [{ name: "r", match: { resources: { kinds: ["Pod"] } }, verifyImages: [entry] }] },
  };
  return inspectPolicies(JSON.stringify(policy));
}

function errorsOf(entry: JsonObject): readonly string[] {
  return inspect(entry)
    .diagnostics.filter((one) => one.severity === "error")
    .map((one) => `${one.path.replace("spec.rules[0].verifyImages[0]", "dummy")}: ${one.message}`);
}

const entry0 = "dummy.attestors[0].entries[0]";
const keys = (more: JsonObject): JsonObject => ({
  imageReferences: ["*"],
  attestors: [{ entries: [{ keys: more }] }],
});
const keyless = (more: JsonObject): JsonObject => ({
  imageReferences: ["*"],
  attestors: [{ entries: [{ keyless: more }] }],
});

describe("Test_ImageVerification", () => {
  test.each<[string, JsonObject, readonly string[]]>([
    ["only key", { imageReferences: ["bla"], key: "bla" }, []],
    [
      "only keyless",
      { imageReferences: ["bla"], issuer: "bla", subject: "*" },
      ["dummy.issuer: either Rekor URL or roots are required"],
    ],
    [
      "key roots, issuer, and subject",
      { imageReferences: ["bla"], issuer: "bla", subject: "bla", roots: "bla" },
      [],
    ],
    ["empty", { imageReferences: ["bla"] }, []],
    [
      "no image",
      { image: "", key: "bla" },
      ["dummy: an image reference is required: `imageReferences` is missing or empty"],
    ],
    [
      "no image reference",
      { key: "bla" },
      ["dummy: an image reference is required: `imageReferences` is missing or empty"],
    ],
    ["no attestors", { imageReferences: ["*"], attestors: [] }, []],
    [
      "no entries",
      { imageReferences: ["*"], attestors: [{ entries: [] }] },
      ["dummy.attestors[0]: an entry is required in an attestor set"],
    ],
    [
      "empty attestor",
      { imageReferences: ["*"], attestors: [{ entries: [{}] }] },
      [`${entry0}: keys, certificates, keyless, or a nested attestor is required, and only one of them`],
    ],
    ["empty static key attestor", keys({}), [`${entry0}.keys: a public key, kms key or secret is required`]],
    [
      "static key invalid signature algorithm attestor",
      keys({ publicKeys: "bla", signatureAlgorithm: "sha1" }),
      [`${entry0}.keys.signatureAlgorithm: \`sha1\` is not one of sha224, sha256, sha384, sha512`],
    ],
    ["valid static key default signature algorithm attestor", keys({ publicKeys: "bla" }), []],
    [
      "valid static key sha224 signature algorithm attestor",
      keys({ publicKeys: "bla", signatureAlgorithm: "sha224" }),
      [],
    ],
    [
      "valid static key sah256 signature algorithm attestor",
      keys({ publicKeys: "bla", signatureAlgorithm: "sha256" }),
      [],
    ],
    [
      "valid static key sha384 signature algorithm attestor",
      keys({ publicKeys: "bla", signatureAlgorithm: "sha384" }),
      [],
    ],
    [
      // The second error is ours: nobody is named.
      "invalid keyless attestor",
      keyless({ rekor: { url: "" }, issuer: "", subject: "" }),
      [
        `${entry0}.keyless: keyless without subject and issuer would accept the signature of anyone: name the identity`,
        `${entry0}.keyless.rekor.url: an URL is required`,
      ],
    ],
    [
      "valid keyless attestor",
      keyless({ rekor: { url: "https://rekor.sigstore.dev" }, issuer: "bla", subject: "bla" }),
      [],
    ],
    [
      // Kyverno accepts this, and then anybody's attestation: a difference on purpose.
      "valid keyless attestor (attestation alone)",
      { imageReferences: ["*"], attestations: [{ predicateType: "foo" }] },
      [
        "dummy.attestations[0]: an attestation needs attestors: it has none, and its entry has none either, so anyone could have made it",
      ],
    ],
    [
      "multiple entries",
      {
        imageReferences: ["*"],
        attestors: [{ entries: [{ keys: { publicKeys: "key1" } }, { keys: { publicKeys: "key2" } }] }],
      },
      [],
    ],
  ])("%s", (_, entry, errors) => {
    expect(errorsOf(entry)).toEqual(errors);
  });
});

describe("what the reference lists beside (§1.5 to §1.7)", () => {
  const key: JsonObject = { keys: { publicKeys: "k" } };
  test.each<[string, JsonObject, string]>([
    [
      "count above the entries",
      { attestors: [{ count: 3, entries: [key, key] }] },
      "count 3 cannot exceed length of entries",
    ],
    ["count 0", { attestors: [{ count: 0, entries: [key] }] }, "should be greater than or equal to 1"],
    [
      "keys and keyless",
      { attestors: [{ entries: [{ ...key, keyless: { issuer: "i" } }] }] },
      "and only one of them",
    ],
    [
      "certificates without any",
      { attestors: [{ entries: [{ certificates: {} }] }] },
      "cert or certChain required",
    ],
    [
      "two sources of a key",
      { attestors: [{ entries: [{ keys: { publicKeys: "k", kms: "awskms:///a" } }] }] },
      "only one of publicKeys",
    ],
    [
      "a nested typo",
      { attestors: [{ entries: [{ attestor: { entries: [{ key: {} }] } }] }] },
      "unknown field `key`",
    ],
    [
      "a nested set without entries",
      { attestors: [{ entries: [{ attestor: {} }] }] },
      "an entry is required",
    ],
    [
      "a secret without namespace",
      { attestors: [{ entries: [{ keys: { secret: { name: "s" } } }] }] },
      "namespace` is missing",
    ],
    ["type Notary", { type: "Notary" }, "`type: Notary` is not supported"],
    ["an attestation without type", { attestors: [{ entries: [key] }], attestations: [{}] }, "missing type"],
    [
      "a variable in imageReferences",
      { imageReferences: ["{{ x }}/*"] },
      "should not have variables in image reference section",
    ],
    [
      "type and predicateType that differ",
      { attestors: [{ entries: [key] }], attestations: [{ type: "a", predicateType: "b" }] },
      "`type` and `predicateType` differ",
    ],
  ])("%s", (_, entry, says) => {
    expect(errorsOf({ imageReferences: ["*"], ...entry }).join("\n")).toContain(says);
  });
});

// Convert() of image_verification_types.go: what the fields of old policies become.
describe("deprecated fields", () => {
  const read = (entry: JsonObject): ImageVerification => {
    const [found] = inspect(entry).policies[0]?.rules[0]?.verifyImages ?? [];
    if (found === undefined) throw new Error("nothing was loaded");
    return found;
  };
  const entriesOf = (sets: ImageVerification["attestors"]) => sets.flatMap((set) => set.entries);

  test("image is one more reference", () => {
    expect(read({ image: "a/*", imageReferences: ["b/*"], key: "k" }).imageReferences).toEqual([
      "b/*",
      "a/*",
    ]);
  });
  test("key is an attestor, with its annotations", () => {
    const { attestors } = read({ imageReferences: ["*"], key: "k", annotations: { env: "prod" } });
    expect(entriesOf(attestors)).toMatchObject([
      {
        kind: "key",
        publicKeys: "k",
        annotations: { env: "prod" },
        path: "spec.rules[0].verifyImages[0].key",
      },
    ]);
  });
  test("annotations hold for every attestor that has none of its own (buildCosignVerifier of imageverifier.go)", () => {
    const leaf = (more: object) => ({ keys: { publicKeys: "k" }, ...more });
    const set = {
      entries: [leaf({}), leaf({ annotations: {} }), leaf({ annotations: { team: "pay" } })],
    };
    const entry = read({
      imageReferences: ["*"],
      annotations: { env: "prod" },
      attestors: [set, { entries: [{ attestor: { entries: [leaf({})] } }] }],
      attestations: [{ type: "t", attestors: [set] }],
    });
    const wanted = [{ env: "prod" }, { env: "prod" }, { team: "pay" }].map((annotations) => ({
      annotations,
    }));
    expect(entriesOf(entry.attestors)).toMatchObject([...wanted, { entries: [wanted[0]] }]);
    expect(entriesOf(entry.attestations[0]?.attestors ?? [])).toMatchObject(wanted);
  });
  test("annotations beside image, and nobody that must have signed them, are refused, as by Kyverno's webhook", () => {
    const attestors = [{ entries: [{ keys: { publicKeys: "a" } }] }];
    expect(errorsOf({ image: "a/*", annotations: { env: "prod" }, attestors })).toEqual([
      "dummy.annotations: `annotations` beside `image` need `key` or `issuer`: use `imageReferences`, and `annotations` of the attestors",
    ]);
  });
  test("issuer, subject and roots are an attestor", () => {
    const { attestors } = read({ imageReferences: ["*"], issuer: "i", subject: "s", roots: "r" });
    expect(entriesOf(attestors)).toMatchObject([{ kind: "keyless", issuer: "i", subject: "s", roots: "r" }]);
  });
  test("beside attestors they are one more set that must hold", () => {
    const attestors = [{ entries: [{ keys: { publicKeys: "a" } }] }];
    expect(read({ imageReferences: ["*"], attestors, key: "b" }).attestors).toHaveLength(2);
  });
  test("with attestations they are the attestations' attestors", () => {
    const own = [{ entries: [{ keys: { publicKeys: "own" } }] }];
    const entry = read({
      imageReferences: ["*"],
      key: "k",
      attestations: [{ type: "t" }, { type: "u", attestors: own }],
    });
    expect(entry.attestors).toEqual([]);
    expect(entry.attestations.map((one) => entriesOf(one.attestors))).toMatchObject([
      [{ publicKeys: "k" }],
      [{ publicKeys: "own" }, { publicKeys: "k" }],
    ]);
    expect(entry.attestations.map((one) => one.inheritsAttestors)).toEqual([false, false]);
  });
  test.each<[string, JsonObject, string]>([
    ["key", { key: "k" }, "`key` is deprecated here: use `attestors` with `keys.publicKeys`"],
    [
      "a subject alone",
      { subject: "s" },
      "`spec.rules[0].verifyImages[0].subject` has no effect without `key` or `issuer`, as in Kyverno",
    ],
    [
      "additionalExtensions",
      { additionalExtensions: { a: "b" } },
      "`additionalExtensions` has no effect here, as in Kyverno: it belongs into `keyless`",
    ],
  ])("%s is warned of", (_, entry, says) => {
    const { diagnostics } = inspect({ imageReferences: ["*"], ...entry });
    expect(diagnostics.map((one) => `${one.severity}: ${one.message}`)).toContain(`warning: ${says}`);
  });
});
