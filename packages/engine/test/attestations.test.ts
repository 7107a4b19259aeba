import type { Json, JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { engineFor, entry, keys, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

const slsa = "https://slsa.dev/provenance/v0.2";
const spdx = "https://spdx.dev/Document";
const vuln = "https://cosign.sigstore.dev/attestation/vuln/v1";
const custom = "https://cosign.sigstore.dev/attestation/v1";
const attested = pod(pinned("key-att3", "referrers"));
const builderId =
  "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml@refs/tags/v1.9.0";

const equals = (key: string, value: Json): Json => [
  { all: [{ key: `{{ ${key} }}`, operator: "Equals", value }] },
];

async function judge(
  attestations: readonly JsonObject[],
  over: JsonObject = {},
  resource: JsonObject = attested,
) {
  const document = policy({ entries: [entry({ attestations, ...over })] });
  return (await engineFor(document).evaluate({ resource })).verdict;
}

describe("conditions see a verified statement", () => {
  test.each<[string, string, Json]>([
    ["by the predicate's own keys, as in Kyverno", "builder.id", builderId],
    ["by `attestation.predicate`, as on the original page", "attestation.predicate.builder.id", builderId],
    ["with its type", "attestation.predicateType", slsa],
    [
      "with the digest that it speaks of",
      "attestation.subject[0].digest.sha256",
      pinned("key-att3").split(":").at(-1) ?? "",
    ],
    ["with who signed it", "attestation.signer.kind", "key"],
    ["with the image", "image.name", "key-att3"],
  ])("%s: {{ %s }}", async (_name, key, value) => {
    expect((await judge([{ type: slsa, conditions: equals(key, value) }])).allowed).toBe(true);
    expect((await judge([{ type: slsa, conditions: equals(key, "something else") }])).allowed).toBe(false);
  });

  test("of the type that a variable names, as in Kyverno", async () => {
    const typed = async (types: JsonObject) => {
      const context = [{ name: "types", variable: { value: types } }];
      const attestations = [{ type: "{{ types.prov }}", conditions: equals("builder.id", builderId) }];
      const document = policy({ rule: { context }, entries: [entry({ attestations })] });
      const { allowed, results } = (await engineFor(document).evaluate({ resource: attested })).verdict;
      return [allowed, results[0]?.code, results[0]?.message.replace(/^.*?: /, "")];
    };
    expect(await typed({ prov: slsa })).toEqual([true, "ok", expect.anything()]);
    expect(await typed({ prov: spdx })).toEqual([false, "conditionUnresolved", expect.anything()]);
    expect(await typed({ prov: "https://nobody.example/v1" })).toEqual([
      false,
      "predicateTypeMissing",
      expect.stringContaining("for predicate type `https://nobody.example/v1`"),
    ]);
    expect(await typed({ prov: "" })).toEqual([
      false,
      "contextUnavailable",
      expect.stringContaining("`{{ types.prov }}` is empty, so that nothing would be demanded"),
    ]);
    expect(await typed({})).toEqual([false, "conditionUnresolved", expect.stringContaining("prov")]);
  });

  test("by the name of the attestation, also where that is `attestation`", async () => {
    const named = (name: string): JsonObject => ({
      type: slsa,
      name,
      conditions: equals(`${name}.builder.id`, builderId),
    });
    expect((await judge([named("prov")])).allowed).toBe(true);
    expect((await judge([named("attestation")])).allowed).toBe(true);
  });

  test("cosign's custom predicate: fields of the JSON in `Data` are found below `attestation.predicate`", async () => {
    const resource = pod(pinned("key-attall"));
    const conditions = equals("attestation.predicate.ticket", "SEC-1234");
    expect((await judge([{ type: custom, conditions }], {}, resource)).allowed).toBe(true);
    expect(
      (await judge([{ type: custom, conditions: equals("ticket", "SEC-1234") }], {}, resource)).allowed,
    ).toBe(false);
  });

  test("a field that is not there fails, and the fields that are there are named", async () => {
    const verdict = await judge([
      { type: vuln, conditions: equals("attestation.predicate.scanner.name", "trivy") },
    ]);
    expect(verdict).toMatchObject({ outcome: "fail", results: [{ code: "conditionUnresolved" }] });
    const text = JSON.stringify(verdict.trace);
    expect(text).toContain("uri");
    expect(text).toContain("`cosign attest --type vuln` keeps only");
  });

  test("a builder that is named without its ref fails, and the trace says how near it came", async () => {
    const value = builderId.replace(/@.*$/, "");
    const verdict = await judge([{ type: slsa, conditions: equals("builder.id", value) }]);
    expect(verdict).toMatchObject({ outcome: "fail", results: [{ code: "conditionFalse" }] });
    expect(JSON.stringify(verdict.trace)).toContain("@refs/tags/");
    const wildcard = await judge([{ type: slsa, conditions: equals("builder.id", `${value}@refs/tags/*`) }]);
    expect(wildcard.allowed).toBe(true);
  });

  test.each([
    ["a key", { key: "{{ BIG }}", operator: "Equals", value: "x" }],
    ["a value", { key: "{{ builder.id }}", operator: "Equals", value: "{{ BIG }}" }],
    ["a message", { key: "{{ builder.id }}", operator: "Equals", value: "x", message: "{{ BIG }}" }],
    ["what is not there", { key: "{{ builder.id.{{ to_string(BIG) }} }}", operator: "Equals", value: "x" }],
  ])("however long %s is, the verdict quotes some of it only", async (_name, condition) => {
    const document = policy({
      entries: [entry({ attestations: [{ type: slsa, conditions: [{ all: [condition] }] }] })],
    });
    const variables = { BIG: "long ".repeat(100_000) };
    const { verdict } = await engineFor(document, { variables }).evaluate({ resource: attested });
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail" });
    expect(JSON.stringify(verdict).length).toBeLessThan(60_000);
  });

  test("a predicate that is one long string has no fields", async () => {
    const verdict = await judge(
      [{ type: spdx, conditions: equals("spdxVersion", "SPDX-2.3") }],
      {},
      pod(pinned("key-attall")),
    );
    expect(verdict).toMatchObject({ outcome: "fail", results: [{ code: "conditionUnresolved" }] });
    expect(verdict.results[0]?.message).toContain("failed to extract predicate from statement");
  });
});

describe("several statements of one type", () => {
  const fresh = [
    {
      all: [
        {
          key: "{{ time_since('', '{{ metadata.scanFinishedOn }}', '') }}",
          operator: "LessThan",
          value: "24h",
        },
      ],
    },
  ];
  const twoScans = pod(pinned("key-attall"));
  test.each<[string | undefined, boolean]>([
    [undefined, false],
    ["all", false],
    ["any", true],
  ])("quantifier %s: allowed %s", async (quantifier, allowed) => {
    const rule = { type: vuln, conditions: fresh, ...(quantifier === undefined ? {} : { quantifier }) };
    expect((await judge([rule], {}, twoScans)).allowed).toBe(allowed);
  });
});

describe("`quantifier: latest`", () => {
  const withLog = { keys: { publicKeys: fixture("keys/cosign.pub") } };
  const rule = (attestor: JsonObject): JsonObject => ({
    type: vuln,
    quantifier: "latest",
    attestors: [{ entries: [attestor] }],
  });

  test("is refused at load where nothing vouches for a time", () => {
    expect(() => engineFor(policy({ entries: [entry({ attestations: [rule(keys())] })] }))).toThrow(
      /policy-0\.json:\d+:\d+: `quantifier: latest` needs a verified time/,
    );
  });

  test("is taken where a log does", () => {
    expect(() => engineFor(policy({ entries: [entry({ attestations: [rule(withLog)] })] }))).not.toThrow();
  });

  test("is an error where that shows only when variables are filled in", async () => {
    const { keys: own } = keys() as { keys: JsonObject };
    const attestor = { keys: { ...own, publicKeys: "{{ KEY }}" } };
    const document = policy({ entries: [entry({ attestations: [rule(attestor)] })] });
    const variables = { KEY: fixture("keys/cosign.pub") };
    const { verdict } = await engineFor(document, { variables }).evaluate({ resource: attested });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "invalidPolicy" }] });
  });
});

describe("attestations are held to attestors", () => {
  test("those of their own", async () => {
    const other = [{ entries: [keys("other")] }];
    expect(await judge([{ type: slsa, attestors: other }])).toMatchObject({
      allowed: false,
      outcome: "fail",
    });
    expect((await judge([{ type: slsa, attestors: [{ entries: [keys()] }] }])).allowed).toBe(true);
  });

  test("or, where they have none, those of the entry", async () => {
    const resource = pod(pinned("key-att-other", "referrers"));
    const verdict = await judge([{ type: slsa }], {}, resource);
    expect(verdict.allowed).toBe(false);
  });

  test("whose annotations are about image signatures and not asked of statements", async () => {
    const attestor = { ...keys(), annotations: { env: "prod" } };
    const verdict = await judge([{ type: slsa }], { attestors: [{ entries: [attestor] }] });
    // The signature lacks the annotation; the attestation by the same key holds.
    expect(verdict.results[0]?.code).toBe("annotationMismatch");
    const entryTrace = verdict.trace[0]?.children[0]?.children[0]?.children[0];
    expect(entryTrace?.children.map(({ step, outcome }) => [step, outcome])).toEqual([
      ["attestors", "fail"],
      ["attestation", "pass"],
    ]);
  });

  test("and an entry without any is refused at load", () => {
    expect(() => engineFor(policy({ entry: { attestors: [], attestations: [{ type: slsa }] } }))).toThrow(
      /attestors/,
    );
  });
});

// multiple-image-verification-attestations-{pass,fail}, …-trivy-vex-{pass,fail}: over two named attestations.
describe("`validate.deny` across named attestations", () => {
  const attestations = [
    { type: slsa, name: "prov" },
    { type: vuln, name: "scan" },
  ];
  const deny = (value: string): JsonObject => ({
    message: "the scanner is not ours",
    deny: {
      conditions: {
        any: [
          { key: "{{ scan.scanner.uri }}", operator: "NotEquals", value, message: "{{ prov.buildType }}" },
        ],
      },
    },
  });

  test("that does not hold lets the image in", async () => {
    const verdict = await judge(attestations, { validate: deny("pkg:github/aquasecurity/trivy@*") });
    expect(verdict.allowed).toBe(true);
  });

  test("that holds denies it, with the policy's message", async () => {
    const verdict = await judge(attestations, { validate: deny("pkg:other") });
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail", results: [{ code: "denied" }] });
    expect(verdict.results[0]?.message).toContain(
      "validation in verifyImages failed: the scanner is not ours",
    );
    expect(verdict.results[0]?.message).toContain("slsa-github-generator");
  });

  test("that has no conditions denies always, as in Kyverno", async () => {
    for (const denial of [{}, { conditions: [] }, { conditions: {} }]) {
      const verdict = await judge(attestations, { validate: { deny: denial } });
      expect(verdict).toMatchObject({ allowed: false, results: [{ code: "denied" }] });
    }
  });

  test("that holds for one of two attestations of one name denies it", async () => {
    const conditions = [{ key: "{{ any.scanner.uri || 'none' }}", operator: "Equals", value: "none" }];
    for (const types of [
      [slsa, vuln],
      [vuln, slsa],
    ]) {
      const verdict = await judge(
        types.map((type) => ({ type, name: "any" })),
        { validate: { deny: { conditions } } },
      );
      expect(verdict).toMatchObject({ allowed: false, results: [{ code: "denied" }] });
    }
  });

  test("that refers to what no statement has denies it too", async () => {
    const conditions = { any: [{ key: "{{ scan.nothing.here }}", operator: "Equals", value: "x" }] };
    const verdict = await judge(attestations, { validate: { deny: { conditions } } });
    expect(verdict.allowed).toBe(false);
  });

  test("holds if it does for any combination of statements, not only for the first", async () => {
    const finished: string = JSON.parse(fixture("predicates/vuln-old.json")).metadata.scanFinishedOn;
    const conditions = {
      any: [
        { key: "{{ scan.metadata.scanFinishedOn }}", operator: "Equals", value: `${finished.slice(0, 10)}*` },
      ],
    };
    const resource = pod(pinned("key-attall"));
    const named = [{ type: vuln, name: "scan" }];
    const verdict = await judge(named, { validate: { deny: { conditions } } }, resource);
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "denied" }] });
  });
});

describe("several signers", () => {
  const sets = (count: number | undefined, names: readonly string[]): JsonObject => ({
    attestors: [{ ...(count === undefined ? {} : { count }), entries: names.map((name) => keys(name)) }],
  });
  test.each<[string, number | undefined, readonly string[], boolean]>([
    ["key-ecdsa", 1, ["cosign", "other"], true],
    ["key-ecdsa", 1, ["other", "cosign"], true],
    ["key-ecdsa", undefined, ["cosign", "other"], false],
    ["key-ecdsa", 2, ["cosign", "other"], false],
    ["key-two", 2, ["cosign", "other"], true],
    ["key-two", undefined, ["other", "cosign"], true],
    ["key-two", 2, ["cosign", "other", "p384"], true],
    ["key-other", 1, ["cosign"], false],
  ])("%s with count %s of %j: allowed %s", async (name, count, names, allowed) => {
    const { verdict } = await engineFor(policy({ entry: sets(count, names) })).evaluate({
      resource: pod(pinned(name)),
    });
    expect(verdict.allowed).toBe(allowed);
  });

  test("nested sets count inside attestations, too", async () => {
    const nested = (name: string) => [{ entries: [{ attestor: { entries: [keys(name)] } }] }];
    expect((await judge([{ type: slsa, attestors: nested("cosign") }])).allowed).toBe(true);
    expect((await judge([{ type: slsa, attestors: nested("other") }])).allowed).toBe(false);
  });

  test("nested sets count by themselves", async () => {
    const nested = { entries: [{ attestor: { count: 1, entries: [keys("other"), keys()] } }] };
    const { verdict } = await engineFor(policy({ entry: { attestors: [nested] } })).evaluate({
      resource: pod(pinned("key-ecdsa")),
    });
    expect(verdict.allowed).toBe(true);
  });

  test("all sets must hold", async () => {
    const two = { attestors: [{ entries: [keys()] }, { entries: [keys("other")] }] };
    const one = await engineFor(policy({ entry: two })).evaluate({ resource: pod(pinned("key-ecdsa")) });
    const both = await engineFor(policy({ entry: two })).evaluate({ resource: pod(pinned("key-two")) });
    expect([one.verdict.allowed, both.verdict.allowed]).toEqual([false, true]);
  });
});

describe("`skipImageReferences`", () => {
  const document = policy({
    entry: { skipImageReferences: ["*/acme/unsigned:*"], mutateDigest: false, verifyDigest: false },
  });

  test("leave an image out, with a warning in Kyverno's words", async () => {
    const { verdict } = await engineFor(document).evaluate({
      resource: pod("127.0.0.1:5001/acme/unsigned:v1"),
    });
    expect(verdict).toMatchObject({ allowed: true, results: [{ outcome: "skip", code: "skippedImage" }] });
    expect(verdict.warnings[0]).toContain("skipping image reference image");
  });

  test("are not fooled by a tag beside a digest", async () => {
    const { verdict } = await engineFor(document).evaluate({
      resource: pod(pinned("unsigned").replace("@", ":v1@")),
    });
    expect(verdict.allowed).toBe(false);
  });
});

describe("loaded rules of other kinds", () => {
  test("are warned about and are no evidence", async () => {
    const rules = [
      {
        name: "other",
        match: { any: [{ resources: { kinds: ["Pod"] } }] },
        validate: { message: "x", pattern: { a: "b" } },
      },
      { name: "check", match: { any: [{ resources: { kinds: ["Pod"] } }] }, verifyImages: [entry()] },
    ];
    const sources = fixtureSources();
    const { verdict } = await engineFor(policy({ rules }), { sources }).evaluate({
      resource: pod(pinned("key-ecdsa")),
    });
    expect(verdict.results.map(({ rule }) => rule)).toEqual(["check"]);
    expect(verdict.warnings.join()).toContain("`other`");
  });
});
