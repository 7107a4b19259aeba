import { createEngine, type Evaluator } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { createKey, createRegistry, image } from "@assay/testkit";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { startController } from "../src/controller.ts";
import { watchedContext } from "../src/watched-context.ts";
import { type ApiServer, apiServer } from "./api-server.ts";

// Who has followed a cluster for days must judge by what it holds now, as one does who begins.

const registry = createRegistry({ host: "registry.example.com" });
const keys = [createKey("p256"), createKey("p256")];
const signed = keys.map((key, of) =>
  image({ repository: `app-${of}` })
    .signedBy(key)
    .pushTo(registry),
);
const source = registrySource({ fetch: registry.fetch });

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

type StoredObject = Parameters<ApiServer["put"]>[0];
type Change = (api: ApiServer) => void;

const match = { any: [{ resources: { kinds: ["Pod"] } }] };
const named = <T extends object>(
  apiVersion: string,
  kind: string,
  metadata: StoredObject["metadata"],
  more: T,
) => ({
  apiVersion,
  kind,
  metadata,
  ...more,
});

/** Demands a signature by one of the keys, or by the one that a ConfigMap holds. */
function policy(name: string, key: number, { kind, only }: { kind: string; only: boolean }): StoredObject {
  const publicKeys = keys[key]?.pem ?? "{{ keys.data.pem }}";
  const attestors = [{ entries: [{ keys: { publicKeys, rekor: { ignoreTlog: true } } }] }];
  const prod = {
    any: [{ resources: { kinds: ["Pod"], namespaceSelector: { matchLabels: { env: "prod" } } } }],
  };
  const rule = {
    name: "check",
    match: only ? prod : match,
    context: [{ name: "keys", configMap: { name: "keys", namespace: "security" } }],
    verifyImages: [{ imageReferences: ["*"], attestors }],
  };
  const namespace = kind === "Policy" ? { namespace: "shop" } : {};
  return named(
    "kyverno.io/v1",
    kind,
    { name, ...namespace },
    { spec: { validationFailureAction: "Enforce", rules: [rule] } },
  );
}

function exception(name: string, namespace: string, policyName: string): StoredObject {
  const exceptions = [{ policyName, ruleNames: ["check"] }];
  return named("kyverno.io/v2", "PolicyException", { name, namespace }, { spec: { match, exceptions } });
}

function configMap(key: number): StoredObject {
  return named("v1", "ConfigMap", { name: "keys", namespace: "security" }, { data: { pem: keys[key]?.pem } });
}

function namespace(env: string): StoredObject {
  const metadata: StoredObject["metadata"] & { readonly labels: object } = { name: "shop", labels: { env } };
  return named("v1", "Namespace", metadata, {});
}

const aPolicy = fc
  .record({
    name: fc.constantFrom("a", "b"),
    key: fc.nat(2),
    kind: fc.constantFrom("ClusterPolicy", "Policy"),
    only: fc.boolean(),
  })
  .map(({ name, key, ...more }) => policy(name, key, more));
const anException = fc
  .tuple(fc.constantFrom("e", "f"), fc.constantFrom("security", "shop"), fc.constantFrom("a", "b", "shop/a"))
  .map(([name, at, of]) => exception(name, at, of));
const anObject: fc.Arbitrary<StoredObject> = fc.oneof(
  { weight: 3, arbitrary: aPolicy },
  anException,
  fc.nat(1).map(configMap),
  fc.constantFrom("prod", "test").map(namespace),
);
const aChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: anObject.map(
      (object): Change =>
        (api) =>
          api.put(object),
    ),
  },
  {
    weight: 3,
    arbitrary: anObject.map(
      (object): Change =>
        (api) =>
          api.remove(object),
    ),
  },
  fc.constantFrom<Change>(
    (api) => api.expireWatches(),
    (api) => api.endWatches(),
    (api) => api.garbleWatches(),
  ),
);

/** A controller, and what it says of Pods. */
async function following(api: ApiServer) {
  const context = await watchedContext(api.config, { fetch: () => Promise.reject(new Error("not asked")) });
  const controller = await startController(api.config, {
    build({ policies, exceptions }): Evaluator {
      const files = [...policies, ...exceptions].map((document) => ({ text: JSON.stringify(document) }));
      const sources = { evidence: source, context: context.source };
      const engine = createEngine({
        ...loadPolicies(files),
        sources,
        clock: () => new Date("2026-11-23T12:00:00Z"),
      });
      return { evaluate: async (request, options) => (await engine.evaluate(request, options)).verdict };
    },
    exceptionNamespaces: ["security"],
  });
  const stop = async (): Promise<void> => {
    await controller.stop();
    await context.stop();
  };
  const judge = async (of: string, at: string): Promise<string> => {
    const metadata = { name: "web", namespace: at };
    const resource = {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { containers: [{ name: "web", image: of }] },
    };
    const labels = controller.namespaceLabels(at);
    const request = labels === undefined ? { resource } : { resource, namespaceLabels: labels };
    const { allowed, results } = await controller.evaluator.evaluate(request, {
      signal: new AbortController().signal,
    });
    return [of, at, allowed, ...results.map(({ policy, code }) => `${policy} ${code}`).sort()].join(" ");
  };
  const pods = signed.flatMap(({ byDigest }) => ["shop", "other"].map((at) => [byDigest, at] as const));
  return { stop, judgements: () => Promise.all(pods.map(([of, at]) => judge(of, at))) };
}

test("what holds now does not depend on what held before", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(aChange, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
      async (bursts) => {
        const api = await apiServer();
        open.push(api.close);
        api.put(configMap(0));
        const old = await following(api);
        open.push(old.stop);
        for (const burst of bursts) {
          for (const change of burst) change(api);
          const fresh = await following(api);
          const now = await fresh.judgements();
          await fresh.stop();
          await expect.poll(old.judgements, { interval: 20 }).toEqual(now);
        }
        for (const close of open.splice(0).reverse()) await close();
      },
    ),
    { numRuns: 8 },
  );
});
