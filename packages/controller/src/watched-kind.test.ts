import type { Logger } from "@assay/engine";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Answers, type ApiServer, apiServer } from "../test/api-server.ts";
import type { PolicyDocuments } from "./policy-documents.ts";
import { watchPolicies } from "./policy-watcher.ts";
import { reloadableEvaluator } from "./reloadable-evaluator.ts";
import { watchKind } from "./watched-kind.ts";

const verdict = {
  resource: { kind: "Pod", name: "p" },
  allowed: true,
  outcome: "skip",
  results: [],
  patches: [],
  warnings: [],
  trace: [],
} as const;

const open: ApiServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function cluster(answers: Answers): Promise<ApiServer> {
  const server = await apiServer(answers);
  open.push(server);
  return server;
}

function logOf(): { readonly said: string[]; readonly logger: Logger } {
  const said: string[] = [];
  const log = (_: object, message: string): void => void said.push(message);
  return { said, logger: { info: log, warn: log, error: log } };
}

const one = { metadata: { name: "signed", resourceVersion: "1" } };

describe("watchPolicies", () => {
  interface Handed {
    readonly sets: PolicyDocuments[];
    readonly ready: boolean;
    readonly served: Readonly<Record<string, boolean>>;
  }
  async function handed(answers: Answers): Promise<Handed> {
    const served: Record<string, boolean> = {};
    const sets: PolicyDocuments[] = [];
    const evaluator = reloadableEvaluator(() => ({ evaluate: () => Promise.resolve(verdict) }));
    const watcher = await watchPolicies(
      (await cluster(answers)).config,
      (documents) => {
        sets.push(documents);
        evaluator.load(documents);
      },
      {
        kindServed: (kind, isServed) => {
          served[kind] = isServed;
        },
      },
    );
    await watcher.stop();
    return { sets, ready: evaluator.ready(), served };
  }

  test.each([
    "/apis/kyverno.io/v1/clusterpolicies",
    "/apis/kyverno.io/v1/policies",
    "/apis/kyverno.io/v2/policyexceptions",
    "/apis/kyverno.io/v1",
  ])("where %s is refused there are no policies yet, and nothing is ready", async (path) => {
    for (const status of [401, 403, 429, 500, 503]) {
      expect(await handed({ [path]: status }), `${status}`).toMatchObject({ sets: [], ready: false });
    }
  });

  // Rancher's proxy, for one, says 404 where it does not reach the cluster.
  test.each<[string, Answers]>([
    ["everything", { "/apis": 404, "/apis/kyverno.io/v1": 404, "/apis/kyverno.io/v2": 404 }],
    ["the policies, of a kind that the cluster has", { "/apis/kyverno.io/v1/clusterpolicies": 404 }],
  ])("who answers 404 to %s does not say that there are no policies", async (_, answers) => {
    const { sets, ready, served } = await handed(answers);
    expect({ sets, ready }).toEqual({ sets: [], ready: false });
    expect(served).not.toHaveProperty("ClusterPolicy");
  });

  test("a cluster without policies is ready", async () => {
    const { sets, ready } = await handed({});
    expect(ready).toBe(true);
    expect(sets.at(-1)).toEqual({ policies: [], exceptions: [] });
  });

  test("a kind that the cluster does not have has no objects", async () => {
    const { sets, ready, served } = await handed({
      "/apis/kyverno.io/v2": 404,
      "/apis/kyverno.io/v1/clusterpolicies": [one],
    });
    expect(ready).toBe(true);
    expect(sets.at(-1)?.policies).toMatchObject([{ kind: "ClusterPolicy", metadata: { name: "signed" } }]);
    expect(served).toEqual({ ClusterPolicy: true, Policy: true, PolicyException: false });
  });
});

describe("a kind that the cluster does not have", () => {
  const kind = { apiVersion: "kyverno.io/v2", kind: "PolicyException", plural: "policyexceptions" };

  test.each<[string, Answers]>([
    ["with its group", { "/apis/kyverno.io/v2": 404 }],
    [
      "in a group that it has",
      {
        "/apis/kyverno.io/v2": () => ({ kind: "APIResourceList", resources: [{ name: "cleanuppolicies" }] }),
        "/apis/kyverno.io/v2/policyexceptions": 404,
      },
    ],
    [
      "among groups that say nothing",
      {
        "/apis/kyverno.io/v2": 404,
        "/apis": () => ({ groups: [null, {}, { versions: [null, { groupVersion: "apps/v1" }] }] }),
      },
    ],
  ])("%s is told of, and found within five seconds when it is there", async (_, missing) => {
    const answers = { ...missing };
    const { config, put } = await cluster(answers);
    const { said, logger } = logOf();
    let changes = 0;
    const served: boolean[] = [];
    const watched = await watchKind(config, kind, () => void changes++, {
      logger,
      served: (isServed) => void served.push(isServed),
    });
    expect(served).toEqual([false]);
    expect([watched.unknown(), watched.list(), changes]).toEqual([undefined, [], 1]);
    expect(said).toEqual([expect.stringContaining("the cluster has no such kind")]);

    for (const path of Object.keys(answers)) delete answers[path];
    put({ kind: "PolicyException", metadata: { name: "e", namespace: "security" } });
    await expect.poll(() => watched.get("e", "security")).toBeDefined();
    expect(said.slice(1)).toEqual(["the cluster has this kind now"]);
    expect(served).toEqual([false, true]);
    watched.stop();
  });
});

test("a refusal that lasts is told of once, and its end too", async () => {
  const answers: Record<string, number> = { "/api/v1/configmaps": 503 };
  const { config } = await cluster(answers);
  let logins = 0;
  const login = config.applySecurityAuthentication.bind(config);
  config.applySecurityAuthentication = async (context) => {
    logins++;
    return login(context);
  };
  const { said, logger } = logOf();
  const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
  const watched = await watchKind(config, kind, () => {}, { logger });
  await expect.poll(() => logins).toBeGreaterThan(2);
  delete answers["/api/v1/configmaps"];
  await expect.poll(watched.unknown).toBeUndefined();
  expect(said).toEqual(["watch interrupted, trying again", "watch goes on"]);
  watched.stop();
});

describe("a list that is read again", () => {
  const path = "/apis/kyverno.io/v1/clusterpolicies";
  const named = (name: string) => ({ metadata: { name, uid: name, resourceVersion: "1" } });
  const listOf = (items: readonly object[], more: object = {}) => ({
    kind: "ClusterPolicyList",
    metadata: { resourceVersion: "1", ...more },
    items,
  });

  /** Follows the policies, and waits until the names in force are these. */
  async function follow(answers: Answers): Promise<{
    readonly server: ApiServer;
    readonly inForce: () => readonly unknown[];
    readonly changed: () => Promise<void>;
    readonly stop: () => Promise<void>;
  }> {
    const server = await cluster(answers);
    let latest: PolicyDocuments | undefined;
    let told = (): void => {};
    const watcher = await watchPolicies(
      server.config,
      (documents) => {
        latest = documents;
        told();
      },
      { settleMs: 0 },
    );
    return {
      server,
      inForce: () => latest?.policies.map((one) => (one["metadata"] as { name: string }).name) ?? ["unknown"],
      changed: () =>
        new Promise((resolve) => {
          told = resolve;
        }),
      stop: () => watcher.stop(),
    };
  }

  test("page by page is whole: a policy on the second page is in force", async () => {
    const followed = await follow({
      [path]: (query) =>
        query.get("continue") === "rest"
          ? listOf([named("second")])
          : listOf([named("first")], { continue: "rest" }),
    });
    expect(followed.inForce()).toEqual(["first", "second"]);
    await followed.stop();
  });

  test.each([
    ["an empty object", {}],
    ["a status", { kind: "Status", status: "Success" }],
    ["a list without items", { kind: "ClusterPolicyList", metadata: { resourceVersion: "1" } }],
    ["items that are none", { kind: "ClusterPolicyList", metadata: {}, items: "many" }],
    ["a login page", "<html>"],
  ])("%s is no list: what was known stands, and at first nothing is known", async (_, answer) => {
    const none = await follow({ [path]: () => answer as object });
    expect(none.inForce()).toEqual(["unknown"]);
    await none.stop();

    let lists = 0;
    let asked = (): void => {};
    const again = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const followed = await follow({
      [path]: () => {
        if (lists++ === 0) return listOf([named("strict")]);
        if (lists > 2) asked();
        return answer as object;
      },
    });
    expect(followed.inForce()).toEqual(["strict"]);
    followed.server.expireWatches();
    await again;
    expect(followed.inForce()).toEqual(["strict"]);
    await followed.stop();
  });

  test("after the API server forgot where we were, without the policies that were deleted meanwhile", async () => {
    let items = [named("kept"), named("deleted")];
    const followed = await follow({ [path]: () => listOf(items) });
    expect(followed.inForce()).toEqual(["kept", "deleted"]);
    items = [named("kept"), named("new")];
    const changed = followed.changed();
    followed.server.expireWatches();
    await changed;
    expect(followed.inForce()).toEqual(["kept", "new"]);
    await followed.stop();
  });

  test("after an event that cannot be read, which may have been any", async () => {
    let items = [named("strict")];
    const followed = await follow({ [path]: () => listOf(items) });
    await expect.poll(followed.server.openWatches).toBe(3);
    items = [named("stricter")];
    const changed = followed.changed();
    followed.server.garbleWatches();
    await changed;
    expect(followed.inForce()).toEqual(["stricter"]);
    await followed.stop();
  });

  test("is not waited for without end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let asked = (): void => {};
      const under = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const silent = await cluster({
        [path]: () => {
          asked();
          return undefined;
        },
      });
      const kind = { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", plural: "clusterpolicies" };
      const watching = watchKind(silent.config, kind, () => {});
      await under;
      await vi.advanceTimersByTimeAsync(30_000);
      const watched = await watching;
      expect(watched.unknown()?.message).toContain("no answer within 30 s");
      watched.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});

test("a login that fails for a moment while a watch is taken up again ends nothing", async () => {
  const { config, put, endWatches } = await cluster({});
  const apply = config.applySecurityAuthentication.bind(config);
  let failures = 0;
  let isBroken = false;
  config.applySecurityAuthentication = async (context) => {
    if (!isBroken) return apply(context);
    failures++;
    throw new Error("the plug-in for logins failed");
  };
  const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
  const watched = await watchKind(config, kind, () => {});
  isBroken = true;
  const meet = (): number => {
    endWatches();
    return failures;
  };
  await expect.poll(meet).toBeGreaterThan(0);
  isBroken = false;
  await expect
    .poll(
      () => {
        put({ kind: "ConfigMap", metadata: { name: "later", namespace: "default" } });
        return watched.get("later", "default");
      },
      { timeout: 5000 },
    )
    .toBeDefined();
  watched.stop();
});

test("a watch that says nothing for 30 seconds is begun anew: its connection may be half open", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { config, openWatches, put } = await cluster({});
    const { said, logger } = logOf();
    let logins = 0;
    const login = config.applySecurityAuthentication.bind(config);
    config.applySecurityAuthentication = async (context) => {
      logins++;
      return login(context);
    };
    const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
    const watched = await watchKind(config, kind, () => {}, { logger });
    // A list and a watch.
    await expect.poll(openWatches).toBe(1);
    expect(logins).toBe(2);
    await vi.advanceTimersByTimeAsync(30_000);
    await expect.poll(() => logins).toBe(3);
    put({ kind: "ConfigMap", metadata: { name: "later", namespace: "default" } });
    await expect.poll(() => watched.get("later", "default")).toBeDefined();
    expect(said).toEqual([]);
    watched.stop();
  } finally {
    vi.useRealTimers();
  }
});

describe("stop", () => {
  const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };

  test("closes the watch at once", async () => {
    const { config, openWatches } = await cluster({});
    const watched = await watchKind(config, kind, () => {});
    await expect.poll(openWatches).toBe(1);
    watched.stop();
    await expect.poll(openWatches).toBe(0);
  });

  test("closes a watch that the API server has not answered yet", async () => {
    const { config, openWatches, hangWatches } = await cluster({});
    hangWatches();
    const watched = await watchKind(config, kind, () => {});
    await expect.poll(openWatches).toBe(1);
    watched.stop();
    await expect.poll(openWatches).toBe(0);
  });

  test("begins no watch where one had just ended", async () => {
    const { config, openWatches, endWatches } = await cluster({});
    const watched = await watchKind(config, kind, () => {});
    await expect.poll(openWatches).toBe(1);
    endWatches();
    watched.stop();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(openWatches()).toBe(0);
  });
});

test("an object that changes all the time does not keep changes from being in force", async () => {
  const { config, put } = await cluster({});
  let resolve: (documents: PolicyDocuments) => void = () => {};
  const promise = new Promise<PolicyDocuments>((settle) => {
    resolve = settle;
  });
  const handOver = (documents: PolicyDocuments): void => {
    if (documents.policies.length > 0) resolve(documents);
  };
  const watcher = await watchPolicies(config, handOver, { settleMs: 200 });
  const ticking = setInterval(
    () => put({ kind: "Policy", metadata: { name: "restless", namespace: "tenant" } }),
    5,
  );
  expect((await promise).policies).toMatchObject([{ kind: "Policy", metadata: { name: "restless" } }]);
  clearInterval(ticking);
  await watcher.stop();
});

test("exceptions count only from the namespaces that the operator names", async () => {
  const exception = (namespace: string) => ({ metadata: { name: "e", namespace, resourceVersion: "1" } });
  const { config } = await cluster({
    "/apis/kyverno.io/v2/policyexceptions": [exception("tenant"), exception("security")],
  });
  const seen: string[][] = [];
  const handOver = ({ exceptions }: PolicyDocuments): void => {
    seen.push(exceptions.map((one) => JSON.stringify(one["metadata"])));
  };
  await (await watchPolicies(config, handOver)).stop();
  await (await watchPolicies(config, handOver, { exceptionNamespaces: ["security"] })).stop();
  expect(seen).toEqual([[], [expect.stringContaining("security")]]);
});

test("what the client library has no name for is in the copy, from a list and from a watch", async () => {
  const { config, put } = await cluster({});
  const metadata = { name: "keys", namespace: "default", selfLinkOfLaterVersions: "x" };
  const later = { apiVersion: "v1", kind: "ConfigMap", metadata, dataOfLaterVersions: { key: ["1"] } };
  put(later);
  const kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
  const watched = await watchKind(config, kind, () => {});
  expect(watched.list()).toEqual([{ ...later, metadata: expect.objectContaining(metadata) }]);
  put({ ...later, metadata: { ...metadata, name: "more" } });
  await expect
    .poll(() => watched.get("more", "default"))
    .toMatchObject({ dataOfLaterVersions: { key: ["1"] } });
  watched.stop();
});
