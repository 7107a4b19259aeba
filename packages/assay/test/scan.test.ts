import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer, ContextLookup, ContextSource } from "@assay/engine";
import type { Json } from "@assay/policy";
import {
  createKey,
  createRegistry,
  createSigstore,
  image,
  type Registry,
  type RunningServer,
} from "@assay/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ScanItem, scanItems } from "../src/scan/scan-items.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { ROOT, runCli } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

let cwd = "";
let pem = "";
let registry: Registry;
let server: RunningServer;
const COUNT = 20;

beforeAll(async () => {
  const key = createKey();
  pem = key.pem;
  registry = createRegistry();
  for (let i = 0; i < COUNT; i++) {
    const one = image({ repository: `fleet/app-${i}` });
    (i % 5 === 4 ? one : one.signedBy(key)).pushTo(registry);
  }
  server = await registry.listen();
  cwd = await mkdtemp(join(tmpdir(), "assay-scan-"));
  const keys = { publicKeys: key.pem, rekor: { ignoreTlog: true } };
  const rule = {
    name: "signed",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [
      {
        imageReferences: ["*"],
        failureAction: "Enforce",
        mutateDigest: true,
        attestors: [{ entries: [{ keys }] }],
      },
    ],
  };
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: { rules: [rule] },
  };
  await writeFile(join(cwd, "policy.json"), JSON.stringify(policy));
  const list = Array.from({ length: COUNT }, (_, i) => `${server.host}/fleet/app-${i}:v1`);
  await writeFile(join(cwd, "images.txt"), `# the fleet\n\n${list.join("\n")}\n${list[0]}\n`);
});
afterAll(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});
beforeEach(() => registry.forgetRequests());

const scan = (...args: string[]) => runHere(["scan", "policy.json", ...args], { cwd });

test("a list of images: what is denied is named, each image is judged once", async () => {
  const { out, status } = await scan("--images", "images.txt");
  expect(out).toContain(`denied ${server.host}/fleet/app-4:v1`);
  expect(out).toContain("notSigned:");
  expect(out).toContain("16 allowed, 4 denied");
  expect(status).toBe(1);
});

test("a list on standard input, results as lines of JSON", async () => {
  const stdin = `${server.host}/fleet/app-0:v1\n`;
  const { out, status } = await runHere(["scan", "policy.json", "--images", "-", "--output", "jsonl"], {
    cwd,
    stdin,
  });
  const [line = ""] = out.split("\n");
  expect(JSON.parse(line).result).toMatchObject({
    allowed: true,
    outcome: "pass",
    name: `${server.host}/fleet/app-0:v1`,
  });
  expect(status).toBe(0);
});

test("a scan that was stopped goes on: only what is missing is judged, and everything is counted", async () => {
  await scan("--images", "images.txt", "--journal", "scan.jsonl");
  const whole = (await readFile(join(cwd, "scan.jsonl"), "utf8")).trimEnd().split("\n");
  expect(whole).toHaveLength(COUNT);
  // As a crash leaves it: some lines are missing, the last one is cut off.
  await writeFile(
    join(cwd, "scan.jsonl"),
    `${whole.slice(0, 15).join("\n")}\n${(whole[15] ?? "").slice(0, 40)}`,
  );
  registry.forgetRequests();
  const { out } = await scan("--images", "images.txt", "--journal", "scan.jsonl");
  const asked = new Set(registry.requests.map(({ path }) => /fleet\/app-\d+/.exec(path)?.[0]));
  expect(asked.size).toBe(5);
  expect(out).toContain("16 allowed, 4 denied");
});

test("what a journal says of other items is not counted, nor an item that is listed twice counted twice", async () => {
  const args = ["--images", "images.txt", "--journal", "parts.jsonl"];
  await scan(...args);
  await writeFile(join(cwd, "few.txt"), [1, 4, 1].map((i) => `${server.host}/fleet/app-${i}:v1\n`).join(""));
  const few = await scan("--images", "few.txt", "--journal", "parts.jsonl");
  expect(few).toMatchObject({ out: "1 allowed, 1 denied\n", status: 1 });
  await writeFile(join(cwd, "few.txt"), `${server.host}/fleet/app-1:v1\n`);
  expect(await scan("--images", "few.txt", "--journal", "parts.jsonl")).toMatchObject({
    ...{ out: "1 allowed, 0 denied\n", status: 0 },
  });
  expect((await scan(...args)).out).toContain("16 allowed, 4 denied");
});

test("what could not be decided is judged again by the next run", async () => {
  const args = ["--images", "images.txt", "--journal", "away.jsonl"];
  const mend = registry.inject({ path: "/fleet/app-0/", effect: { kind: "status", status: 401 } });
  const away = await scan(...args);
  expect(away.out).toContain("15 allowed, 4 denied, 1 could not be decided");
  mend();
  registry.forgetRequests();
  const back = await scan(...args);
  expect(back).toMatchObject({ out: expect.stringContaining("16 allowed, 4 denied\n"), status: 1 });
  const asked = new Set(registry.requests.map(({ path }) => /fleet\/app-\d+/.exec(path)?.[0]));
  expect([...asked]).toEqual(["fleet/app-0"]);
});

test("results of other policies are neither reused nor counted", async () => {
  const text = await readFile(join(cwd, "policy.json"), "utf8");
  await writeFile(
    join(cwd, "other.json"),
    text.replace('"imageReferences":["*"]', '"imageReferences":["nothing/*"]'),
  );
  const { out } = await runHere(["scan", "other.json", "--images", "images.txt", "--journal", "scan.jsonl"], {
    cwd,
  });
  expect(out).toContain("20 allowed, 0 denied");
});

test("results that rest on other ConfigMaps are neither reused nor counted", async () => {
  const text = await readFile(join(cwd, "policy.json"), "utf8");
  const policy = JSON.parse(text.replace(JSON.stringify(pem), '"{{ keys.data.pub }}"'));
  policy.spec.rules[0].context = [{ name: "keys", configMap: { name: "keys", namespace: "default" } }];
  await writeFile(join(cwd, "by-name.json"), JSON.stringify(policy));
  const judged = async (pub: string): Promise<string> => {
    const keys = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "keys" }, data: { pub } };
    await writeFile(join(cwd, "keys.json"), JSON.stringify(keys));
    const args = ["scan", "by-name.json", "--configmap", "keys.json", "--images", "images.txt"];
    return (await runHere([...args, "--journal", "by-name.jsonl"], { cwd })).out;
  };
  expect(await judged(pem)).toContain("16 allowed, 4 denied");
  expect(await judged(createKey().pem)).toContain("0 allowed, 20 denied");
});

test("results by another trust root or from another layout are not reused", async () => {
  const fingerprints = async (...args: string[]): Promise<readonly string[]> => {
    const { out } = await scan("--images", "images.txt", "--output", "jsonl", ...args);
    const keys = out
      .trim()
      .split("\n")
      .map((line) => String(JSON.parse(line).key));
    return [...new Set(keys.map((key) => key.slice(key.lastIndexOf(" "))))];
  };
  const sigstore = [createSigstore(), createSigstore()];
  for (const [i, one] of sigstore.entries()) await writeFile(join(cwd, `root-${i}.json`), one.trustedRoot());
  const seen = [
    ...(await fingerprints()),
    ...(await fingerprints("--trusted-root", "root-0.json")),
    ...(await fingerprints("--trusted-root", "root-1.json")),
    ...(await fingerprints("--layout", join(ROOT, "examples/testdata/images"))),
    ...(await fingerprints("--log-lookup", "whenMissing")),
  ];
  expect(seen).toHaveLength(5);
  expect(new Set(seen).size).toBe(5);
});

test("policies on standard input are told apart by what they say", async () => {
  const stdin = await readFile(join(cwd, "policy.json"), "utf8");
  const args = ["scan", "-", "--images", "images.txt", "--journal", "piped.jsonl"];
  const lenient = stdin.replace('"imageReferences":["*"]', '"imageReferences":["nothing/*"]');
  expect((await runCli(args, { cwd, stdin: lenient })).out).toContain("20 allowed, 0 denied");
  expect((await runCli(args, { cwd, stdin })).out).toContain("16 allowed, 4 denied");
});

test("a directory of manifests", async () => {
  const spec = { containers: [{ name: "app", image: `${server.host}/fleet/app-9:v1` }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" }, spec };
  await writeFile(join(cwd, "pod.yaml"), JSON.stringify(pod));
  const { out, status } = await scan("--resource", "pod.yaml");
  expect(out).toContain("denied Pod/shop/web");
  expect(status).toBe(1);
});

test("a registry that is down is `could not be decided`, exit 2", async () => {
  const mend = registry.inject({ path: "/fleet/app-0/", effect: { kind: "status", status: 401 } });
  const { out, status } = await scan("--images", "images.txt");
  mend();
  expect(out).toContain("1 could not be decided");
  expect(status).toBe(2);
});

test.each<[string, string[], string]>([
  ["nothing to scan", [], "there is nothing to scan"],
  ["a worker without a queue", ["--worker"], "--worker needs --redis"],
  ["a list that is not there", ["--images", "nowhere.txt"], "nowhere.txt"],
  ["a concurrency of none", ["--images", "images.txt", "--concurrency", "0"], "between 1 and 1000"],
  ["a Redis that is none", ["--images", "images.txt", "--redis", "localhost"], "redis://host:port"],
  [
    "a Redis that is down",
    ["--images", "images.txt", "--redis", "redis://user:geheim@127.0.0.1:1"],
    "assay: the Redis at `127.0.0.1:1` cannot be used: connect ECONNREFUSED 127.0.0.1:1; see that it runs",
  ],
  [
    "a worker whose Redis is down",
    ["--worker", "--redis", "redis://user:geheim@127.0.0.1:1"],
    "assay: the Redis at `127.0.0.1:1` cannot be used",
  ],
])("%s exits 2", async (_, args, said) => {
  const { err, status } = await scan(...args);
  expect(err).toContain(said);
  expect(err).not.toContain("    at ");
  expect(err).not.toContain("geheim");
  expect(status).toBe(2);
});

test.each<[string, (result: Record<string, unknown>) => unknown]>([
  ["whose decision is text", (result) => ({ ...result, allowed: "false" })],
  ["without an outcome", ({ outcome, ...result }) => result],
  ["with reasons that are none", (result) => ({ ...result, results: [{ outcome: "fail" }, null] })],
  ["that is a list", (result) => [result]],
])("what a journal holds is judged again where it is no result: one %s", async (_, change) => {
  await writeFile(join(cwd, "one.txt"), `${server.host}/fleet/app-4:v1\n`);
  const args = ["--images", "one.txt", "--journal", "forged.jsonl"];
  onTestFinished(() => rm(join(cwd, "forged.jsonl")));
  const judged = await scan(...args);
  expect(judged).toMatchObject({ status: 1 });
  const { key, result } = JSON.parse(await readFile(join(cwd, "forged.jsonl"), "utf8"));
  await writeFile(join(cwd, "forged.jsonl"), `${JSON.stringify({ key, result: change(result) })}\n`);
  expect(await scan(...args)).toEqual(judged);
});

test.each<[string, Buffer, string]>([
  ["in Latin-1", Buffer.from("registry.example.com/\u00e9\n", "latin1"), "not valid for encoding utf-8"],
  ["without ends of lines", Buffer.alloc(200_000, "a"), "a line is longer than 65536 characters"],
])("a list of images %s is refused, not read otherwise", async (_, list, said) => {
  await writeFile(join(cwd, "odd.txt"), list);
  const { status, err } = await runHere(["scan", "policy.json", "--images", "odd.txt"], { cwd });
  expect(err).toContain("cannot read `odd.txt`");
  expect(err).toContain(said);
  expect(status).toBe(2);
});

test("a list of images may have the line ends of Windows, and none at its end", async () => {
  const name = `${server.host}/fleet/app-1:v1`;
  await writeFile(
    join(cwd, "windows.txt"),
    `\ufeff# ours\r\n${name}\r\n\r\n${name.replace("app-1", "app-2")}`,
  );
  const { out } = await runHere(["scan", "policy.json", "--images", "windows.txt"], { cwd });
  expect(out).toMatch(/2 allowed, 0 denied|1 allowed, 1 denied/);
});

test("a Pod whose tag was moved since it started is undecided: what runs is another image than what passes", async () => {
  const name = `${server.host}/fleet/app-0:v1`;
  const pod = (digest: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: name }] },
    status: { containerStatuses: [{ name: "web", imageID: `${server.host}/fleet/app-0@${digest}` }] },
  });
  const now = (await runHere(["digest", name, "--insecure-registry", server.host], { cwd })).out.trim();
  const scanned = async (digest: string) => {
    await writeFile(join(cwd, "pod.json"), JSON.stringify(pod(digest)));
    return scan("--resource", "pod.json");
  };
  expect(await scanned(/sha256:\S+/.exec(now)?.[0] ?? "")).toMatchObject({ status: 0 });
  const moved = await scanned(`sha256:${"b".repeat(64)}`);
  expect(moved.out).toContain("undecided Pod/default/web\n  otherImageRuns: ");
  expect(moved.out).toContain(`runs sha256:${"b".repeat(64)}`);
  expect(moved.status).toBe(2);
});

describe("the Pods of a cluster", () => {
  /** An API server's answers by URL: the port that the cluster is read through. */
  function cluster(pages: Readonly<Record<string, Json>>): ContextSource {
    const fetch = async (lookup: ContextLookup): Promise<Answer> => {
      const data = lookup.kind === "apiCall" ? pages[lookup.url] : undefined;
      const failure = { code: "unauthorized", message: "forbidden", origin: "cluster" } as const;
      return data === undefined ? { ok: false, failure } : { ok: true, value: { data } };
    };
    return { fetch: fetch as ContextSource["fetch"] };
  }
  const all = async (source: ContextSource): Promise<readonly ScanItem[]> => {
    const items: ScanItem[] = [];
    for await (const item of scanItems(
      { images: [], resource: [], cluster: { context: source, selectsNamespaces: false } },
      fakeTerminal({ cwd }),
    ))
      items.push(item);
    return items;
  };

  test("are listed page by page", async () => {
    const pod = (name: string) => ({ metadata: { name, namespace: "n" }, spec: { containers: [] } });
    const items = await all(
      cluster({
        "/api/v1/pods?limit=500": {
          kind: "PodList",
          metadata: { continue: "a/b" },
          items: [pod("a"), pod("b")],
        },
        "/api/v1/pods?limit=500&continue=a%2Fb": { kind: "PodList", metadata: {}, items: [pod("c")] },
      }),
    );
    expect(items.map(({ name }) => name)).toEqual(["Pod/n/a", "Pod/n/b", "Pod/n/c"]);
  });

  test.each<[string, Json]>([
    ["an answer without a list", {}],
    ["another kind of list", { kind: "Status", items: [] }],
    ["items that are no list", { kind: "PodList", items: { 0: {} } }],
    ["an item that is no object", { kind: "PodList", items: [null] }],
  ])("%s is an error, not an empty cluster", async (_, answer) => {
    await expect(all(cluster({ "/api/v1/pods?limit=500": answer }))).rejects.toThrow("is no list of Pods");
  });

  /** An API server's answers by path, and the kubeconfig `NAME.kubeconfig` that leads to it. */
  async function apiServer(name: string, objects: Readonly<Record<string, Json>>): Promise<void> {
    const api = createServer(({ url = "" }, response) => {
      const path = url.split("?")[0] ?? "";
      response.statusCode = path in objects ? 200 : 404;
      response.end(JSON.stringify(objects[path] ?? { kind: "Status", code: 404 }));
    });
    await new Promise<void>((done) => api.listen(0, "127.0.0.1", done));
    onTestFinished(() => void api.close());
    const { port } = api.address() as AddressInfo;
    const reached = { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
    const context = { name: "x", context: { cluster: "c", user: "u" } };
    const config = {
      clusters: [{ name: "c", cluster: reached }],
      users: [{ name: "u", user: {} }],
      contexts: [context],
      "current-context": "x",
    };
    await writeFile(join(cwd, `${name}.kubeconfig`), JSON.stringify(config));
    onTestFinished(() => void vi.unstubAllEnvs());
  }
  const pods = (names: readonly string[]) => ({
    kind: "PodList",
    items: names.map((name, i) => ({
      metadata: { name, namespace: "default", uid: name },
      spec: { containers: [{ name: "web", image: `${server.host}/fleet/app-${i}:v1` }] },
    })),
  });

  test("keep their results apart from those of another cluster in one journal", async () => {
    const names = ["first", "second"];
    for (const name of names) await apiServer(name, { "/api/v1/pods": pods([name]) });
    const scanned = async (name: string): Promise<string> => {
      vi.stubEnv("KUBECONFIG", join(cwd, `${name}.kubeconfig`));
      const { out, err } = await scan("--cluster", "--journal", "clusters.jsonl");
      return `${out}${err}`;
    };
    for (const name of [...names, ...names]) expect(await scanned(name)).toBe("1 allowed, 0 denied\n");
    const journal = await readFile(join(cwd, "clusters.jsonl"), "utf8");
    expect(journal.trim().split("\n")).toHaveLength(2);
  });

  /** A policy whose key is `keys`, which `context` tells. */
  async function scannedBy(keys: string, context: Json, objects: Record<string, Json>) {
    const policy = JSON.parse(await readFile(join(cwd, "policy.json"), "utf8"));
    const [rule] = policy.spec.rules;
    rule.context = context;
    rule.verifyImages[0].attestors[0].entries[0].keys.publicKeys = keys;
    await writeFile(join(cwd, "reading.json"), JSON.stringify(policy));
    objects["/api/v1/pods"] = pods(["a", "b", "c"]);
    await apiServer("reading", objects);
    vi.stubEnv("KUBECONFIG", join(cwd, "reading.kubeconfig"));
    const journal = join(cwd, "reading.jsonl");
    await rm(journal, { force: true });
    return async () => {
      registry.forgetRequests();
      const { out } = await runHere(["scan", "reading.json", "--cluster", "--journal", journal], { cwd });
      return { totals: out.trim().split("\n").at(-1), isAsked: registry.requests.length > 0 };
    };
  }
  const keyMap = "/api/v1/namespaces/trust/configmaps/keys";
  const keySecret = "/api/v1/namespaces/trust/secrets/cosign";
  const base64 = (text: string) => Buffer.from(text).toString("base64");

  test.each<[string, string, Json, string, (key: string) => Json]>([
    [
      "ConfigMap",
      "{{ keys.data.pub }}",
      [{ name: "keys", configMap: { name: "keys", namespace: "trust" } }],
      keyMap,
      (pub) => ({ data: { pub } }),
    ],
    [
      "ConfigMap that is read by an API call",
      "{{ keys }}",
      [{ name: "keys", apiCall: { urlPath: keyMap, jmesPath: "data.pub" } }],
      keyMap,
      (pub) => ({ data: { pub } }),
    ],
    [
      "Secret with a key",
      "k8s://trust/cosign",
      [],
      keySecret,
      (pub) => ({ data: { "cosign.pub": base64(pub) } }),
    ],
  ])("are judged again where a %s has changed since the journal was written", async (...row) => {
    const [, keys, context, path, object] = row;
    const objects: Record<string, Json> = { [path]: object(pem) };
    const scanned = await scannedBy(keys, context, objects);
    expect(await scanned()).toEqual({ totals: "3 allowed, 0 denied", isAsked: true });
    expect(await scanned()).toEqual({ totals: "3 allowed, 0 denied", isAsked: false });
    objects[path] = object(createKey().pem);
    expect(await scanned()).toEqual({ totals: "0 allowed, 3 denied", isAsked: true });
    delete objects[path];
    expect(await scanned()).toEqual({
      totals: "0 allowed, 0 denied, 3 could not be decided",
      isAsked: expect.any(Boolean),
    });
    objects[path] = object(pem);
    expect((await scanned()).totals).toBe("3 allowed, 0 denied");
  });

  test("are judged again where a journal does not say what its results rest on", async () => {
    const objects = { [keyMap]: { data: { pub: pem } } };
    const context = [{ name: "keys", configMap: { name: "keys", namespace: "trust" } }];
    const scanned = await scannedBy("{{ keys.data.pub }}", context, objects);
    await scanned();
    const path = join(cwd, "reading.jsonl");
    const journal = await readFile(path, "utf8");
    expect(journal).toContain('"reads":[{"lookup":{"kind":"configMap","namespace":"trust","name":"keys"},');
    for (const reads of ["null", '[{"sha256":"00"}]', '[{"lookup":{"kind":"trustRoot"},"sha256":"00"}]']) {
      await writeFile(path, journal.replace(/"reads":\[.*?\]/g, `"reads":${reads}`));
      expect(await scanned()).toEqual({ totals: "3 allowed, 0 denied", isAsked: true });
    }
  });

  /** Scans the Pods `a` (of namespace `default`) of a cluster by a policy for namespaces that are `checked`. */
  async function selected(namespaces: Record<string, Json>) {
    const policy = JSON.parse(await readFile(join(cwd, "policy.json"), "utf8"));
    const namespaceSelector = { matchLabels: { checked: "yes" } };
    policy.spec.rules[0].match.any[0].resources.namespaceSelector = namespaceSelector;
    await writeFile(join(cwd, "selecting.json"), JSON.stringify(policy));
    const spec = { containers: [{ name: "web", image: `${server.host}/fleet/app-4:v1` }] };
    const items = [{ metadata: { name: "a", namespace: "default", uid: "a" }, spec }];
    await apiServer("selecting", { "/api/v1/pods": { kind: "PodList", items }, ...namespaces });
    vi.stubEnv("KUBECONFIG", join(cwd, "selecting.kubeconfig"));
    const journal = join(cwd, "selecting.jsonl");
    const { out, err } = await runHere(["scan", "selecting.json", "--cluster", "--journal", journal], {
      cwd,
    });
    return { totals: out.trim().split("\n").at(-1), err };
  }
  const namespace = (labels: Json) => ({
    "/api/v1/namespaces": { kind: "NamespaceList", items: [{ metadata: { name: "default", labels } }] },
  });

  test("are judged with the labels of their namespaces, as they are at the time", async () => {
    const left = await selected(namespace({ checked: "no" }));
    expect(left).toEqual({ totals: "1 allowed, 0 denied", err: "" });
    const checked = await selected(namespace({ checked: "yes" }));
    expect(checked.totals).toBe("0 allowed, 1 denied");
  });

  test("are taken to be selected, and it is said, where namespaces may not be listed", async () => {
    const { totals, err } = await selected({});
    expect(totals).toBe("0 allowed, 1 denied");
    expect(err).toContain("the cluster's Namespaces cannot be listed");
    expect(err).toContain("is taken to apply to every namespace");
  });

  test("that may not be listed are an error, not an empty cluster", async () => {
    await expect(all(cluster({}))).rejects.toThrow("the cluster's Pods cannot be listed: forbidden");
  });
});
