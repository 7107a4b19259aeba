// Measures an admission webhook: 1,000 AdmissionReviews sent to it directly, and 300 server-side dry-run Pod creations
// through a real API server where one can be had. By default `assay serve` in a process of its own; any other webhook with
//   npm run bench:admission -- --webhook https://HOST:PORT/mutate --ca ca.pem --pid PID --registry HOST:PORT
// One line a case: requests a second, p50, p99, CPU of the webhook an admission, its memory, registry requests an admission.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { webhookConfigurations } from "@assay/webhook";
import { type ApiServer, startApiServer } from "../../packages/conformance/src/lanes/cluster/api-server.ts";
import { createClient } from "./client.ts";
import { load } from "./load.ts";
import { type ProcessUsage, processUsage } from "./process-usage.ts";

const { values } = parseArgs({
  options: {
    webhook: { type: "string" },
    ca: { type: "string" },
    pid: { type: "string" },
    registry: { type: "string" },
    late: { type: "string", default: "0" },
    direct: { type: "string", default: "1000" },
    created: { type: "string", default: "300" },
  },
});
const root = new URL("../../", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "assay-admission-"));
const [direct, created] = [Number(values.direct), Number(values.created)];

/** What is admitted. `image(i)` may differ from request to request: then nothing about it is in any cache. */
interface Case {
  readonly name: string;
  readonly image: (i: number) => string;
  readonly allowed: boolean;
}

const registry = await startRegistry(direct * 2);
const host = values.registry ?? `127.0.0.1:${registry.port}`;
const webhook =
  values.webhook === undefined ? await startWebhook(registry.pem) : givenWebhook(values.webhook);
try {
  print(`case                            c   req/s     p50     p99  CPU ms/adm  RSS MiB  registry req/adm`);
  await measureDirect();
  const binaries = join(
    process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
    "assay-lanes/cluster-1.36.3",
  );
  if (existsSync(join(binaries, "kube-apiserver"))) await measureThroughApiServer(binaries);
  else print("no API server: scripts/lanes/cluster-build.sh builds one");
} finally {
  webhook.stop();
  registry.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);

function cases(): readonly Case[] {
  const same = (name: string) => () => `${host}/acme/${name}`;
  const digest = readFixtureDigest();
  let met = 0;
  return [
    { name: "no match", image: () => "nginx:1", allowed: true },
    // Every image is met once, in all rows together.
    { name: "signed, tag, cold", image: () => `${host}/acme/cold-${met++}:v1`, allowed: true },
    { name: "signed, tag, warm", image: same("key-ecdsa:v1"), allowed: true },
    { name: "signed, digest, warm", image: same(`key-ecdsa@${digest}`), allowed: true },
    { name: "unsigned, tag", image: same("unsigned:v1"), allowed: false },
    { name: "signed + 3 attestations, warm", image: same("attested:v1"), allowed: true },
  ];
}

async function measureDirect(): Promise<void> {
  print(`-- ${direct} AdmissionReviews sent directly`);
  for (const one of cases()) {
    for (const concurrency of [1, 8]) {
      const client = createClient({ url: webhook.url, ca: webhook.ca, connections: concurrency });
      await measured(one, concurrency, direct, async (i) => {
        const { body } = await client.post("/mutate?timeout=10s", review(one.image(i)));
        const { allowed } = (JSON.parse(body) as { response: { allowed: boolean } }).response;
        if (allowed !== one.allowed) throw new Error(`${one.name}: ${body}`);
      });
      client.close();
    }
  }
}

async function measureThroughApiServer(binaries: string): Promise<void> {
  const cluster = await startApiServer(binaries, join(directory, "cluster"));
  try {
    await registerWebhook(cluster);
    print(`-- ${created} server-side dry-run Pod creations`);
    const file = (name: string): string => readFileSync(join(cluster.directory, name), "utf8");
    for (const one of cases().filter(({ name }) => !name.includes("cold"))) {
      for (const concurrency of [1, 8]) {
        const tls = { ca: file("ca.crt"), cert: file("admin.crt"), key: file("admin.key") };
        const client = createClient({ url: cluster.url, ...tls, connections: concurrency });
        await measured(one, concurrency, created, async (i) => {
          const path = "/api/v1/namespaces/default/pods?dryRun=All";
          const { status, body } = await client.post(path, pod(`p-${i}`, one.image(i)));
          if ((status === 201) !== one.allowed) throw new Error(`${one.name}: ${status} ${body}`);
        });
        client.close();
      }
    }
  } finally {
    cluster.stop();
  }
}

async function registerWebhook(cluster: ApiServer): Promise<void> {
  const policies = [{ failurePolicy: "Fail", webhookTimeoutSeconds: 10, rules: [] }] as const;
  const [mutating] = webhookConfigurations(policies, { client: { url: webhook.url }, caBundle: webhook.ca });
  const { status, stderr } = await cluster.kubectl(["apply", "-f", "-"], JSON.stringify(mutating));
  if (status !== 0) throw new Error(stderr);
}

async function measured(
  { name }: Case,
  concurrency: number,
  count: number,
  request: (i: number) => Promise<void>,
): Promise<void> {
  for (let i = 0; i < 20 && !name.includes("cold"); i++) await request(i);
  await registry.requests();
  const before = processUsage(webhook.pid);
  const { perSecond, p50, p99 } = await load(count, concurrency, request);
  const after = processUsage(webhook.pid);
  const asked = (await registry.requests()) / count;
  const cells = [
    name.padEnd(30),
    String(concurrency).padStart(2),
    perSecond.toFixed(0).padStart(7),
    p50.toFixed(1).padStart(7),
    p99.toFixed(1).padStart(7),
    cpu(before, after, count).padStart(11),
    (after?.rssMiB.toFixed(0) ?? "-").padStart(8),
    asked.toFixed(2).padStart(17),
  ];
  print(cells.join(" "));
}

function cpu(before: ProcessUsage | undefined, after: ProcessUsage | undefined, count: number): string {
  return before === undefined || after === undefined
    ? "-"
    : ((after.cpuMs - before.cpuMs) / count).toFixed(2);
}

interface Webhook {
  readonly url: string;
  readonly ca: string;
  readonly pid: number;
  stop(): void;
}

function givenWebhook(url: string): Webhook {
  if (values.ca === undefined) throw new Error("--webhook needs --ca FILE");
  const ca = readFileSync(values.ca, "utf8");
  return { url: url.replace(/\/mutate$/, ""), ca, pid: Number(values.pid ?? 0), stop: () => {} };
}

/** The built command where there is one, else the sources. */
async function startWebhook(pem: string): Promise<Webhook> {
  const policy = join(directory, "policy.json");
  writeFileSync(policy, JSON.stringify(bothKeys(pem)));
  const tls = (name: string): string => join(root, "packages/webhook/testdata", name);
  const built = join(root, "packages/assay/dist/cli.js");
  const command = existsSync(built)
    ? [built]
    : ["--conditions=assay:source", join(root, "packages/assay/src/cli.ts")];
  const flags = [
    "--tls-cert",
    tls("first.crt"),
    "--tls-key",
    tls("first.key"),
    "--port",
    "0",
    "--host",
    "127.0.0.1",
  ];
  const child = spawn(process.execPath, [...command, "serve", policy, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const port = /"port":(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    const ca = readFileSync(tls("first.crt"), "utf8");
    return {
      url: `https://127.0.0.1:${port}`,
      ca,
      pid: child.pid ?? 0,
      stop: () => void child.kill("SIGKILL"),
    };
  }
  throw new Error("assay serve ended");
}

/** The fixtures are signed by one key, the images of this run by another. */
function bothKeys(pem: string): object {
  const offline = { rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
  const fixtures = readFileSync(join(root, "packages/conformance/cases/fixtures/keys/cosign.pub"), "utf8");
  const entry = (image: string, publicKeys: string, attestations: readonly string[] = []) => ({
    imageReferences: [`${host}/acme/${image}`],
    attestors: [{ entries: [{ keys: { publicKeys, ...offline } }] }],
    ...(attestations.length > 0 && { attestations: attestations.map((type) => ({ type })) }),
  });
  const types = [
    "https://slsa.dev/provenance/v0.2",
    "https://spdx.dev/Document",
    "https://cosign.sigstore.dev/attestation/vuln/v1",
  ];
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "bench" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [
        {
          name: "check",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            entry("key-*", fixtures),
            entry("unsigned*", fixtures),
            entry("cold-*", pem),
            entry("attested*", pem, types),
          ],
        },
      ],
    },
  };
}

interface RegistryProcess {
  readonly port: number;
  readonly pem: string;
  /** Requests since the last time this was asked. */
  requests(): Promise<number>;
  stop(): void;
}

async function startRegistry(cold: number): Promise<RegistryProcess> {
  const script = new URL("registry-process.ts", import.meta.url).pathname;
  const args = ["--conditions=assay:source", script, String(cold), values.late];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { port, pem } = JSON.parse((await lines.next()).value as string) as { port: number; pem: string };
  return {
    port,
    pem,
    requests: async () => {
      child.stdin.write("\n");
      return Number((await lines.next()).value);
    },
    stop: () => void child.kill("SIGKILL"),
  };
}

function readFixtureDigest(): string {
  const index = join(root, "packages/conformance/cases/fixtures/images/tags/index.json");
  const { manifests } = JSON.parse(readFileSync(index, "utf8")) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const found = manifests.find(
    ({ annotations }) =>
      annotations?.["dev.assay.repository"] === "acme/key-ecdsa" &&
      annotations["org.opencontainers.image.ref.name"] === "v1",
  );
  if (found === undefined) throw new Error("the fixtures have no acme/key-ecdsa:v1");
  return found.digest;
}

function review(image: string): object {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "bench",
      kind: { group: "", version: "v1", kind: "Pod" },
      operation: "CREATE",
      namespace: "default",
      userInfo: { username: "bench" },
      object: pod("bench", image),
    },
  };
}

function pod(name: string, image: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "app", image }] },
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
