import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey, createRegistry, image } from "@assay/testkit";
import { expect, onTestFinished, test } from "vitest";
import { servePolicies } from "../src/serve/serve-policies.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { ROOT } from "./run-cli.ts";

const tlsCert = join(ROOT, "packages/webhook/testdata/first.crt");
const tlsKey = join(ROOT, "packages/webhook/testdata/first.key");

interface Serving {
  readonly ask: (path: string, body?: object) => Promise<string>;
  /** What it printed: lines of its log, and of standard error. */
  readonly printed: { out: string; err: string };
}

/** `assay serve FILE`, in this process, until the test ends. */
async function serving(policy: object, more: { readonly cacheDir?: string } = {}): Promise<Serving> {
  const directory = mkdtempSync(join(tmpdir(), "assay-serve-"));
  writeFileSync(join(directory, "policy.json"), JSON.stringify(policy));
  const stop = new AbortController();
  const terminal = { ...fakeTerminal({ cwd: directory }), signal: stop.signal };
  const { printed } = terminal;
  const flags = { tlsCert, tlsKey, port: 0, shutdownDelay: 0, host: "127.0.0.1", logFormat: "json" } as const;
  const none = {
    insecureRegistry: [],
    allowPrivateHost: [],
    tokenHost: [],
    configmap: [],
    exception: [],
    var: [],
    mutate: true,
  };
  const logged = new EventEmitter();
  const listening = once(logged, "port") as Promise<[number]>;
  const out = (line: string): void => {
    const port = /"port":(\d+)/.exec(line)?.[1];
    printed.out += line;
    if (port !== undefined) logged.emit("port", Number(port));
  };
  const ended = servePolicies(["policy.json"], { ...none, ...flags, ...more }, { ...terminal, out });
  onTestFinished(async () => {
    stop.abort();
    await ended;
    rmSync(directory, { recursive: true });
  });
  const [port] = await Promise.race([listening, ended.then(() => Promise.reject(new Error("ended")))]);
  const ca = readFileSync(tlsCert);
  const ask = async (path: string, body?: object): Promise<string> => {
    const headers = { "content-type": "application/json", connection: "close" };
    const sent = request({ port, path, ca, headers, method: body === undefined ? "GET" : "POST" });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  };
  return { ask, printed };
}

/** A policy that wants the images of a registry signed, and a review of a Pod with a signed one. */
async function signedApp(): Promise<{ readonly policy: object; readonly review: object }> {
  const key = createKey("p256");
  const registry = createRegistry();
  const server = await registry.listen();
  onTestFinished(() => server.close());
  await image({ repository: "app", tag: "v1" }).signedBy(key).pushTo(registry);
  const name = `${server.host}/app:v1`;
  const entry = { keys: { publicKeys: key.pem, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } } };
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "signed" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [
        {
          name: "check",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [{ imageReferences: [`${server.host}/*`], attestors: [{ entries: [entry] }] }],
        },
      ],
    },
  };
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: name }] },
  };
  const review = {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "1", kind: { kind: "Pod" }, operation: "CREATE", namespace: "default", object },
  };
  return { policy, review };
}

test("policies of files: a review is answered, and every lookup for it is counted", async () => {
  const { policy, review } = await signedApp();
  const { ask } = await serving(policy);
  expect(JSON.parse(await ask("/mutate?timeout=10s", review))).toMatchObject({ response: { allowed: true } });
  const metrics = await ask("/metrics");
  expect(metrics).toContain('assay_lookup_duration_seconds_count{lookup="digest",outcome="ok"} 1');
  expect(metrics).toContain('assay_lookup_duration_seconds_count{lookup="signatureTag",outcome="ok"} 1');
});

test("a --cache-dir that is of no use is a line of the log, and the review is answered", async () => {
  const { policy, review } = await signedApp();
  const { ask, printed } = await serving(policy, { cacheDir: "policy.json/cache" });
  expect(JSON.parse(await ask("/mutate?timeout=10s", review))).toMatchObject({ response: { allowed: true } });
  const lines: { level: string; message: string }[] = printed.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.filter(({ level }) => level === "warn")).toEqual([
    {
      level: "warn",
      time: "2026-11-23T12:00:00.000Z",
      message: expect.stringMatching(/^--cache-dir is of no use: ENOTDIR/),
    },
  ]);
  expect(printed.err).toBe("");
});
