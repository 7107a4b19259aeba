import { createKey, createRegistry, createSigstore, FROZEN_TIME, image, predicate } from "@assay/testkit";
import { admissionHandler } from "@assay/webhook";
import {
  createAssay,
  type EvaluationRequest,
  evaluateImage,
  type ImageQuestion,
  registrySource,
} from "assay";
import { describe, expect, test } from "vitest";
import { losses } from "./losses.ts";

// Whatever a program without types loses of a question or a request, what was denied stays denied; or it is an error with a
// code, or the verdict has a warning.

const registry = createRegistry({ host: "registry.test" });
const sigstore = createSigstore();
const key = createKey();
const subject = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const scan = "https://example.com/scan/v1";
const signed = image({ repository: "acme/signed" })
  .signedBy(key, { annotations: { team: "a" } })
  .attested(predicate(scan, { score: 1 }))
  .pushTo(registry).reference;
const byIdentity = image({ repository: "acme/identity" })
  .signedBy(sigstore.identity({ subject, issuer: "https://accounts.google.com" }))
  .pushTo(registry).reference;
const unsigned = image({ repository: "acme/unsigned" }).pushTo(registry).reference;
const options = {
  source: registrySource({ fetch: registry.fetch, retry: { attempts: 1 }, listingTtlMs: 3_600_000 }),
  trust: { json: sigstore.trustedRoot() },
  clock: () => new Date(FROZEN_TIME),
};

type Value = unknown;
type Change = readonly [what: string, value: Value];
type Path = readonly (string | number)[];

/** The value with one of its parts lost or taken for another thing, each in turn. */
function* changes(value: Value, path: Path = []): Generator<Change> {
  for (const [how, instead] of odd(value)) yield [`${path.join(".")} ${how}`, instead];
  if (typeof value !== "object" || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    const put = (instead: Value): Value =>
      Array.isArray(value)
        ? value.map((item, i) => (String(i) === name ? instead : item))
        : { ...value, [name]: instead };
    for (const [what, instead] of changes(part, [...path, name])) yield [what, put(instead)];
    if (Array.isArray(value)) continue;
    const { [name]: _, ...others } = value as Readonly<Record<string, Value>>;
    for (const wrong of [`${name}s`, name.slice(0, -1), name.toUpperCase(), ` ${name}`])
      yield [`${[...path, wrong].join(".")} misspelt`, { ...others, [wrong]: part }];
  }
}

function odd(value: Value): readonly Change[] {
  const always: readonly Change[] = [
    ["null", null],
    ["empty", ""],
    ["no number", Number.NaN],
    ["a function", () => value],
    ["awaited", Promise.resolve(value)],
    ["a symbol", Symbol("x")],
    ["a Map", new Map()],
    ["a Date", new Date(0)],
    ["bytes", Buffer.from("x")],
    ["in a list", [value]],
  ];
  if (Array.isArray(value))
    return [
      ...always,
      ["a Set", new Set(value)],
      ["with a hole", [undefined, ...value]],
      ["its first", value[0]],
    ];
  if (typeof value !== "object" || value === null) return always;
  const lent = Object.create(null) as Record<string, Value>;
  const getters = class {};
  for (const [name, part] of Object.entries(value)) {
    lent[name] = part;
    Object.defineProperty(getters.prototype, name, { get: () => part });
  }
  return [
    ...always,
    ["inherited", Object.create(lent)],
    ["by getters", new getters()],
    ["as JSON", JSON.stringify(value)],
  ];
}

/** What lets it through without a word. Errors must have a code. */
async function silent(
  given: Value,
  judge: (value: never) => Promise<{ readonly allowed: boolean; readonly warnings: number }>,
): Promise<readonly string[]> {
  const before = await judge(given as never);
  expect(before.allowed).toBe(false);
  const found: string[] = [];
  for (const [what, value] of changes(given)) {
    try {
      const { allowed, warnings } = await judge(value as never);
      if (allowed && warnings <= before.warnings) found.push(what);
    } catch (error) {
      expect(error, what).toHaveProperty("code", expect.stringMatching(/^(invalid\w+|usage|misuse)$/));
    }
  }
  return found;
}

describe("a question to evaluateImage that loses a part asks for no less", () => {
  const byKey = { key: key.pem, tlog: "ignore" } as const;
  const conditions = { all: [{ key: "{{ score }}", operator: "GreaterThan", value: 5 }] };
  test.each<[string, string, ImageQuestion]>([
    ["annotations", signed, { ...byKey, annotations: { team: "b" } }],
    ["a log", signed, { key: key.pem, tlog: "require", format: "Cosign" }],
    ["another repository", signed, { ...byKey, repository: "registry.test/signatures" }],
    ["an attestation", signed, { ...byKey, attestations: [{ type: scan, conditions }] }],
    [
      "attestations alone",
      signed,
      { ...byKey, signature: false, attestations: [{ type: scan, conditions }] },
    ],
    [
      "an issuer",
      byIdentity,
      { identity: { subject, issuer: "https://token.actions.githubusercontent.com" }, sct: "require" },
    ],
  ])("%s", async (_, reference, question) => {
    const found = await silent(question, async (asked) => {
      const { allowed, warnings } = await evaluateImage(reference, asked, options);
      return { allowed, warnings: warnings.length };
    });
    expect(found).toEqual([]);
  });
});

const filter = {
  resources: {
    ...{ kinds: ["v1/Pod"], operations: ["UPDATE"], namespaces: ["prod"] },
    namespaceSelector: { matchLabels: { env: "prod" } },
  },
  subjects: [{ kind: "Group", name: "dev" }],
};
const policies = JSON.stringify({
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "p" },
  spec: {
    ...{ validationFailureAction: "Enforce", background: false },
    rules: [
      {
        ...{ name: "r", match: { any: [filter] } },
        verifyImages: [
          {
            imageReferences: ["*"],
            attestors: [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }],
          },
        ],
      },
    ],
  },
});
const assay = createAssay({ policies, ...options });
const resource = {
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "prod" } },
  spec: { containers: [{ name: "a", image: unsigned }] },
};

test("a request that loses a part is judged by no other rules", { timeout: 30_000 }, async () => {
  const request: EvaluationRequest = {
    ...{ resource, operation: "UPDATE", oldResource: resource },
    userInfo: { username: "eve", groups: ["dev"] },
    namespaceLabels: { env: "prod" },
  };
  const found = await silent(request, async (asked) => {
    const { allowed, warnings } = await assay.evaluate(asked);
    return { allowed, warnings: warnings.length };
  });
  // A label and a group that are empty are others.
  expect(found).toEqual(["userInfo.groups.0 empty", "namespaceLabels.env empty", ...misspeltLabels]);
});

/** Labels may be called anything. */
const misspeltLabels = ["envs", "en", "ENV", " env"].map((name) => `namespaceLabels.${name} misspelt`);

test("an admission review that loses a part is judged by no other rules", { timeout: 60_000 }, async () => {
  const review = {
    ...{ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" },
    request: {
      ...{ uid: "u", kind: { group: "", version: "v1", kind: "Pod" }, operation: "UPDATE" },
      ...{ namespace: "prod", name: "web", object: resource, oldObject: resource },
      userInfo: { username: "eve", groups: ["dev"] },
    },
  };
  const handle = admissionHandler(assay, { mode: "mutate", namespaceLabels: () => ({ env: "prod" }) });
  const judge = async (body: string): Promise<{ allowed: boolean; warnings?: readonly string[] }> => {
    const headers = { "content-type": "application/json" };
    const answer = await handle(new Request("https://webhook/", { method: "POST", headers, body }));
    return answer.status === 200
      ? ((await answer.json()) as { response: { allowed: boolean } }).response
      : { allowed: false };
  };
  expect(await judge(JSON.stringify(review))).toMatchObject({ allowed: false });
  const found: string[] = [];
  for (const { how, path, text } of losses(review)) {
    const { allowed, warnings = [] } = await judge(text);
    if (allowed && warnings.length === 0) found.push(`${path.join(".")} ${how}`);
  }
  // Of whom the API server names no groups is in none; an empty group and one with another name are others.
  const isOfGroups = (what: string): boolean => what.startsWith("request.userInfo");
  expect(found.filter((what) => !isOfGroups(what))).toEqual([]);
});
