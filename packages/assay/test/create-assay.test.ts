import { readFile } from "node:fs/promises";
import {
  createAuthority,
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  predicate,
  slsa,
} from "@assay/testkit";
import { expect, test } from "vitest";
import {
  AssayError,
  type AssayOptions,
  createAssay,
  decodeRecord,
  EngineError,
  encodeRecord,
  evaluateImage,
  type ImageQuestion,
  type JsonObject,
  PolicyError,
  replay,
} from "../src/index.ts";
import { ROOT } from "./run-cli.ts";

const key = createKey();
const clock = (): Date => new Date(FROZEN_TIME);

function policy(keys: JsonObject, more: JsonObject = {}): string {
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [
        {
          name: "r",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [{ imageReferences: ["*"], attestors: [{ entries: [{ keys }] }], ...more }],
        },
      ],
    },
  });
}

function pod(reference: string, spec: JsonObject = {}): { resource: JsonObject } {
  const metadata = { name: "web", namespace: "shop" };
  return {
    resource: {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { containers: [{ name: "a", image: reference }], ...spec },
    },
  };
}

const BY_KEY = { publicKeys: key.pem, rekor: { ignoreTlog: true } };

test.each<[string, string]>([
  ["nothing", ""],
  ["a document of another kind", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"],
])("%s is no policy: an assay that would allow everything is refused", (_, text) => {
  expect(() => createAssay({ policies: text })).toThrow("there is no policy in `policy.yaml`");
});

const EXCEPTION = JSON.stringify({
  apiVersion: "kyverno.io/v2",
  kind: "PolicyException",
  metadata: { name: "legacy", namespace: "exempt" },
  spec: {
    exceptions: [{ policyName: "p", ruleNames: ["r"] }],
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
  },
});

test("exceptions without any policy are refused: they would allow everything", () => {
  const lone = (): unknown => createAssay({ policies: EXCEPTION });
  expect(lone).toThrow(AssayError);
  expect(lone).toThrow("there is no policy in `policy.yaml`, only PolicyExceptions");
});

test("exceptions may be given apart, also while there is no policy, and count for the policies beside them", async () => {
  const request = pod("registry.test/acme/app:v1");
  const registry = createRegistry();
  const options = { registry: { fetch: registry.fetch, credentials: [] } };
  const none = createAssay({ policies: [], exceptions: [EXCEPTION], ...options });
  expect(await none.evaluate(request)).toMatchObject({ allowed: true, results: [] });
  const strict = createAssay({ policies: policy(BY_KEY), ...options });
  expect(await strict.evaluate(request)).toMatchObject({ allowed: false });
  const excepted = createAssay({ policies: policy(BY_KEY), exceptions: [EXCEPTION], ...options });
  expect(await excepted.evaluate(request)).toMatchObject({ allowed: true, outcome: "skip" });
  // What they hold is in the record too: a replay comes to the same.
  const record = await excepted.record(request);
  expect(await replay(decodeRecord(encodeRecord(record)))).toMatchObject({ allowed: true, outcome: "skip" });
});

test("an empty list of policies is taken at its word", async () => {
  const verdict = await createAssay({ policies: [] }).evaluate(pod("registry.test/acme/app:v1"));
  expect(verdict).toMatchObject({ allowed: true, results: [] });
});

test("a policy that is wrong in several places throws every diagnostic", () => {
  const text = policy(BY_KEY).replace("imageReferences", "imageReferencs").replace('"Enforce"', "7");
  const attempt = (): unknown => createAssay({ policies: [{ file: "a.json", text }] });
  expect(attempt).toThrow(PolicyError);
  expect(attempt).toThrow(/^a\.json:1:\d+: /);
});

test("a key that is none is a diagnostic of the policy, with its place", () => {
  const attempt = (): unknown => createAssay({ policies: policy({ ...BY_KEY, publicKeys: "hello" }) });
  expect(attempt).toThrow(PolicyError);
  expect(attempt).toThrow(/^policy\.yaml:1:\d+: public key has text outside its PEM blocks/);
});

test("of several keys and policies each is a diagnostic, with its place", () => {
  const broken = (file: string) => ({ file, text: policy({ ...BY_KEY, publicKeys: "hello" }) });
  const said = "public key has text outside its PEM blocks";
  try {
    createAssay({ policies: [broken("a.json"), policy(BY_KEY), broken("b.json")] });
    expect.unreachable();
  } catch (error) {
    const errors = (error as PolicyError).diagnostics.filter(({ severity }) => severity === "error");
    expect(errors.map(({ source }) => source.file)).toEqual(["a.json", "b.json"]);
    for (const { message } of errors) expect(message).toContain(said);
  }
});

test.each<[string, Record<string, unknown>, string]>([
  ["a trust root as bare text", { trust: "{}" }, "`trust` is not"],
  ["a trust root that was parsed", { trust: { json: {} } }, "`trust` is not"],
  [
    "a source that is an address",
    { source: "registry.example.com" },
    "`source` is not an object with `fetch`",
  ],
  ["a function as context", { context: () => ({}) }, "`context` is not an object with `fetch`"],
  ["objects in one text", { objects: "kind: ConfigMap" }, "`objects` is not a list"],
  ["objects that are numbers", { objects: [1] }, "`objects` is not a list"],
  ["the name of a file with objects", { objects: ["configmap.yaml"] }, "holds something else than objects"],
  ["a text without objects", { objects: ["# nothing"] }, "holds no object"],
  ["a time as clock", { clock: new Date() }, "`clock` is not a function"],
  ["variables as pairs", { variables: [["ORG", "acme"]] }, "`variables` is not an object"],
  ["a registry by name", { registry: "ghcr.io" }, "`registry` is not an object"],
])("an option that is none is said to be that: %s", (_, options, said) => {
  const attempt = (): unknown => createAssay({ policies: policy(BY_KEY), ...options } as AssayOptions);
  expect(attempt).toThrow(AssayError);
  expect(attempt).toThrow(said);
});

test("an option that does not exist is refused, by createAssay and evaluateImage, with those that do", async () => {
  const refusal = { code: "usage", message: "there is no option `trustRoot`" };
  const options = { trustRoot: { json: "{}" } } as object;
  const attempt = (): unknown => createAssay({ policies: policy(BY_KEY), ...options });
  expect(attempt).toThrow(expect.objectContaining(refusal));
  expect(attempt).toThrow(expect.objectContaining({ hint: expect.stringContaining(", trust, ") }));
  const question = { key: key.pem, tlog: "ignore" } as const;
  await expect(evaluateImage("registry.test/acme/app:v1", question, options)).rejects.toMatchObject(refusal);
  // What is undefined was not given.
  const nothing = { trustRoot: undefined } as object;
  expect(() => createAssay({ policies: policy(BY_KEY), ...nothing })).not.toThrow();
});

test("the README's table of options has every one, and no other", async () => {
  const readme = await readFile(`${ROOT}packages/assay/README.md`, "utf8");
  const rows = [...readme.matchAll(/^\| (`\w+`(?:, `\w+`)*) +\|/gm)].map(([, names = ""]) => names);
  const listed = rows.flatMap((names) => names.replaceAll("`", "").split(", "));
  const sorted = (names: readonly string[]): string => [...names].sort().join();
  try {
    createAssay({ policies: [], nothing: 1 } as AssayOptions);
    expect.unreachable();
  } catch (error) {
    const { hint = "" } = error as AssayError;
    expect(sorted(hint.replace("options: ", "").split(", "))).toBe(sorted(["policies", ...listed]));
  }
});

test.each<[string, unknown, string]>([
  ["nothing", undefined, "no policies are given"],
  ["no policies", {}, "no policies are given"],
  ["the name of a file", { policies: "policies/signed.yaml" }, "neither YAML text"],
  ["an object", { policies: { kind: "ClusterPolicy" } }, "neither YAML text"],
  ["bytes", { policies: [Buffer.from(policy(BY_KEY))] }, "neither YAML text"],
])("%s instead of the text of policies is said to be that", (_, options, said) => {
  const attempt = (): unknown => createAssay(options as AssayOptions);
  expect(attempt).toThrow(AssayError);
  expect(attempt).toThrow(said);
});

test("a request that is none rejects with an error of a class to switch on", async () => {
  const request = { resource: {} };
  await expect(createAssay({ policies: policy(BY_KEY) }).evaluate(request)).rejects.toThrow(EngineError);
});

test("warnings tell what of a policy is not evaluated", () => {
  const text = policy(BY_KEY).replace(
    '"metadata":{"name":"p"}',
    '"metadata":{"name":"p","namespace":"kyverno"}',
  );
  expect(createAssay({ policies: text }).warnings.map(({ code }) => code)).toEqual(["ignoredField"]);
});

test("pull secrets that a Pod names come from the objects", async () => {
  const registry = createRegistry({ auth: { kind: "basic", username: "bob", password: "secret" } });
  const { reference } = image().signedBy(key).pushTo(registry);
  const auths = { auths: { [registry.host]: { username: "bob", password: "secret" } } };
  const secret = `apiVersion: v1
kind: Secret
metadata: { name: pull, namespace: shop }
type: kubernetes.io/dockerconfigjson
stringData: { .dockerconfigjson: '${JSON.stringify(auths)}' }`;
  const options = { policies: policy(BY_KEY), registry: { fetch: registry.fetch, credentials: [] } };
  const request = pod(reference, { imagePullSecrets: [{ name: "pull" }] });
  expect(await createAssay({ ...options, objects: [secret] }).evaluate(request)).toMatchObject({
    allowed: true,
  });
  const without = await createAssay(options).evaluate(request);
  expect(without).toMatchObject({ allowed: false, outcome: "error" });
  expect(without.results.map(({ code }) => code)).toEqual(["unauthorized"]);
});

test("a key in a Secret is read from the objects", async () => {
  const registry = createRegistry();
  const { reference } = image().signedBy(key).pushTo(registry);
  const secret: JsonObject = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "cosign", namespace: "keys" },
    data: { "cosign.pub": Buffer.from(key.pem).toString("base64") },
  };
  const policies = policy({ kms: "k8s://keys/cosign", rekor: { ignoreTlog: true } });
  const registryOptions = { registry: { fetch: registry.fetch } };
  expect(
    await createAssay({ policies, objects: [secret], ...registryOptions }).evaluate(pod(reference)),
  ).toMatchObject({ allowed: true });
  expect(await createAssay({ policies, ...registryOptions }).evaluate(pod(reference))).toMatchObject({
    allowed: false,
    outcome: "error",
  });
});

test("a record is a file with which the verdict follows again, and stays what it is", async () => {
  const registry = createRegistry();
  const { reference } = image().signedBy(key).pushTo(registry);
  const assay = createAssay({
    policies: policy({ ...BY_KEY, publicKeys: "{{ OUR_KEY }}" }),
    variables: { OUR_KEY: key.pem },
    registry: { fetch: registry.fetch },
    clock,
  });
  const file = encodeRecord(await assay.record(pod(reference)));
  const record = decodeRecord(file);
  expect(JSON.stringify(await replay(record))).toBe(JSON.stringify(record.verdict));
  expect(record.verdict.allowed).toBe(true);
  expect(encodeRecord(record)).toBe(file);
  // A second record of the same assay asks everything anew: nothing is missing from it.
  expect(JSON.parse(encodeRecord(await assay.record(pod(reference)))).answers).toHaveLength(
    record.answers.length,
  );
});

test("a deadline makes the verdict undecided, an abort rejects", async () => {
  const registry = createRegistry();
  const { reference } = image().signedBy(key).pushTo(registry);
  registry.inject({ effect: { kind: "hang" } });
  const assay = createAssay({ policies: policy(BY_KEY), registry: { fetch: registry.fetch } });
  const late = await assay.evaluate(pod(reference), { timeoutMilliseconds: 20 });
  expect(late).toMatchObject({ allowed: false, outcome: "error" });
  expect(late.results[0]?.code).toBe("timeout");
  const abort = new AbortController();
  const pending = assay.evaluate(pod(reference), { signal: abort.signal });
  abort.abort(new Error("enough"));
  await expect(pending).rejects.toThrow("enough");
});

const sigstore = createSigstore();
const SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";
const authority = createAuthority({});
const employee = authority.certify(createKey("rsa2048"), { subject: "alice" });

const registry = createRegistry();
const KEYED = image({ repository: "keyed" }).signedBy(key, { annotations: { env: "prod" } });
const images = {
  keyed: KEYED.attested(
    slsa({ builder: "https://ci.example/b" }),
    predicate("https://acme.example/review", { by: "bob" }),
  ).pushTo(registry),
  keyless: image({ repository: "keyless" })
    .signedBy(sigstore.identity({ subject: SUBJECT, issuer: ISSUER }))
    .pushTo(registry),
  certified: image({ repository: "certified" }).signedBy(employee).pushTo(registry),
};
const NO_LOG = { tlog: "ignore" } as const;
const builder = (value: string): JsonObject => ({
  all: [{ key: "{{ runDetails.builder.id }}", operator: "Equals", value }],
});

const KEY = { key: key.pem, ...NO_LOG };
const CHAIN = { certificateChain: authority.pem, ...NO_LOG, sct: "ignore" } as const;
const SLSA = "slsaprovenance1";

test.each<[string, keyof typeof images, ImageQuestion, boolean]>([
  ["the key, no log asked for", "keyed", KEY, true],
  ["the key, with a log entry", "keyed", { key: key.pem }, false],
  ["another key", "keyed", { ...KEY, key: createKey().pem }, false],
  ["its annotation", "keyed", { ...KEY, annotations: { env: "prod" } }, true],
  ["another annotation", "keyed", { ...KEY, annotations: { env: "dev" } }, false],
  ["an attestation that it has", "keyed", { ...KEY, attestations: [{ type: SLSA }] }, true],
  ["an attestation that it lacks", "keyed", { ...KEY, attestations: [{ type: "cyclonedx" }] }, false],
  [
    "a condition that holds",
    "keyed",
    { ...KEY, attestations: [{ type: SLSA, conditions: builder("https://ci.example/b") }] },
    true,
  ],
  [
    "one that does not",
    "keyed",
    { ...KEY, attestations: [{ type: SLSA, conditions: [builder("https://ci.example/x")] }] },
    false,
  ],
  ["a bundle", "keyed", { ...KEY, format: "SigstoreBundle" }, false],
  ["a signature elsewhere", "keyed", { ...KEY, repository: "registry.test/elsewhere" }, false],
  ["the identity", "keyless", { identity: { subject: SUBJECT, issuer: ISSUER } }, true],
  [
    "a wildcard over it",
    "keyless",
    { identity: { subject: "https://github.com/acme/*", issuer: ISSUER } },
    true,
  ],
  [
    "a RegExp over it",
    "keyless",
    { identity: { subjectRegExp: "^https://github\\.com/acme/", issuer: ISSUER } },
    true,
  ],
  [
    "another issuer",
    "keyless",
    { identity: { subject: SUBJECT, issuer: "https://accounts.google.com" } },
    false,
  ],
  [
    "another subject",
    "keyless",
    { identity: { subject: "https://github.com/evil/*", issuer: ISSUER } },
    false,
  ],
  ["the certificate and its chain", "certified", { ...CHAIN, certificate: employee.certificatePem }, true],
  ["the chain", "certified", CHAIN, true],
  ["another chain", "certified", { ...CHAIN, certificateChain: createAuthority({}).pem }, false],
])("asked for %s, %s:", async (_, name, question, expected) => {
  const options = { registry: { fetch: registry.fetch }, trust: { json: sigstore.trustedRoot() }, clock };
  const verdict = await evaluateImage(images[name].reference, question, options);
  expect(verdict.allowed, JSON.stringify(verdict.results)).toBe(expected);
  expect(verdict.outcome).toBe(expected ? "pass" : "fail");
  if (expected) expect(verdict.results[0]?.digest).toBe(images[name].digest);
  expect(JSON.stringify(verdict.trace)).not.toContain('"source"');
});

test.each(["", " ", "\n"])("%j is no image: nothing to verify is not verified", async (name) => {
  const attempt = evaluateImage(name, KEY, { registry: { fetch: registry.fetch } });
  await expect(attempt).rejects.toMatchObject({ code: "invalidQuestion", message: "no image is named" });
});

/** What a program without types hands in. */
function untyped(question: unknown): ImageQuestion {
  return question as ImageQuestion;
}

test("a signer that is undefined was not given", async () => {
  const question = untyped({ key: undefined, identity: { subject: SUBJECT, issuer: ISSUER } });
  const options = { registry: { fetch: registry.fetch }, trust: { json: sigstore.trustedRoot() }, clock };
  expect(await evaluateImage(images.keyless.reference, question, options)).toMatchObject({ outcome: "pass" });
});

test("of several public keys in one text one suffices", async () => {
  const both = { ...KEY, key: `${createKey().pem}\n${key.pem}` };
  const options = { registry: { fetch: registry.fetch }, trust: { json: sigstore.trustedRoot() }, clock };
  expect(await evaluateImage(images.keyed.reference, both, options)).toMatchObject({ outcome: "pass" });
});

test.each<[string, ImageQuestion, string]>([
  ["no signature and no attestation", { ...KEY, signature: false }, "neither a signature nor an attestation"],
  ["no key", { key: "hello" }, "hello"],
  ["a broken PEM", { key: key.pem.replace(/[A-Za-z]{4}/, "????") }, "key"],
  ["nobody", { identity: {} }, "subject"],
  ["no signer at all", untyped({}), "nobody is named who should have signed"],
  ["nothing at all", untyped(undefined), "there is no question"],
  [
    "a key and an identity",
    { ...KEY, identity: { subject: SUBJECT, issuer: ISSUER } },
    "several kinds of signers",
  ],
  [
    "a subject that any issuer may vouch for",
    { identity: { subject: SUBJECT } },
    "`identity` names no issuer",
  ],
  ["an issuer that may vouch for anybody", { identity: { issuer: ISSUER } }, "`identity` names no subject"],
  ["a key as bytes", untyped({ key: Buffer.from(key.pem) }), "`key` is not text"],
  ["attestations by name", untyped({ ...KEY, attestations: "slsaprovenance" }), "`attestations` is no list"],
  [
    "an attestation by name",
    untyped({ ...KEY, attestations: ["spdx"] }),
    "an attestation of the question is no",
  ],
  ["an attestation of no type", untyped({ ...KEY, attestations: [{}] }), "has no `type`"],
  ["a key that is left out", untyped({ key: undefined, identity: undefined }), "nobody is named"],
  ["annotations, misspelt", untyped({ ...KEY, annotatons: { env: "prod" } }), "unknown field `annotatons`"],
  ["conditions, misspelt", untyped({ ...KEY, attestations: [{ type: SLSA, condition: {} }] }), "`condition`"],
  [
    "a subject, misspelt",
    untyped({ identity: { sub: SUBJECT, subject: "*", issuer: ISSUER } }),
    "unknown field `sub`",
  ],
  [
    "an annotation that got lost",
    untyped({ ...KEY, annotations: { team: undefined } }),
    "`team` is not text",
  ],
  ["annotations as text", untyped({ ...KEY, annotations: "team=a" }), "`annotations` is no object"],
  [
    "a log that may be ignored, otherwise",
    untyped({ ...KEY, tlog: "ignored" }),
    "`tlog` is none of `require`",
  ],
  ["a bad regular expression", { identity: { subjectRegExp: "(", issuer: ISSUER } }, "("],
])(
  "a question that names %s is refused, without a place in a policy that nobody wrote",
  async (_, question, said) => {
    const attempt = evaluateImage("registry.test/keyed:v1", question, {
      registry: { fetch: registry.fetch },
    });
    await expect(attempt).rejects.toMatchObject({ name: "AssayError", code: "invalidQuestion" });
    await expect(attempt).rejects.toThrow(said);
    await expect(attempt).rejects.not.toThrow("policy.yaml");
  },
);
