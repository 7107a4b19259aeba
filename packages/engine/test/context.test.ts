import type { Json, JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { EngineError } from "../src/engine-error.ts";
import type { ContextLookup, Lookup, Sources } from "../src/gather/lookup.ts";
import { digestOf, engineFor, entry, image, keys, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

const pub = fixture("keys/cosign.pub");
const weak = { rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
const keyFrom = (publicKeys: string): JsonObject => ({ keys: { publicKeys, ...weak } });
const signed = pod(pinned("key-ecdsa", "referrers"));

/** Sources with a cluster that answers what it is told to. */
function cluster(objects: Readonly<Record<string, Json>>): Sources & { readonly asked: Lookup[] } {
  const sources = fixtureSources();
  const keyOf = (lookup: ContextLookup): string =>
    lookup.kind === "apiCall"
      ? `${lookup.method} ${lookup.url}`
      : "namespace" in lookup
        ? `${lookup.kind} ${lookup.namespace}/${lookup.name}`
        : `${lookup.kind} ${lookup.name}`;
  return {
    ...sources,
    context: {
      async fetch(lookup) {
        sources.asked.push(lookup);
        const found = objects[keyOf(lookup)];
        if (found === undefined) {
          return { ok: false, failure: { code: "notFound", message: `no ${keyOf(lookup)}`, origin: "test" } };
        }
        const value =
          lookup.kind === "configMap" || lookup.kind === "secret" ? { object: found } : { data: found };
        return { ok: true, value, requests: 1 } as never;
      },
    },
    keys: {
      async fetch(lookup) {
        sources.asked.push(lookup);
        return { ok: true, value: { pem: pub }, requests: 1 };
      },
    },
  };
}

const configMap = (data: JsonObject): JsonObject => ({ kind: "ConfigMap", metadata: { name: "keys" }, data });

async function verdictOf(
  document: JsonObject,
  objects: Readonly<Record<string, Json>>,
  variables: JsonObject = {},
  resource: JsonObject = signed,
) {
  const sources = cluster(objects);
  const { verdict } = await engineFor(document, { sources, variables }).evaluate({ resource });
  return { verdict, asked: sources.asked };
}

describe("keys come from where the policy says", () => {
  const cases: readonly (readonly [
    string,
    JsonObject,
    readonly JsonObject[],
    Readonly<Record<string, Json>>,
  ])[] = [
    [
      "a ConfigMap context entry",
      keyFrom("{{ keys.data.pub }}"),
      [{ name: "keys", configMap: { name: "keys", namespace: "kyverno" } }],
      { "configMap kyverno/keys": configMap({ pub }) },
    ],
    [
      "a ConfigMap that is named without a context entry",
      keyFrom("{{ configmap.keys.data.cosign-pub }}"),
      [],
      { "configMap kyverno/keys": configMap({ "cosign-pub": pub }) },
    ],
    [
      "a variable that is made of another entry",
      keyFrom("{{ chosen }}"),
      [
        { name: "keys", configMap: { name: "keys", namespace: "kyverno" } },
        { name: "chosen", variable: { jmesPath: "keys.data.pub" } },
      ],
      { "configMap kyverno/keys": configMap({ pub }) },
    ],
    [
      "an API call",
      keyFrom("{{ answer }}"),
      [
        {
          name: "answer",
          apiCall: { urlPath: "/api/v1/namespaces/{{ request.namespace }}/keys", jmesPath: "items[0].key" },
        },
      ],
      { "GET /api/v1/namespaces/default/keys": { items: [{ key: pub }] } },
    ],
    [
      "a global context entry",
      keyFrom("{{ global }}"),
      [{ name: "global", globalReference: { name: "keyring", jmesPath: "pub" } }],
      { "globalContext keyring": { pub } },
    ],
    [
      "a Secret",
      { keys: { secret: { name: "cosign", namespace: "ci" }, ...weak } },
      [],
      { "secret ci/cosign": { data: { "cosign.pub": Buffer.from(pub).toString("base64") } } },
    ],
    [
      "a Secret by cosign's reference",
      keyFrom("k8s://ci/cosign"),
      [],
      { "secret ci/cosign": { data: { "cosign.pub": Buffer.from(pub).toString("base64") } } },
    ],
    ["a key management service", { keys: { kms: "hashivault://app", ...weak } }, [], {}],
    ["the caller's variables", keyFrom("{{ KEY }}"), [], {}],
  ];

  test.each(cases)("%s", async (_name, attestor, context, objects) => {
    const document = policy({
      rule: { context: [...context] },
      entry: { attestors: [{ entries: [attestor] }] },
    });
    const { verdict } = await verdictOf(document, objects, { KEY: pub });
    expect(verdict).toMatchObject({ allowed: true, outcome: "pass" });
  });

  test.each(cases.filter(([, , , objects]) => Object.keys(objects).length > 0))(
    "%s that is missing is an error, not `not signed`",
    async (_name, attestor, context) => {
      const document = policy({
        rule: { context: [...context] },
        entry: { attestors: [{ entries: [attestor] }] },
      });
      const { verdict } = await verdictOf(document, {});
      expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
      expect(["contextUnavailable", "keyUnavailable"]).toContain(verdict.results[0]?.code);
    },
  );

  test("a set that needs one of two passes though the other key could not be had", async () => {
    const missing = { keys: { secret: { name: "gone", namespace: "ci" }, ...weak } };
    const document = policy({ entry: { attestors: [{ count: 1, entries: [missing, keys()] }] } });
    const { verdict } = await verdictOf(document, {});
    expect(verdict.allowed).toBe(true);
  });

  test("text that is no key is an error at the attestor", async () => {
    const document = policy({ entry: { attestors: [{ entries: [keyFrom("{{ KEY }}")] }] } });
    const { verdict } = await verdictOf(document, {}, { KEY: "nonsense" });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "invalidPolicy" }] });
  });

  test("a substituted value is never scanned for variables again", async () => {
    const document = policy({ entry: { attestors: [{ entries: [keyFrom("{{ KEY }}")] }] } });
    const { verdict } = await verdictOf(document, {}, { KEY: "{{ OTHER }}", OTHER: pub });
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
  });

  test("a bad PEM without variables is refused at load, with its position", () => {
    const document = policy({
      entry: {
        attestors: [{ entries: [keyFrom("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")] }],
      },
    });
    expect(() => engineFor(document)).toThrow(/policy-0\.json:\d+:\d+/);
  });
});

describe("everything that is wrong with policies is told at once, each with its place", () => {
  const broken = keyFrom("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----");
  const anybody = (subjectRegExp: string): JsonObject => ({
    keyless: { subjectRegExp, issuer: "https://i", rekor: { url: "https://r" } },
  });
  const problemsOf = (documents: JsonObject | readonly JsonObject[]): readonly string[] => {
    try {
      engineFor(documents);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      for (const { source } of error.problems) expect(source?.line).toBeGreaterThan(1);
      return error.problems.map(({ source, path }) => `${source?.file} ${path}`);
    }
    return [];
  };

  test.each<[string, JsonObject | readonly JsonObject[], readonly string[]]>([
    [
      "keys of one set, one of them nested",
      policy({
        entry: {
          attestors: [
            { entries: [broken, keys(), { attestor: { entries: [anybody("("), keys("other")] } }] },
          ],
        },
      }),
      [
        "policy-0.json spec.rules[0].verifyImages[0].attestors[0].entries[0].keys",
        "policy-0.json spec.rules[0].verifyImages[0].attestors[0].entries[2].attestor.entries[0].keyless",
      ],
    ],
    [
      "sets, entries, attestations and repositories of several policies",
      [
        policy({
          entries: [
            entry({ attestors: [{ entries: [broken] }, { entries: [anybody("[")] }], repository: "!!" }),
            entry({ attestations: [{ type: "t", attestors: [{ entries: [broken] }] }] }),
          ],
        }),
        policy({ name: "fine" }),
        policy({
          name: "third",
          entry: { attestors: [{ entries: [broken] }], attestations: [{ type: "t" }] },
        }),
      ],
      [
        "policy-0.json spec.rules[0].verifyImages[0].repository",
        "policy-0.json spec.rules[0].verifyImages[0].attestors[0].entries[0].keys",
        "policy-0.json spec.rules[0].verifyImages[0].attestors[1].entries[0].keyless",
        "policy-0.json spec.rules[0].verifyImages[1].attestations[0].attestors[0].entries[0].keys",
        "policy-2.json spec.rules[0].verifyImages[0].attestors[0].entries[0].keys",
      ],
    ],
  ])("%s", (_, documents, places) => {
    const found = problemsOf(documents);
    expect(found).toHaveLength(places.length);
    for (const [i, place] of places.entries()) expect(found[i]).toContain(place);
  });

  test("and counted in the message, after the first of them", () => {
    const document = policy({ entry: { attestors: [{ entries: [broken, anybody("(")] }] } });
    expect(() => engineFor(document)).toThrow(/^policy-0\.json:\d+:\d+: .*\(and 1 more\)$/);
  });
});

describe("context entries", () => {
  const attest = (conditions: Json): JsonObject =>
    entry({ attestations: [{ type: "https://slsa.dev/provenance/v0.2", conditions }] });
  const isAllowed = (value: string): Json => [{ all: [{ key: value, operator: "Equals", value: true }] }];

  test("are loaded when a condition first refers to them, and only then", async () => {
    const context = [
      { name: "wanted", configMap: { name: "wanted", namespace: "kyverno" } },
      { name: "unused", configMap: { name: "unused", namespace: "kyverno" } },
    ];
    const conditions = [{ all: [{ key: "{{ wanted.data.ok }}", operator: "Equals", value: "yes" }] }];
    const document = policy({ rule: { context }, entries: [attest(conditions)] });
    const { verdict, asked } = await verdictOf(
      document,
      { "configMap kyverno/wanted": { data: { ok: "yes" } } },
      {},
      pod(pinned("key-att3", "referrers")),
    );
    expect(verdict.allowed).toBe(true);
    expect(asked.filter(({ kind }) => kind === "configMap")).toEqual([
      { kind: "configMap", namespace: "kyverno", name: "wanted" },
    ]);
  });

  test("a default stands in for what is missing", async () => {
    const context = [{ name: "answer", apiCall: { urlPath: "/gone", default: { ok: true } } }];
    const document = policy({ rule: { context }, entries: [attest(isAllowed("{{ answer.ok }}"))] });
    const { verdict } = await verdictOf(document, {}, {}, pod(pinned("key-att3", "referrers")));
    expect(verdict.allowed).toBe(true);
  });

  test.each([
    ["other/keys?", "failed to load context"],
    ["other/keys#", "failed to load context"],
    ["default", undefined],
  ])("a value that ends the path `…/{{ x }}/keys` reads no other object: %s", async (x, refused) => {
    const context = [
      {
        name: "answer",
        apiCall: { urlPath: "/api/v1/namespaces/{{ x }}/keys", jmesPath: "key" },
      },
    ];
    const document = policy({
      rule: { context },
      entry: { attestors: [{ entries: [keyFrom("{{ answer }}")] }] },
    });
    const known = { "GET /api/v1/namespaces/default/keys": { key: pub } };
    const others = Object.fromEntries(
      ["?", "#"].map((end) => [`GET /api/v1/namespaces/other/keys${end}/keys`, { key: pub }]),
    );
    const { verdict, asked } = await verdictOf(document, { ...known, ...others }, { x });
    expect(verdict.allowed).toBe(refused === undefined);
    if (refused === undefined) return;
    expect(verdict.results[0]?.message).toContain("a value ends the path");
    expect(asked.filter(({ kind }) => kind === "apiCall")).toEqual([]);
  });

  test("a password in a service's address is told neither by a verdict nor by a plan", async () => {
    const url = "http://robot:s3cr@t@scan.example:8080/check?image=a@b";
    const context = [{ name: "answer", apiCall: { service: { url } } }];
    const document = policy({ rule: { context }, entries: [attest(isAllowed("{{ answer.ok }}"))] });
    const resource = pod(pinned("key-att3", "referrers"));
    const sources = fixtureSources();
    const failure = { code: "unavailable", message: "it is down", origin: "scan.example:8080" } as const;
    const engine = engineFor(document, {
      sources: { ...sources, context: { fetch: async () => ({ ok: false, failure }) } },
    });
    const { verdict } = await engine.evaluate({ resource });
    const told = JSON.stringify([verdict, engine.plan({ resource })]);
    expect(told).toContain("GET http://scan.example:8080/check?image=a@b");
    expect(told).not.toContain("s3cr");
  });

  test("an entry that refers to itself is an error and ends", async () => {
    const context = [{ name: "loop", variable: { jmesPath: "loop" } }];
    const document = policy({ rule: { context }, entries: [attest(isAllowed("{{ loop }}"))] });
    const { verdict } = await verdictOf(document, {}, {}, pod(pinned("key-att3", "referrers")));
    expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionUnresolved" }] });
  });

  // Kyverno's pkg/engine/context/deferred.go, loaders/variable.go and apicall/apiCall.go.
  const of = (value: Json): JsonObject => ({ variable: { value } });
  const gone = { apiCall: { urlPath: "/gone", jmesPath: "a", default: "instead" } };
  test.each<[string, JsonObject[], string | undefined]>([
    ["entries of one name, each made of the one before", [of("a"), of("{{ x }}b"), of("{{ x }}c")], "abc"],
    [
      "an entry above it that has its name and no value",
      [{ variable: { jmesPath: "nothing" } }, of("b")],
      undefined,
    ],
    ["an entry further down", [{ variable: { jmesPath: "y || 'none'" } }, { name: "y", ...of("b") }], "none"],
    ["a default, where a call fails", [gone], "instead"],
    [
      "a default, where the answer lacks what is asked for",
      [{ apiCall: { ...gone.apiCall, urlPath: "/known" } }],
      undefined,
    ],
    [
      "a default, where the expression finds nothing",
      [{ variable: { jmesPath: "nothing", default: "d" } }],
      "d",
    ],
    [
      "a default, where the value has no such key",
      [{ variable: { value: {}, jmesPath: "k", default: "d" } }],
      "d",
    ],
    [
      "a default, where the value has null there",
      [{ variable: { value: "v", jmesPath: "[0]", default: "d" } }],
      undefined,
    ],
    [
      "a default, where the value cannot be made",
      [{ variable: { value: "{{ no }}", default: "d", jmesPath: "@" } }],
      undefined,
    ],
  ])("what a name means: %s", async (_, entries, meaning) => {
    const context = entries.map((one) => ({ name: "x", ...one }));
    const preconditions = { all: [{ key: "{{ x }}", operator: "NotEquals", value: meaning ?? "anything" }] };
    const document = policy({ rule: { context, preconditions } });
    const { verdict } = await verdictOf(document, { "GET /known": { b: 1 } });
    expect(verdict.outcome).toBe(meaning === undefined ? "error" : "skip");
  });

  // CVE-2026-22039.
  const call = (urlPath: string): JsonObject => ({ apiCall: { urlPath, default: "instead" } });
  test.each<[string, JsonObject, boolean]>([
    ["an object of its namespace", call("/api/v1/namespaces/team/configmaps/a"), true],
    ["its namespace", call("/api/v1/namespaces/team"), true],
    ["a list in its namespace", call("/apis/apps/v1/namespaces/team/deployments?limit=5"), true],
    ["a Secret of another namespace", call("/api/v1/namespaces/kyverno/secrets/key"), false],
    [
      "another namespace by a variable",
      call("/api/v1/namespaces/{{ request.object.metadata.name }}/secrets"),
      false,
    ],
    ["a namespace that begins alike", call("/api/v1/namespaces/team2/configmaps/a"), false],
    ["all namespaces", call("/api/v1/secrets"), false],
    ["all namespaces, its own in the query", call("/api/v1/secrets?x=/namespaces/team/"), false],
    ["its namespace and back", call("/api/v1/namespaces/team/../kyverno/secrets/key"), false],
    ["the same, encoded", call("/api/v1/namespaces/team/%2e%2e/kyverno/secrets/key"), false],
    ["the same, behind a tab", call("/api/v1/namespaces/team/.\t./kyverno/secrets/key"), false],
    ["the same, by backslashes", call("/api/v1/namespaces/team\\..\\kyverno/secrets/key"), false],
    ["its namespace behind an empty step", call("/api/v1//namespaces/team/configmaps/a"), false],
    ["a node's proxy", call("/api/v1/nodes/n/proxy/namespaces/team/configmaps/a"), false],
    ["what has no namespace", call("/version"), false],
    ["a service", { apiCall: { service: { url: "http://metadata.example/" }, default: "instead" } }, false],
    ["a global context entry", { globalReference: { name: "keyring" } }, false],
    ["a ConfigMap of another namespace", { configMap: { name: "a", namespace: "kyverno" } }, false],
  ])("a Policy reads nothing outside its namespace: %s", async (_, entry, reads) => {
    const context = [{ name: "x", ...entry }];
    const preconditions = { all: [{ key: "{{ to_string(x) }}", operator: "Equals", value: "never" }] };
    const rule = { context, preconditions };
    const resource = pod(pinned("key-ecdsa"), { metadata: { name: "web", namespace: "team" } });
    const own = policy({ kind: "Policy", namespace: "team", rule, spec: { failurePolicy: "Ignore" } });
    const { verdict, asked } = await verdictOf(own, {}, {}, resource);
    expect(asked.filter(({ kind }) => kind !== "digest")).toHaveLength(reads ? 1 : 0);
    expect(verdict).toMatchObject({ allowed: reads, outcome: reads ? "skip" : "error" });
    if (!reads) expect(verdict.results[0]?.message).toContain("a Policy in `team` may not ");
    // Whoever may write a ClusterPolicy may read what Kyverno may.
    expect((await verdictOf(policy({ rule }), {}, {}, resource)).asked).toHaveLength(1);
  });

  test("a predicate cannot stand in for a context entry or a built-in name", async () => {
    const context = [{ name: "buildType", variable: { value: "mine" } }];
    const conditions = [{ all: [{ key: "{{ buildType }}", operator: "Equals", value: "mine" }] }];
    const document = policy({ rule: { context }, entries: [attest(conditions)] });
    const { verdict } = await verdictOf(document, {}, {}, pod(pinned("key-att3", "referrers")));
    expect(verdict.allowed).toBe(true);
  });

  test("the caller's variables never replace what the policy or the request says", async () => {
    const conditions = [
      { all: [{ key: "{{ request.object.metadata.name }}", operator: "Equals", value: "web" }] },
    ];
    const { verdict } = await verdictOf(
      policy({ entries: [attest(conditions)] }),
      {},
      { request: { object: { metadata: { name: "other" } } } },
      pod(pinned("key-att3", "referrers")),
    );
    expect(verdict.allowed).toBe(true);
  });

  test.each<[string, JsonObject]>([
    ["{{ images.containers.c0.name }}", { images: { containers: { c0: { name: "other" } } } }],
    ["{{ image.name }}", { image: { name: "other" } }],
    ["{{ attestation.subject.name }}", { attestation: { subject: { name: "other" } } }],
  ])("nor what %s says of the image", async (key, variables) => {
    const conditions = [{ all: [{ key, operator: "NotEquals", value: "other" }] }];
    const document = policy({ entries: [attest(conditions)] });
    const { verdict } = await verdictOf(document, {}, variables, pod(pinned("key-att3", "referrers")));
    expect(JSON.stringify(verdict.trace)).not.toContain('"received":"other"');
  });

  test.each(["source", "path", "kind"])("an annotation `%s` has its variables filled in", async (name) => {
    const attestor = { ...keys(), annotations: { [name]: "{{ WHERE }}" } };
    const document = policy({ entry: { attestors: [{ entries: [attestor] }] } });
    const { verdict } = await verdictOf(document, {}, { WHERE: "built-by-us" });
    expect(verdict.results[0]?.code).toBe("annotationMismatch");
    expect(JSON.stringify(verdict)).toContain("built-by-us");
    expect(JSON.stringify(verdict)).not.toContain("{{");
  });

  test("nor what a context entry of the policy is called", async () => {
    const context = [{ name: "WHO", variable: { value: "policy" } }];
    const conditions = [{ all: [{ key: "{{ WHO }}", operator: "Equals", value: "policy" }] }];
    const document = policy({ rule: { context }, entries: [attest(conditions)] });
    const { verdict } = await verdictOf(
      document,
      {},
      { WHO: "caller" },
      pod(pinned("key-att3", "referrers")),
    );
    expect(verdict.allowed).toBe(true);
  });

  test.each([
    ["default", true],
    ["kyverno", false],
  ])("a Policy reads ConfigMaps of its own namespace only: %s %s", async (namespace, allowed) => {
    const context = [{ name: "keys", configMap: { name: "keys", namespace } }];
    const attestors = [{ entries: [keyFrom("{{ keys.data.pub }}")] }];
    const document = policy({
      kind: "Policy",
      namespace: "default",
      rule: { context },
      entry: { attestors },
    });
    const objects = {
      "configMap default/keys": configMap({ pub }),
      "configMap kyverno/keys": configMap({ pub }),
    };
    let verdict: Awaited<ReturnType<typeof verdictOf>>["verdict"] | undefined;
    try {
      ({ verdict } = await verdictOf(document, objects));
    } catch (error) {
      // Refused at load already, where the namespace is written out.
      expect(error).toMatchObject({ code: "invalidPolicy" });
    }
    expect(verdict?.allowed ?? false).toBe(allowed);
  });

  test("`image` and `images` name what the object names", async () => {
    const conditions = [
      {
        all: [
          { key: "{{ image.name }}", operator: "Equals", value: "key-att3" },
          { key: "{{ images.containers.c0.registry }}", operator: "Equals", value: "127.0.0.1:5002" },
        ],
      },
    ];
    const { verdict } = await verdictOf(
      policy({ entries: [attest(conditions)] }),
      {},
      {},
      pod(pinned("key-att3", "referrers")),
    );
    expect(verdict.results[0]?.message).toContain("verified image attestations");
  });
});

// Kyverno fills in all variables of a rule before it looks at an image.
test.each([
  ["an entry about other images", { imageReferences: ["elsewhere/*"] }],
  ["an entry that skips the image", { skipImageReferences: ["*"], verifyDigest: false }],
])("a variable without a value is not asked for in %s", async (_, over) => {
  const attestors = [{ entries: [keyFrom("{{ keys.data.pub }}")] }];
  const entries = [entry(), entry({ mutateDigest: false, attestors, ...over })];
  const { verdict } = await verdictOf(policy({ entries }), {}, {}, pod(pinned("key-ecdsa")));
  expect(verdict).toMatchObject({ allowed: true, outcome: "pass" });
});

test("a variable without a value is not asked for behind a precondition that decides", async () => {
  const holds = { key: "{{ request.operation }}", operator: "Equals", value: "CREATE" };
  const unknown = { key: "{{ keys.data.pub }}", operator: "Equals", value: "x" };
  const verdictFor = async (any: readonly JsonObject[]) => {
    const document = policy({ rule: { preconditions: { any } } });
    return (await verdictOf(document, {}, {}, pod(pinned("key-ecdsa")))).verdict.outcome;
  };
  expect(await verdictFor([holds, unknown])).toBe("pass");
  expect(await verdictFor([unknown, holds])).toBe("error");
});

// failure-policy-test-noconfigmap-diffimage-success, noconfigmap-diffimage-success
describe("a missing ConfigMap", () => {
  const context = [{ name: "keys", configMap: { name: "keys", namespace: "kyverno" } }];
  const attestors = [{ entries: [keyFrom("{{ keys.data.pub }}")] }];

  test("does no harm where the image does not match", async () => {
    const { verdict } = await verdictOf(
      policy({ rule: { context }, entry: { attestors } }),
      {},
      {},
      pod("nginx"),
    );
    expect(verdict.allowed).toBe(true);
  });

  // What conditions of attestations lack is a failure there.
  const isMatched = { all: [{ key: "{{ keys.data.pub }}", operator: "Equals", value: "x" }] };
  const attestations = [{ type: "https://slsa.dev/provenance/v0.2", conditions: [isMatched] }];
  test.each([
    ["Fail", "an attestor", { attestors }, {}, false],
    ["Ignore", "an attestor", { attestors }, {}, true],
    ["Ignore", "preconditions", {}, { preconditions: isMatched }, true],
    ["Ignore", "conditions of an attestation", { attestations }, {}, false],
  ])("under failurePolicy %s, for %s", async (failurePolicy, _, over, rule, allowed) => {
    const document = policy({
      spec: { failurePolicy },
      rule: { context, ...rule },
      entry: { mutateDigest: false, verifyDigest: false, ...over },
    });
    const { verdict } = await verdictOf(document, {}, {}, pod(image("key-att3")));
    expect(verdict).toMatchObject({ allowed, outcome: "error", results: [{ code: "contextUnavailable" }] });
  });
});

test("image data is asked of the registry that the images of the request come from", () => {
  const context = [{ name: "data", imageRegistry: { reference: "acme/app:v1" } }];
  const preconditions = { all: [{ key: "{{ data.manifest }}", operator: "Equals", value: "x" }] };
  const document = policy({ rule: { context, preconditions }, entry: { imageReferences: ["*"] } });
  const engine = engineFor(document, { defaultRegistry: "ours.example.com" });
  const { lookups } = engine.plan({ resource: pod("acme/app:v1") });
  const asked = { subject: "acme/app:v1", host: "ours.example.com" };
  expect(lookups.slice(0, 2)).toEqual([
    { ...asked, kind: "digest", when: "now" },
    { ...asked, kind: "imageData", when: "whenResolved" },
  ]);
});

test("image data are asked for with the credentials of their entry, of the digest that the tag was resolved to", async () => {
  const imageRegistryCredentials = { secrets: ["pull"], providers: ["google"] };
  const context = [
    { name: "data", imageRegistry: { reference: image("key-ecdsa"), imageRegistryCredentials } },
  ];
  const preconditions = { all: [{ key: "{{ data.manifest }}", operator: "Equals", value: "x" }] };
  const { asked } = await verdictOf(policy({ rule: { context, preconditions } }), {});
  const access = { providers: ["google"], pullSecrets: [{ namespace: "kyverno", name: "pull" }] };
  expect(asked).toMatchObject([
    { kind: "digest", access },
    { kind: "imageData", access, digest: digestOf("key-ecdsa") },
  ]);
});

test.each([
  ["whether it is only tried out", "request.dryRun", { dryRun: true }, true],
  ["the old object, where it is deleted", "request.oldObject.metadata.name", { operation: "DELETE" }, "web"],
  ["its resource", "request.resource.resource", { admission: { resource: { resource: "pods" } } }, "pods"],
  ["what was asked for", "request.requestKind.kind", { admission: { requestKind: { kind: "Pod" } } }, "Pod"],
  ["its uid", "request.uid", { admission: { uid: "7" } }, "7"],
  ["who asks", "request.userInfo.uid", { userInfo: { uid: "u" } }, "u"],
] as const)("expressions see of a request %s", async (_, path, over, value) => {
  const preconditions = { all: [{ key: `{{ ${path} }}`, operator: "Equals", value }] };
  const match = { any: [{ resources: { kinds: ["Pod"], operations: ["CREATE", "DELETE"] } }] };
  const document = policy({ rule: { match, preconditions } });
  const outcome = async (request: object) => {
    const { verdict } = await engineFor(document).evaluate({ resource: pod(image("unsigned")), ...request });
    return verdict.outcome;
  };
  expect(await outcome(over)).toBe("fail");
  expect(await outcome({})).not.toBe("fail");
});

// Kyverno leaves out what is empty, and whoever does not know roles has none to compare with: as an empty list they let a
// rule for some roles be skipped for everybody.
test.each([
  ["roles", "request.roles", { userInfo: { roles: [] } }],
  ["cluster roles", "request.clusterRoles", {}],
  ["groups", "request.userInfo.groups", { userInfo: { username: "alice", groups: [] } }],
  ["the resource", "request.resource.resource", {}],
  ["the uid", "request.uid", {}],
] as const)("%s that are not there are an unknown key, not an empty value", async (_, path, over) => {
  const preconditions = { all: [{ key: `{{ ${path} }}`, operator: "AnyIn", value: ["ops", "pods"] }] };
  const engine = engineFor(policy({ rule: { preconditions } }));
  const { verdict } = await engine.evaluate({ resource: pod(image("unsigned")), ...over });
  expect(verdict).toMatchObject({ allowed: false, results: [{ code: "conditionUnresolved" }] });
});

describe("preconditions", () => {
  const labelled = (label: string): Json => ({
    all: [
      {
        key: "{{ request.object.metadata.labels.verify || 'no' }}",
        operator: "Equals",
        value: label,
        message: "not labelled",
      },
    ],
  });
  const resource = pod(image("unsigned"), {
    metadata: { name: "web", namespace: "default", labels: { verify: "yes" } },
  });

  test("that hold let the rule go on", async () => {
    const { verdict } = await verdictOf(
      policy({ rule: { preconditions: labelled("yes") } }),
      {},
      {},
      resource,
    );
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail" });
  });

  test("that do not hold skip the rule, in Kyverno's words, and ask for nothing", async () => {
    const { verdict, asked } = await verdictOf(
      policy({ rule: { preconditions: labelled("no") } }),
      {},
      {},
      resource,
    );
    expect(verdict).toMatchObject({
      allowed: true,
      outcome: "skip",
      results: [{ code: "preconditionsNotMet" }],
    });
    expect(verdict.results[0]?.message).toContain("preconditions not met");
    expect(asked).toEqual([]);
  });

  test("that cannot be evaluated are an error, which `Ignore` does not admit", async () => {
    const preconditions = { all: [{ key: "{{ nothing.there }}", operator: "Equals", value: "x" }] };
    const document = policy({ spec: { failurePolicy: "Ignore" }, rule: { preconditions } });
    const { verdict } = await verdictOf(document, {}, {}, resource);
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
    expect(verdict.results[0]?.message).toContain("failed to evaluate preconditions");
  });
});

test("image data of what is no image reference is an error, whatever the object says", async () => {
  const document = policy({
    spec: { failurePolicy: "Ignore" },
    rule: {
      context: [
        { name: "data", imageRegistry: { reference: "{{ request.object.metadata.annotations.of }}" } },
      ],
      preconditions: { all: [{ key: "{{ data.registry }}", operator: "Equals", value: "x" }] },
    },
  });
  const metadata = { name: "web", namespace: "default", annotations: { of: "!!no::image" } };
  const { verdict } = await verdictOf(document, {}, {}, pod(pinned("key-ecdsa"), { metadata }));
  expect(verdict).toMatchObject({
    allowed: false,
    outcome: "error",
    results: [{ code: "contextUnavailable" }],
  });
  expect(verdict.results[0]?.message).toContain("!!no::image");
});

describe("`repository`, where signatures live elsewhere", () => {
  const attestor = (repository: string): JsonObject => ({
    attestors: [{ entries: [{ ...keys(), repository }] }],
  });
  const annotated = (at: string): JsonObject =>
    pod(pinned("key-ecdsa", "referrers"), {
      metadata: { name: "web", namespace: "default", annotations: { at } },
    });
  const variable = "{{ request.object.metadata.annotations.at }}";

  test.each([
    ["an entry's", { repository: "!!no::name" }],
    ["an attestor's", attestor("!!no::name")],
  ])("%s that names none is refused at load", (_name, over) => {
    expect(() => engineFor(policy({ entry: over }))).toThrow(/`repository` is none: .*!!no::name/);
  });

  test.each(["example.com/sigs:v1", "example.com/sigs:latest", `example.com/sigs@sha256:${"0".repeat(64)}`])(
    "of an image is none, as in Kyverno: %s",
    (repository) => {
      expect(() => engineFor(policy({ entry: { repository } }))).toThrow(/names an image/);
      expect(() => engineFor(policy({ entry: attestor(repository) }))).toThrow(/names an image/);
    },
  );

  test.each([
    ["an entry's", { repository: "acme/sigs" }],
    ["an attestor's", attestor("acme/sigs")],
  ])("%s without a host is Docker Hub's, whatever images without one are, as in Kyverno", (_name, over) => {
    const document = policy({ entry: { imageReferences: ["*"], ...over } });
    const { lookups } = engineFor(document, { defaultRegistry: "ours.example.com" }).plan({
      resource: pod("acme/app:v1"),
    });
    const hosts = Object.fromEntries(lookups.map(({ kind, host }) => [kind, host]));
    expect(hosts).toMatchObject({
      digest: "ours.example.com",
      signatureTag: "docker.io",
      referrers: "docker.io",
    });
  });

  test.each([
    ["an entry's", { repository: variable }],
    ["an attestor's", attestor(variable)],
  ])("%s may be a variable", async (_name, over) => {
    const document = policy({ spec: { failurePolicy: "Ignore" }, entry: over });
    const code = async (at: string) => {
      const { verdict } = await verdictOf(document, {}, {}, annotated(at));
      return [verdict.allowed, verdict.outcome, verdict.results[0]?.code];
    };
    expect(await code("127.0.0.1:5002/acme/key-ecdsa")).toEqual([true, "pass", "ok"]);
    expect(await code("127.0.0.1:5002/acme/unsigned")).toEqual([false, "fail", "notSigned"]);
    expect(await code("!!no::name")).toEqual([false, "error", "conditionUnresolved"]);
  });

  test("a variable that is unknown is an error", async () => {
    const document = policy({ entry: { repository: "{{ nobody.knows }}" } });
    const { verdict } = await verdictOf(document, {});
    expect(verdict).toMatchObject({
      allowed: false,
      outcome: "error",
      results: [{ code: "conditionUnresolved" }],
    });
  });

  test("a variable that is spelt otherwise is named, once", async () => {
    const options = { variables: { OUR_REPOSITORY: "127.0.0.1:5002/acme" } };
    const engine = engineFor(policy({ entry: { repository: "{{ OUR_REPOSITRY }}" } }), options);
    const { verdict } = await engine.evaluate({ resource: pod(image("key-ecdsa")) });
    expect(verdict.results[0]?.message.match(/did you mean `OUR_REPOSITORY`/g)).toHaveLength(1);
  });
});
