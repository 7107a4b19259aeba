// The Pepr recipe inside Pepr itself: a real PeprModule serves it over TLS and is asked as the API server asks.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { validateImages } from "../../../examples/06-webhook-recipes/pepr.ts";
import { createAssay, layoutSource } from "../../../packages/assay/src/index.ts";
import { admissionHandler } from "../../../packages/webhook/src/index.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const certificate = join(root, "packages/webhook/testdata/first.crt");
const directory = mkdtempSync(join(tmpdir(), "assay-pepr-"));
let [passed, failed] = [0, 0];

const api = createServer(answerAsApiServer).listen(0, "127.0.0.1");
await new Promise((resolve) => api.once("listening", resolve));
const port = await freePort();
writeFileSync(join(directory, "kubeconfig"), kubeconfig((api.address() as AddressInfo).port));
// Pepr reads these when it is imported and started.
Object.assign(process.env, {
  KUBECONFIG: join(directory, "kubeconfig"),
  SSL_CERT_PATH: certificate,
  SSL_KEY_PATH: join(root, "packages/webhook/testdata/first.key"),
  PEPR_API_PATH: "secret",
  LOG_LEVEL: "silent",
});

const assay = createAssay({
  policies: readFileSync(join(root, "examples/policies/made-by-cosign.yaml"), "utf8"),
  trust: { json: readFileSync(join(root, "examples/testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(join(root, "examples/testdata/cosign-images")),
});
const { Capability, PeprModule, a } = await import("pepr");
const images = new Capability({ name: "images", description: "only signed images", namespaces: [] });
images
  .When(a.Pod)
  .IsCreatedOrUpdated()
  .Validate(validateImages(admissionHandler(assay)));
const alwaysIgnore = { namespaces: [] };
const pepr = { uuid: "assay", onError: "reject", webhookTimeout: 10, alwaysIgnore };
new PeprModule({ description: "", pepr }, [images], { deferStart: true }).start(port);

const signed =
  "registry.example.com/acme/key-att3@sha256:20f3d5cb88019bf09139d8e5ac20467d8897ef112f3209866fac874037ef85b8";
await check("an unsigned image is denied with assay's reasons", async () => {
  const { allowed, status } = await review("registry.example.com/acme/unsigned:v1", "CREATE");
  return !allowed && status.message.includes("[notSigned]");
});
await check("a signed image is allowed, because it was judged", async () => {
  const { allowed, status } = await review(signed, "CREATE");
  return allowed && !status.message.includes("no in-scope validations");
});
await check("an UPDATE is judged too", async () => {
  return !(await review("registry.example.com/acme/unsigned:v1", "UPDATE")).allowed;
});
process.stdout.write(`${passed} passed, ${failed} failed\n`);
rmSync(directory, { recursive: true, force: true });
process.exit(failed === 0 ? 0 : 1);

async function check(name: string, run: () => Promise<boolean>): Promise<void> {
  const ok = await run().catch((error: unknown) => void process.stdout.write(`${error}\n`));
  if (ok === true) passed++;
  else failed++;
  process.stdout.write(`${ok === true ? "ok   " : "FAIL "} ${name}\n`);
}

interface Answer {
  readonly allowed: boolean;
  readonly status: { readonly message: string };
}

/** As the API server asks; again and again until Pepr has read its store and answers. */
async function review(image: string, operation: "CREATE" | "UPDATE"): Promise<Answer> {
  const metadata = { name: "web", namespace: "default" };
  const object = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "app", image }] } };
  const kind = { group: "", version: "v1", kind: "Pod" };
  const old = operation === "UPDATE" ? { oldObject: { ...object, spec: { containers: [] } } } : {};
  const asked = { uid: "1", kind, operation, name: "web", namespace: "default", object, ...old };
  const body = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: asked };
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const { status, text } = await post(JSON.stringify(body)).catch(() => ({ status: 0, text: "" }));
    if (status === 200) return JSON.parse(text).response;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("Pepr did not answer");
}

function post(body: string): Promise<{ readonly status: number; readonly text: string }> {
  const options = {
    ca: readFileSync(certificate),
    checkServerIdentity: () => undefined,
    method: "POST",
    headers: { "content-type": "application/json" },
    timeout: 10_000,
  };
  return new Promise((resolve, reject) => {
    const sent = request(`https://127.0.0.1:${port}/validate/secret`, options, async (incoming) => {
      let text = "";
      for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
      resolve({ status: incoming.statusCode ?? 0, text });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer")));
    sent.on("error", reject).end(body);
  });
}

/** Pepr keeps a store in the cluster and waits for it before it judges: this is all of the API server that it takes. */
function answerAsApiServer({ url = "", method }: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(url, "http://api");
  const metadata = { name: "pepr-assay-store", namespace: "pepr-system", uid: "1", resourceVersion: "1" };
  const store = {
    apiVersion: "pepr.dev/v1",
    kind: "PeprStore",
    metadata,
    data: { __pepr_do_not_delete__: "x" },
  };
  response.writeHead(200, { "content-type": "application/json" });
  if (searchParams.has("watch")) response.write(`${JSON.stringify({ type: "ADDED", object: store })}\n`);
  else if (method === "GET" && url.split("?")[0]?.endsWith("/peprstores")) {
    response.end(
      JSON.stringify({ kind: "PeprStoreList", metadata: { resourceVersion: "1" }, items: [store] }),
    );
  } else response.end(JSON.stringify(store));
}

function kubeconfig(apiPort: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "c", cluster: { server: `http://127.0.0.1:${apiPort}`, "insecure-skip-tls-verify": true } },
    ],
    users: [{ name: "u", user: { token: "t" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
