import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { CLI, ROOT } from "./run-cli.ts";

const certificate = join(ROOT, "packages/webhook/testdata/first.crt");
const ca = readFileSync(certificate);

interface Answer {
  readonly status: number;
  readonly connection: string | undefined;
  readonly text: string;
}

async function ask(options: RequestOptions, body?: object): Promise<Answer> {
  const method = body === undefined ? "GET" : "POST";
  const headers = { "content-type": "application/json" };
  const sent = request({ host: "127.0.0.1", ca, agent: false, method, headers, ...options });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(sent, "response");
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const { statusCode: status, headers: got } = response;
  return { status, connection: got.connection, text: Buffer.concat(chunks).toString("utf8") };
}

/** A registry that answers nothing until it is told to. */
async function slowRegistry() {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let hear = (): void => {};
  const asked = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const server = createServer(async (_, response) => {
    hear();
    await released;
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, release };
}

/** `assay serve policy.json` in a process of its own, which judges the images of a registry. */
async function serving(host: string, flags: readonly string[]) {
  const cwd = mkdtempSync(join(tmpdir(), "assay-stopping-"));
  const keys = { publicKeys: readFileSync(join(ROOT, "examples/testdata/cosign.pub"), "utf8") };
  const rule = {
    name: "check",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [{ imageReferences: [`${host}/*`], attestors: [{ entries: [{ keys }] }] }],
  };
  const spec = { validationFailureAction: "Enforce", webhookTimeoutSeconds: 30, rules: [rule] };
  const policy = { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: "p" }, spec };
  writeFileSync(join(cwd, "policy.json"), JSON.stringify(policy));
  const tls = [`--tls-cert=${certificate}`, `--tls-key=${certificate.replace(/crt$/, "key")}`];
  const args = ["serve", "policy.json", ...tls, "--host=127.0.0.1", "--port=0", ...flags];
  const env = { HOME: cwd, PATH: process.env["PATH"] ?? "" };
  const child = spawn(process.execPath, ["--conditions=assay:source", CLI, ...args], { cwd, env });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(cwd, { recursive: true });
  });
  let log = "";
  child.stdout.on("data", (chunk) => {
    log += chunk;
  });
  await expect.poll(() => log).toContain('"port"');
  const port = Number(/"port":(\d+)/.exec(log)?.[1]);
  return { port, ended, stop: () => child.kill("SIGTERM"), log: () => log };
}

function review(image: string): object {
  const spec = { containers: [{ name: "web", image }] };
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec };
  const asked = { uid: "1", kind: { kind: "Pod" }, operation: "CREATE", namespace: "default", object };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: asked };
}

test("a server that is told to stop is not ready, answers for its delay, finishes what is in flight, and ends", async () => {
  const registry = await slowRegistry();
  const { port, ended, stop, log } = await serving(registry.host, ["--shutdown-delay=3"]);
  const kept = new Agent({ keepAlive: true });
  onTestFinished(() => kept.destroy());
  expect((await ask({ port, path: "/readyz" })).status).toBe(200);
  const inFlight = ask(
    { port, path: "/validate?timeout=30s", agent: kept },
    review(`${registry.host}/app:v1`),
  );
  await registry.asked;

  stop();
  await expect.poll(async () => (await ask({ port, path: "/readyz" })).status).toBe(503);
  // On new connections, until there are none: each one that is taken is answered.
  let answered = 0;
  const elsewhere = review("elsewhere.example.com/app:v1");
  for (;;) {
    const answer = await ask({ port, path: "/validate?timeout=10s" }, elsewhere).catch((error) => error);
    if (answer instanceof Error) {
      // Reset: the system had taken the connection, the server not yet.
      expect(answer).toMatchObject({ code: expect.stringMatching(/^ECONN(REFUSED|RESET)$/) });
      break;
    }
    expect(JSON.parse(answer.text)).toMatchObject({ response: { allowed: true } });
    expect(answer.connection).toBe("close");
    answered++;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(answered).toBeGreaterThan(1);

  registry.release();
  expect(JSON.parse((await inFlight).text)).toMatchObject({ response: { uid: "1", allowed: false } });
  expect(await ended).toBe(0);
  expect(log()).toContain("stopping");
});
