import { describe, expect, test } from "vitest";
import { engineFor, entry, image, keys, kindsAsked, pinned, pod, policy } from "./build.ts";
import { failure, fixture, fixtureSources } from "./fixture-source.ts";

const slsa = { type: "https://slsa.dev/provenance/v0.2" };
const spdx = { type: "https://spdx.dev/Document" };

describe("lookups are those that the policy needs, each asked once", () => {
  test("an image by digest with a key: its signatures only, and no trust root", async () => {
    const sources = fixtureSources();
    await engineFor(policy(), { sources }).evaluate({ resource: pod(pinned("key-ecdsa", "referrers")) });
    expect(kindsAsked(sources)).toEqual(["signatureTag", "referrers"]);
  });

  test("a tag is resolved once, before anything else", async () => {
    const sources = fixtureSources();
    await engineFor(policy(), { sources }).evaluate({ resource: pod(image("key-ecdsa", "referrers")) });
    expect(kindsAsked(sources)).toEqual(["digest", "signatureTag", "referrers"]);
  });

  test("many attestors, attestations, containers, entries and policies make no more of them", async () => {
    const sources = fixtureSources();
    const one = entry({
      attestors: [{ entries: [keys(), keys("other")], count: 1 }],
      attestations: [slsa, spdx],
    });
    const documents = ["a", "b", "c"].map((name) => policy({ name, entries: [one, one] }));
    const text = image("key-att3", "referrers");
    const { verdict } = await engineFor(documents, { sources }).evaluate({
      resource: pod([text, text, text]),
    });
    expect(verdict.allowed).toBe(true);
    expect(kindsAsked(sources)).toEqual(["digest", "signatureTag", "referrers", "attestationTag"]);
  });

  test("what is known of one container's image serves every container: 20 of them ask as much as one", async () => {
    const sources = fixtureSources();
    const images = Array.from({ length: 20 }, () => pinned("key-ecdsa", "referrers"));
    const { stats } = await engineFor(policy(), { sources }).evaluate({ resource: pod(images) });
    expect(stats).toMatchObject({ lookups: 2, requests: 2, rounds: 1 });
  });

  test("the fallback tag is asked only of a registry without the referrers API, and only if it can matter", async () => {
    const satisfied = fixtureSources();
    await engineFor(policy(), { sources: satisfied }).evaluate({ resource: pod(pinned("key-ecdsa")) });
    expect(kindsAsked(satisfied)).toEqual(["signatureTag", "referrers"]);
    const needed = fixtureSources();
    const { verdict } = await engineFor(policy(), { sources: needed }).evaluate({
      resource: pod(pinned("bundle-ecdsa")),
    });
    expect(verdict.allowed).toBe(true);
    expect(kindsAsked(needed)).toEqual(["signatureTag", "referrers", "referrersTag"]);
    const all = fixtureSources();
    const { stats } = await engineFor(policy({ entry: { attestations: [slsa] } }), { sources: all }).evaluate(
      {
        resource: pod(pinned("key-att3")),
      },
    );
    expect(kindsAsked(all)).toEqual(["signatureTag", "referrers", "attestationTag", "referrersTag"]);
    // Attestations need it for sure, so it does not wait for another round.
    expect(stats.rounds).toBe(1);
  });

  test("`type` narrows what is asked", async () => {
    const sources = fixtureSources();
    const document = policy({ entry: { type: "SigstoreBundle", attestations: [slsa] } });
    await engineFor(document, { sources }).evaluate({ resource: pod(pinned("bundle-att3", "referrers")) });
    expect(kindsAsked(sources)).toEqual(["referrers"]);
  });

  test("the trust root is loaded only when a signature that was found needs it", async () => {
    const withLog = { keys: { publicKeys: fixture("keys/cosign.pub") } };
    const document = policy({ entry: { attestors: [{ entries: [withLog] }] } });
    const trustedRoot = fixture("trust/trusted_root.json");
    const unsigned = fixtureSources({ trustedRoot });
    await engineFor(document, { sources: unsigned }).evaluate({
      resource: pod(pinned("unsigned", "referrers")),
    });
    expect(kindsAsked(unsigned)).not.toContain("trustRoot");
    const logged = fixtureSources({ trustedRoot });
    const { verdict } = await engineFor(document, { sources: logged }).evaluate({
      resource: pod(pinned("key-tlog", "referrers")),
    });
    expect(verdict.allowed).toBe(true);
    expect(kindsAsked(logged).filter((kind) => kind === "trustRoot")).toHaveLength(1);
  });

  test("a rule that selects no image asks for nothing, not even its ConfigMap", async () => {
    const sources = fixtureSources();
    const context = [{ name: "keys", configMap: { name: "keys", namespace: "kyverno" } }];
    const publicKeys = "{{ keys.data.pub }}";
    const document = policy({
      rule: { context },
      entry: { attestors: [{ entries: [{ keys: { publicKeys } }] }] },
    });
    const { verdict } = await engineFor(document, { sources }).evaluate({ resource: pod("nginx") });
    expect(verdict).toMatchObject({ allowed: true, results: [] });
    expect(kindsAsked(sources)).toEqual([]);
  });

  test("`applyRules: One` asks nothing for rules after the first that applies", async () => {
    const sources = fixtureSources();
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const rules = ["first", "second"].map((name, index) => ({
      name,
      match,
      verifyImages: [entry({ attestations: index === 0 ? [] : [slsa] })],
    }));
    const { verdict } = await engineFor(policy({ spec: { applyRules: "One" }, rules }), { sources }).evaluate(
      {
        resource: pod(pinned("key-ecdsa", "referrers")),
      },
    );
    expect(verdict.results.map(({ rule }) => rule)).toEqual(["first"]);
    expect(kindsAsked(sources)).toEqual(["signatureTag", "referrers"]);
  });

  test("an update that leaves an image as it was has the same first rule for `applyRules: One`", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const rules = [
      { name: "first", match, verifyImages: [entry()] },
      { name: "second", match, verifyImages: [entry({ attestors: [{ entries: [keys("other")] }] })] },
    ];
    const engine = engineFor(policy({ spec: { applyRules: "One" }, rules }));
    const before = pod(pinned("key-ecdsa"));
    const labelled = { ...before, metadata: { name: "app", labels: { n: "1" } } };
    const { verdict } = await engine.evaluate({
      ...{ resource: labelled, oldResource: before, operation: "UPDATE" },
    });
    expect(verdict).toMatchObject({ allowed: true, results: [{ rule: "first" }] });
  });

  test("a rule that has nothing to verify is no first one for `applyRules: One`", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const rules = [
      { name: "first", match, verifyImages: [entry({ attestors: [], required: false })] },
      { name: "second", match, verifyImages: [entry()] },
    ];
    const engine = engineFor(policy({ spec: { applyRules: "One" }, rules }));
    const { verdict } = await engine.evaluate({ resource: pod(pinned("unsigned")) });
    expect(verdict.results.map(({ rule, outcome }) => [rule, outcome])).toEqual([
      ["first", "pass"],
      ["second", "fail"],
    ]);
  });

  // Kyverno counts passes and failures (pkg/engine/api/policyresponse.go).
  test.each([
    ["whose evidence cannot be had", {}, entry({ repository: "127.0.0.1:1/away", required: false })],
    ["whose context cannot be had", { context: [{ name: "gone", configMap: { name: "gone" } }] }, entry()],
    ["whose preconditions cannot be evaluated", {}, entry()],
  ])("a rule %s is no first one for `applyRules: One`", async (what, rule, first) => {
    const sources = fixtureSources({
      answer: (lookup) =>
        JSON.stringify(lookup).includes("away") || lookup.kind === "configMap"
          ? failure({ code: "unavailable", message: "connection refused", origin: "127.0.0.1:1" })
          : undefined,
    });
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const key = what.includes("context") ? "{{ gone.data.key }}" : "{{ request.object.metadata.nothing }}";
    const preconditions = { all: [{ key, operator: "Equals", value: "x" }] };
    const asked = what.includes("evidence") ? {} : { preconditions };
    const rules = [
      { name: "first", match, ...rule, ...asked, verifyImages: [first] },
      { name: "second", match, verifyImages: [entry({ attestors: [{ entries: [keys("other")] }] })] },
    ];
    const spec = { applyRules: "One", failurePolicy: "Ignore" };
    const { verdict } = await engineFor(policy({ spec, rules }), { sources }).evaluate({
      resource: pod(pinned("key-ecdsa")),
    });
    expect(verdict).toMatchObject({ allowed: false, results: [{ outcome: "error" }, { outcome: "fail" }] });
  });

  test.each([
    [
      "a tag beside its digest",
      "127.0.0.1:5001/acme/key-ecdsa:*",
      pinned("key-ecdsa").replace("@", ":v1@"),
      "second",
    ],
    ["its digest", "127.0.0.1:5001/acme/key-ecdsa@*", pinned("key-ecdsa").replace("@", ":v1@"), "first"],
    [
      "its registry in another spelling",
      "localhost:5001/*",
      pinned("key-ecdsa").replace("127.0.0.1", "LOCALHOST"),
      "second",
    ],
  ])(
    "of `applyRules: One`, which rule is the last for an image that %s selects",
    async (_, references, name, last) => {
      const match = { any: [{ resources: { kinds: ["Pod"] } }] };
      const rules = [
        { name: "first", match, verifyImages: [entry({ imageReferences: [references] })] },
        {
          name: "second",
          match,
          verifyImages: [entry({ imageReferences: ["*"], attestors: [{ entries: [keys("other")] }] })],
        },
      ];
      const engine = engineFor(policy({ spec: { applyRules: "One" }, rules }));
      const { verdict } = await engine.evaluate({ resource: pod(name) });
      expect(verdict.results.map(({ rule }) => rule).at(-1)).toBe(last);
      expect(verdict.allowed).toBe(last === "first");
    },
  );

  test("a rule's image extractors are its own, and no other rule's", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const imageExtractors = { Pod: [{ path: "/metadata/annotations/image" }] };
    const rules = [
      { name: "annotation", match, imageExtractors, verifyImages: [entry()] },
      { name: "containers", match, verifyImages: [entry()] },
    ];
    const metadata = { name: "web", annotations: { image: pinned("key-ecdsa") } };
    const { verdict } = await engineFor(policy({ rules })).evaluate({
      resource: pod(pinned("unsigned"), { metadata }),
    });
    expect(verdict.results.map(({ rule, outcome }) => [rule, outcome])).toEqual([
      ["annotation", "pass"],
      ["containers", "fail"],
    ]);
  });

  test("the images variable holds containers beside what a rule's extractors find, as in Kyverno", async () => {
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const imageExtractors = { Pod: [{ path: "/metadata/annotations/image", name: "noted" }] };
    const preconditions = {
      all: [
        { key: "{{ images.containers.c0.name }}", operator: "Equals", value: "unsigned" },
        { key: "{{ images.noted.*.name }}", operator: "AnyIn", value: ["key-ecdsa"] },
      ],
    };
    const rules = [{ name: "noted", match, imageExtractors, preconditions, verifyImages: [entry()] }];
    const metadata = { name: "web", annotations: { image: pinned("key-ecdsa") } };
    const { verdict } = await engineFor(policy({ rules })).evaluate({
      resource: pod(pinned("unsigned"), { metadata }),
    });
    expect(verdict.results).toMatchObject([{ image: pinned("key-ecdsa"), outcome: "pass" }]);
  });

  test("signatures that decide end it: a fallback tag for the attestations is not asked", async () => {
    const sources = fixtureSources();
    const document = policy({ entry: { attestors: [{ entries: [keys("other")] }], attestations: [slsa] } });
    const { verdict } = await engineFor(document, { sources }).evaluate({
      resource: pod(pinned("key-att3")),
    });
    expect(verdict.outcome).toBe("fail");
    // Asked once for the signatures, whose outcome a bundle could still have changed.
    expect(kindsAsked(sources).filter((kind) => kind === "referrersTag")).toHaveLength(1);
  });

  test("an attestor's own repository is asked instead of the image's", async () => {
    const sources = fixtureSources();
    const attestor = { ...keys(), repository: "127.0.0.1:5002/acme/signatures" };
    const document = policy({ entry: { attestors: [{ entries: [attestor] }] } });
    await engineFor(document, { sources }).evaluate({ resource: pod(pinned("key-ecdsa", "referrers")) });
    const asked = sources.asked.map((lookup) => ("repository" in lookup ? lookup.repository : ""));
    expect(new Set(asked)).toEqual(new Set(["127.0.0.1:5002/acme/signatures"]));
  });

  test("pull secrets stand in the order in which the Pod names them", async () => {
    const sources = fixtureSources();
    const imagePullSecrets = [{ name: "team" }, { name: "all" }];
    const resource = pod([], {
      spec: { imagePullSecrets, containers: [{ name: "c", image: image("key-ecdsa") }] },
    });
    await engineFor(policy(), { sources }).evaluate({ resource });
    const pullSecrets = imagePullSecrets.map(({ name }) => ({ namespace: "default", name }));
    expect(sources.asked[0]).toMatchObject({ access: { pullSecrets } });
  });

  test("credentials of every policy go into one question about the image", async () => {
    const sources = fixtureSources();
    const documents = ["one", "two"].map((name) =>
      policy({
        name,
        entry: {
          imageRegistryCredentials: { secrets: [name, "shared/pull"], providers: ["google", "amazon"] },
        },
      }),
    );
    const resource = pod([], {
      spec: { imagePullSecrets: [{ name: "mine" }], containers: [{ name: "c", image: image("key-ecdsa") }] },
    });
    await engineFor(documents, { sources }).evaluate({ resource });
    const [first] = sources.asked;
    expect(sources.asked.filter(({ kind }) => kind === "digest")).toHaveLength(1);
    expect(first).toMatchObject({
      access: {
        providers: ["amazon", "google"],
        pullSecrets: [
          { namespace: "default", name: "mine" },
          { namespace: "kyverno", name: "one" },
          { namespace: "shared", name: "pull" },
          { namespace: "kyverno", name: "two" },
        ],
      },
    });
  });
});

test("a Pod that names no image where one should be is told of: it was not verified", async () => {
  const resource = { apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "web", Image: "nginx" }] } };
  const { verdict } = await engineFor(policy()).evaluate({ resource });
  expect(verdict).toMatchObject({
    allowed: true,
    warnings: ["`/spec/containers/0/image` names no image: nothing is verified there"],
  });
});

test("a Pod without its namespace is told of where a rule is about namespaces", async () => {
  const match = { any: [{ resources: { kinds: ["Pod"], namespaces: ["prod"] } }] };
  const { metadata: _, ...resource } = pod(image("unsigned"));
  const { verdict } = await engineFor(policy({ rule: { match } })).evaluate({ resource });
  expect(verdict).toMatchObject({
    allowed: true,
    warnings: ["`metadata.namespace` is missing: rules for namespaces do not apply"],
  });
  const ofOthers = { any: [{ resources: { kinds: ["Deployment"], namespaces: ["prod"] } }] };
  const other = await engineFor(policy({ rule: { match: ofOthers } })).evaluate({ resource });
  expect(other.verdict).toMatchObject({ allowed: true, warnings: [] });
  const everywhere = await engineFor(policy()).evaluate({ resource });
  expect(everywhere.verdict).toMatchObject({ allowed: false, warnings: [] });
});
