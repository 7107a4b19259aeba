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

/** `assay serve FILE`, in this process, until the test ends. */
async function serving(policy: object): Promise<(path: string, body?: object) => Promise<string>> {
  const directory = mkdtempSync(join(tmpdir(), "assay-serve-"));
  writeFileSync(join(directory, "policy.json"), JSON.stringify(policy));
  const stop = new AbortController();
  const terminal = { ...fakeTerminal({ cwd: directory }), signal: stop.signal };
  const flags = { tlsCert, tlsKey, port: 0, host: "127.0.0.1", logFormat: "json" } as const;
  const none = {
    insecureRegistry: [],
    allowPrivateHost: [],
    configmap: [],
    exception: [],
    var: [],
    mutate: true,
  };
  const logged = new EventEmitter();
  const listening = once(logged, "port") as Promise<[number]>;
  const out = (line: string): void => {
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port !== undefined) logged.emit("port", Number(port));
  };
  const ended = servePolicies(["policy.json"], { ...none, ...flags }, { ...terminal, out });
  onTestFinished(async () => {
    stop.abort();
    await ended;
    rmSync(directory, { recursive: true });
  });
  const [port] = await Promise.race([listening, ended.then(() => Promise.reject(new Error("ended")))]);
  const ca = readFileSync(tlsCert);
  return async (path, body) => {
    const headers = { "content-type": "application/json", connection: "close" };
    const sent = request({ port, path, ca, headers, method: body === undefined ? "GET" : "POST" });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  };
}

test("policies of files: a review is answered, and every lookup for it is counted", async () => {
  const key = createKey("p256");
  const registry = createRegistry();
  const server = await registry.listen();
  onTestFinished(() => server.close());
  await image({ repository: "app", tag: "v1" }).signedBy(key).pushTo(registry);
  const name = `${server.host}/app:v1`;
  const entry = { keys: { publicKeys: key.pem, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } } };
  const ask = await serving({
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
  });
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
  expect(JSON.parse(await ask("/mutate?timeout=10s", review))).toMatchObject({ response: { allowed: true } });
  const metrics = await ask("/metrics");
  expect(metrics).toContain('assay_lookup_duration_seconds_count{lookup="digest",outcome="ok"} 1');
  expect(metrics).toContain('assay_lookup_duration_seconds_count{lookup="signatureTag",outcome="ok"} 1');
});
