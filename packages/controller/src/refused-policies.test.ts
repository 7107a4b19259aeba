import { createEngine, type Evaluator } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { createKey, createRegistry, image } from "@assay/testkit";
import { afterEach, describe, expect, test } from "vitest";
import { type ApiServer, apiServer } from "../test/api-server.ts";
import { type Controller, startController } from "./controller.ts";
import type { PolicyDocuments } from "./policy-documents.ts";
import type { PolicyStanding } from "./policy-sieve.ts";
import { reloadableEvaluator } from "./reloadable-evaluator.ts";

const registry = createRegistry({ host: "registry.example.com" });
const [key, other] = [createKey("p256"), createKey("p256")];
const signed = image({ repository: "app" }).signedBy(key).pushTo(registry).reference;
const source = registrySource({ fetch: registry.fetch });

/** Real policies, real signatures; no trust root, since nothing here needs one. */
function build({ policies, exceptions }: PolicyDocuments): Evaluator {
  const files = [...policies, ...exceptions].map((document) => ({ text: JSON.stringify(document) }));
  const engine = createEngine({
    ...loadPolicies(files),
    sources: { evidence: source },
    clock: () => new Date("2026-11-23T12:00:00Z"),
  });
  return { evaluate: async (request, options) => (await engine.evaluate(request, options)).verdict };
}

interface Said {
  readonly kind?: "ClusterPolicy" | "Policy";
  readonly namespace?: string;
  readonly uid?: string;
}

/** Demands a signature by `publicKeys` of every Pod's images. */
function policy(name: string, publicKeys: string, { kind = "ClusterPolicy", ...metadata }: Said = {}) {
  const attestors = [{ entries: [{ keys: { publicKeys, rekor: { ignoreTlog: true } } }] }];
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  const verifyImages = [{ imageReferences: ["*"], attestors }];
  const rules = [{ name: "check", match, verifyImages }];
  const spec = { validationFailureAction: "Enforce", background: true, rules };
  return { apiVersion: "kyverno.io/v1", kind, metadata: { name, ...metadata }, spec };
}

function exception(policyName: string, expires?: string) {
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  const exceptions = [{ policyName, ruleNames: ["check"] }];
  const metadata = { name: "free", namespace: "security" };
  const spec = { match, exceptions, ...(expires === undefined ? {} : { expires }) };
  return { apiVersion: "kyverno.io/v2", kind: "PolicyException", metadata, spec };
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Running {
  readonly api: ApiServer;
  readonly controller: Controller;
  readonly logged: string[];
  /** Resolves with the first standing that is as wanted. */
  standing(wanted: (standing: PolicyStanding) => boolean): Promise<PolicyStanding>;
}

/** A controller on an API server that holds these objects. */
async function running(
  objects: readonly Parameters<ApiServer["put"]>[0][],
  api?: ApiServer,
): Promise<Running> {
  const server = api ?? (await apiServer());
  if (api === undefined) open.push(server);
  for (const object of objects) server.put(object);
  const standings: PolicyStanding[] = [];
  let seen = (): void => {};
  const logged: string[] = [];
  const log = (fields: object, message: string): void =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const controller = await startController(server.config, {
    build,
    exceptionNamespaces: ["security"],
    loaded: (standing) => {
      standings.push(standing);
      seen();
    },
    logger: { info: () => {}, warn: log, error: log },
  });
  open.push({ close: controller.stop });
  return {
    api: server,
    controller,
    logged,
    standing: (wanted) =>
      new Promise((resolve) => {
        seen = () => {
          const last = standings.at(-1);
          if (last !== undefined && wanted(last)) resolve(last);
        };
        seen();
      }),
  };
}

async function judge({ controller }: Running, namespace = "default") {
  const metadata = { name: "web", namespace };
  const resource = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { containers: [{ name: "web", image: signed }] },
  };
  const verdict = await controller.evaluator.evaluate({ resource }, { signal: new AbortController().signal });
  return {
    allowed: verdict.allowed,
    said: verdict.results.map(({ policy: name, code }) => `${name} ${code}`),
  };
}

const inForce = ({ inForce: { policies } }: PolicyStanding): unknown =>
  policies.map(({ metadata }) => metadata);
const broken = (name: string, more: Said = {}) => policy(name, "no key", more);
const isRefused = (count: number) => (standing: PolicyStanding) => standing.refused.length === count;

describe("an invalid policy in a running cluster", () => {
  test("is refused by itself: what changes with it takes effect", async () => {
    const one = await running([policy("signed", key.pem)]);
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed ok"] });
    one.api.put(broken("typo"));
    one.api.put(policy("strict", other.pem));
    const { refused } = await one.standing(
      (standing) => isRefused(1)(standing) && standing.inForce.policies.length === 2,
    );
    expect(refused).toMatchObject([{ document: { metadata: { name: "typo" } }, inForce: "nothing" }]);
    expect(await judge(one)).toEqual({ allowed: false, said: ["signed ok", "strict untrustedSigner"] });
    expect(one.controller.evaluator.ready()).toBe(true);
    expect(one.logged).toEqual([
      expect.stringMatching(/^policy refused: nothing of it is in force .*ClusterPolicy\/typo/),
    ]);
  });

  test("an evaluator that cannot be built for the background scan alone leaves the policies in force", async () => {
    const api = await apiServer();
    open.push(api);
    const { spec, ...admitting } = policy("signed", key.pem);
    const unscanned = { ...admitting, spec: { ...spec, background: false } };
    api.put(unscanned);
    const logged: string[] = [];
    const log = (_: object, message: string): void => void logged.push(message);
    const standings: PolicyStanding[] = [];
    const controller = await startController(api.config, {
      build(documents) {
        if (documents.policies.length === 0) throw new Error("there is no policy");
        return build(documents);
      },
      loaded: (standing) => void standings.push(standing),
      logger: { info: () => {}, warn: log, error: log },
    });
    open.push({ close: controller.stop });
    expect(standings.length).toBeGreaterThan(0);
    api.put(policy("strict", other.pem));
    await expect.poll(() => standings.at(-1)?.inForce.policies.length).toBe(2);
    expect(logged).toEqual(["policies of the background scan not loaded"]);
  });

  test("goes on demanding what its last valid version did, until it is valid again or deleted", async () => {
    const one = await running([policy("signed", other.pem)]);
    one.api.put(broken("signed"));
    const { refused } = await one.standing(isRefused(1));
    expect(refused).toMatchObject([{ inForce: "lastValid", document: { spec: {} } }]);
    expect(await judge(one)).toEqual({ allowed: false, said: ["signed untrustedSigner"] });
    one.api.put(policy("signed", key.pem));
    await one.standing(isRefused(0));
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed ok"] });
    one.api.put(broken("signed"));
    await one.standing(isRefused(1));
    one.api.remove(broken("signed"));
    expect(inForce(await one.standing(isRefused(0)))).toEqual([]);
    expect(await judge(one)).toEqual({ allowed: true, said: [] });
  });

  test("has no last valid version where another object had its name", async () => {
    const one = await running([policy("signed", other.pem, { uid: "first" })]);
    one.api.put(broken("signed", { uid: "second" }));
    expect(await one.standing(isRefused(1))).toMatchObject({ refused: [{ inForce: "nothing" }] });
  });

  test("is told about by one Event beside the object, which counts the replicas that refuse it", async () => {
    const one = await running([policy("signed", key.pem)]);
    const two = await running([], one.api);
    one.api.put(broken("typo"));
    one.api.put(broken("own", { kind: "Policy", namespace: "tenant" }));
    await Promise.all([one.standing(isRefused(2)), two.standing(isRefused(2))]);
    await one.api.eventWrites(4);
    const events = [...one.api.events.values()].sort((a, b) => a.message.localeCompare(b.message));
    expect(events).toMatchObject([
      {
        count: 2,
        involvedObject: { kind: "ClusterPolicy", name: "typo", uid: "uid-typo" },
        metadata: { namespace: "default" },
      },
      {
        count: 2,
        involvedObject: { kind: "Policy", name: "own", namespace: "tenant" },
        metadata: { namespace: "tenant" },
      },
    ]);
    expect([...one.logged, ...two.logged].filter((line) => line.includes("event not written"))).toEqual([]);
    expect(events[0]?.message).toMatch(/^not in force: .*; nothing of it is in force$/);
  });

  test("is not told about again when only Kyverno's status of it changes", async () => {
    const one = await running([policy("signed", key.pem)]);
    one.api.put(broken("typo"));
    await one.standing(isRefused(1));
    one.api.put({ ...broken("typo"), ...{ status: { ready: true } } });
    one.api.put(policy("strict", other.pem));
    const { news } = await one.standing(({ inForce: { policies } }) => policies.length === 2);
    expect(news).toEqual([]);
    expect(one.logged).toHaveLength(1);
  });
});

describe("an invalid exception", () => {
  test("excepts nothing, not even what its last valid version did", async () => {
    const one = await running([policy("signed", other.pem), exception("signed")]);
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed excepted"] });
    one.api.put(exception("signed", "tomorrow"));
    expect(await one.standing(isRefused(1))).toMatchObject({ refused: [{ inForce: "nothing" }] });
    expect(await judge(one)).toEqual({ allowed: false, said: ["signed untrustedSigner"] });
    one.api.put(exception("signed", "2027-01-31T00:00:00Z"));
    await one.standing(isRefused(0));
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed excepted"] });
  });

  test("that is there at the start closes nothing", async () => {
    const one = await running([policy("signed", key.pem), exception("signed", "tomorrow")]);
    expect(one.controller.evaluator.ready()).toBe(true);
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed ok"] });
  });
});

// A process that starts does not know what the policy demanded before it was broken: it may have been in force until now.
describe("a policy that is invalid at the start", () => {
  test("for the whole cluster: nothing is ready and everything is denied until it is mended", async () => {
    const one = await running([broken("signed"), policy("other", key.pem)]);
    expect(await one.standing(isRefused(1))).toMatchObject({ refused: [{ inForce: "denial" }] });
    expect(one.controller.evaluator.ready()).toBe(false);
    expect(await judge(one)).toEqual({ allowed: false, said: ["signed invalidPolicy"] });
    one.api.put({ ...broken("signed"), ...{ spec: {} } });
    await one.standing(({ news }) => JSON.stringify(news[0]?.document["spec"]) === "{}");
    expect(await judge(one)).toEqual({ allowed: false, said: ["signed invalidPolicy"] });
    one.api.put(policy("signed", key.pem));
    await one.standing(isRefused(0));
    expect(one.controller.evaluator.ready()).toBe(true);
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed ok", "other ok"] });
  });

  test("for a namespace: that namespace is denied, others are judged, and deleting it opens", async () => {
    const own = broken("own", { kind: "Policy", namespace: "tenant" });
    const one = await running([own, policy("signed", key.pem)]);
    expect(one.controller.evaluator.ready()).toBe(true);
    expect(await judge(one, "tenant")).toEqual({ allowed: false, said: ["tenant/own invalidPolicy"] });
    expect(await judge(one)).toEqual({ allowed: true, said: ["signed ok"] });
    one.api.remove(own);
    await one.standing(isRefused(0));
    expect(await judge(one, "tenant")).toEqual({ allowed: true, said: ["signed ok"] });
  });
});

test("a set that cannot be built though each of its documents can leaves the old one in force", async () => {
  const evaluator = reloadableEvaluator((documents) => {
    if (documents.policies.length > 1) throw new Error("too many");
    return build(documents);
  });
  evaluator.load({ policies: [], exceptions: [] });
  evaluator.load({ policies: [policy("a", other.pem), policy("b", other.pem)], exceptions: [] });
  const resource = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: signed }] },
  };
  const { signal } = new AbortController();
  expect(await evaluator.evaluate({ resource }, { signal })).toMatchObject({ allowed: true, results: [] });
});
