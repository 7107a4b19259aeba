import { createKey, createRegistry, createSigstore, image } from "@assay/testkit";
import { expect, test } from "vitest";
import { createAssay, type JsonObject, type Verdict } from "../src/index.ts";

// What a policy demands by a variable may come out of a ConfigMap that somebody emptied.

const sigstore = createSigstore();
const registry = createRegistry();
const key = createKey();
const subject = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const identity = sigstore.identity({ subject, extensions: { githubWorkflowTrigger: "push" } });
const keyless = image({ repository: "keyless" }).signedBy(identity).pushTo(registry);
const keyed = image({ repository: "keyed" }).signedBy(key, { log: sigstore.rekor }).pushTo(registry);

const rekor = { url: "https://rekor.example" };
const byWorkflow = {
  subject: "https://github.com/acme/*",
  issuer: "https://token.actions.githubusercontent.com",
  rekor,
};
const variable = "{{ given.data.text }}";

async function judged(attestor: JsonObject, text: string): Promise<Verdict> {
  const rule = {
    name: "r",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    context: [{ name: "given", configMap: { name: "given", namespace: "shop" } }],
    verifyImages: [
      { imageReferences: ["*"], failureAction: "Enforce", attestors: [{ entries: [attestor] }] },
    ],
  };
  const metadata = { name: "p" };
  const policy = { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata, spec: { rules: [rule] } };
  const given = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "given", namespace: "shop" },
    data: { text },
  };
  const { evaluate } = createAssay({
    policies: JSON.stringify(policy),
    objects: [given],
    registry: { fetch: registry.fetch, credentials: [] },
    trust: { json: sigstore.trustedRoot() },
    clock: sigstore.clock,
  });
  const of = "keys" in attestor ? keyed : keyless;
  const spec = { containers: [{ name: "app", image: of.byDigest }] };
  return evaluate({
    resource: { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" }, spec },
  });
}

test.each<[string, JsonObject, string]>([
  ["subject", { keyless: { ...byWorkflow, subject: variable } }, byWorkflow.subject],
  ["issuer", { keyless: { ...byWorkflow, issuer: variable } }, byWorkflow.issuer],
  ["subjectRegExp", { keyless: { subjectRegExp: variable, issuer: byWorkflow.issuer, rekor } }, "acme"],
  ["issuerRegExp", { keyless: { subject: byWorkflow.subject, issuerRegExp: variable, rekor } }, "actions"],
  ["roots", { keyless: { ...byWorkflow, roots: variable } }, sigstore.pem.roots],
  ["rekor.pubkey", { keyless: { ...byWorkflow, rekor: { ...rekor, pubkey: variable } } }, sigstore.pem.rekor],
  ["ctlog.pubkey", { keyless: { ...byWorkflow, ctlog: { pubkey: variable } } }, sigstore.pem.ctlog],
  [
    "rekor.pubkey of a key",
    { keys: { publicKeys: key.pem, rekor: { pubkey: variable } } },
    sigstore.pem.rekor,
  ],
  ["publicKeys", { keys: { publicKeys: variable } }, key.pem],
])("an empty variable for %s admits nobody, and says why", async (_, attestor, text) => {
  expect(await judged(attestor, text)).toMatchObject({ allowed: true });
  const message = expect.stringContaining(`\`${variable}\` is empty, so that nothing would be demanded`);
  expect(await judged(attestor, "")).toMatchObject({
    allowed: false,
    outcome: "error",
    results: [{ message }],
  });
});

const trigger = (text: string): JsonObject => ({
  keyless: { ...byWorkflow, additionalExtensions: { githubWorkflowTrigger: text } },
});

test.each<[string, JsonObject, string, string]>([
  [
    "a subject with a wildcard",
    { keyless: { ...byWorkflow, subject: `https://github.com/${variable}*` } },
    "acme/",
    "https://github.com/*",
  ],
  [
    "a subject of two variables",
    { keyless: { ...byWorkflow, subject: `${variable}*${variable}` } },
    "*",
    "*",
  ],
  [
    "an issuer with a wildcard",
    { keyless: { ...byWorkflow, issuer: `https://${variable}*.com` } },
    "token.actions.",
    "https://*.com",
  ],
  [
    "a regular expression",
    { keyless: { subjectRegExp: `^https://github.com/${variable}.*$`, issuer: byWorkflow.issuer, rekor } },
    "acme/",
    "^https://github.com/.*$",
  ],
  ["an extension with a wildcard", trigger(`${variable}*`), "pu", "*"],
])(
  "an empty variable in %s admits nobody, since what is left admits more",
  async (_, attestor, text, left) => {
    expect(await judged(attestor, text)).toMatchObject({ allowed: true });
    const message = expect.stringContaining(
      `is \`${left}\` since \`given.data.text\` is empty, so that less would be demanded`,
    );
    expect(await judged(attestor, "")).toMatchObject({
      allowed: false,
      outcome: "error",
      results: [{ message }],
    });
  },
);

test("what a variable says of a wildcard is meant, and an empty one beside other text may be left out", async () => {
  const by = (subject: string): JsonObject => ({ keyless: { ...byWorkflow, subject } });
  expect(await judged(by(variable), "*")).toMatchObject({ allowed: true });
  expect(await judged(by(`${subject}${variable}`), "")).toMatchObject({ allowed: true });
  const keys = { keys: { publicKeys: `${key.pem}${variable}`, rekor: { pubkey: sigstore.pem.rekor } } };
  expect(await judged(keys, "")).toMatchObject({ allowed: true });
});

test.each<[string, JsonObject]>([
  ["an annotation", { keyless: byWorkflow, annotations: { team: variable } }],
  ["an extension", { keyless: { ...byWorkflow, additionalExtensions: { githubWorkflowTrigger: variable } } }],
])("what %s must be may be empty: that is a demand, too", async (_, attestor) => {
  expect(await judged(attestor, "")).toMatchObject({ allowed: false, outcome: "fail" });
});
