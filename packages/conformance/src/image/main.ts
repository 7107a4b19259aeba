// What the image of `deploy/` runs is bundled from the built packages and asked what only a bundle can get wrong: files that
// are found beside others, packages that are left out, imports that had an effect. The cluster lane does the rest with it.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createKey,
  createRegistry,
  image,
  type Predicate,
  type PushedImage,
  predicate,
} from "@assay/testkit";
import { freePort } from "../lanes/cluster/api-server.ts";
import { runAssay, startAssay } from "../lanes/cluster/assay-server.ts";
import { createChecks, mustContain } from "../lanes/cluster/checks.ts";
import { repository } from "../workspace.ts";
import { buildImage } from "./image.ts";

const directory = mkdtempSync(join(tmpdir(), "assay-image-"));
const place = (name: string): string => join(directory, name);
const { check, finish } = createChecks();
const certificate = {
  certFile: join(repository, "packages/webhook/testdata/first.crt"),
  keyFile: join(repository, "packages/webhook/testdata/first.key"),
};
/** Says of every judgement that another thread made, and of every span that a tracer of the operator's has seen. */
const preloaded = `
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from ${JSON.stringify(installed("@opentelemetry/sdk-trace-base"))};
import api from ${JSON.stringify(installed("@opentelemetry/api"))};
const spanProcessors = [new SimpleSpanProcessor(new ConsoleSpanExporter())];
api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
process.on("worker", (thread) => thread.on("message", (reply) => {
  if ("judgement" in reply) process.stderr.write("judged in a thread\\n");
}));`;

const key = createKey();
const port = await freePort();
const host = `127.0.0.1:${port}`;
const registry = createRegistry({ host });
const listening = await registry.listen(port);
const pushed = (name: string) => image({ repository: name }).signedBy(key);
const signed = await pushed("signed").pushTo(registry);
const unsigned = await image({ repository: "unsigned" }).pushTo(registry);
const large = await pushed("sbom/large").attested(sbom("Apache-2.0")).pushTo(registry);
const wrong = await pushed("sbom/wrong").attested(sbom("GPL-3.0-only")).pushTo(registry);

const bundle = buildImage(place("image"));
let allPassed = false;
try {
  writeFileSync(place("policy.json"), JSON.stringify(policy()));
  writeFileSync(place("pod.json"), JSON.stringify(pod(signed)));
  await files();
  await commands();
  await serving();
} finally {
  allPassed = finish();
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(allPassed ? 0 : 1);

async function files(): Promise<void> {
  await check("every module of the bundle can be loaded by itself", () => {
    // The two that do something by themselves are started below.
    const names = readdirSync(place("image/dist")).filter((name) => !/^(?:cli|judge-worker)\.js$/.test(name));
    const load = `for (const name of ${JSON.stringify(names)}) await import("./" + name);`;
    execFileSync(process.execPath, ["--input-type=module", "-e", load], { cwd: place("image/dist") });
  });
  await check("the licences of what went into the bundle are beside it", () => {
    const text = readFileSync(place("image/NOTICES.txt"), "utf8");
    for (const name of ["assay", "@assay/controller", "@kubernetes/client-node", "undici", "re2js", "yaml"])
      mustContain(text, `\n${name} `);
    mustContain(text, "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION");
  });
}

async function commands(): Promise<void> {
  const said = async (...args: readonly string[]) => {
    const { status, stdout, stderr } = await runAssay(bundle, args, { HOME: directory, KUBECONFIG: "" });
    return `${status} ${stdout}${stderr}`;
  };
  await check("`assay --version` says the version of the package", async () => {
    const manifest = readFileSync(join(repository, "packages/assay/package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { readonly version: string };
    if ((await said("--version")) !== `0 ${version}\n`) throw new Error(await said("--version"));
  });
  await check("the client library is in the bundle: without a cluster that is what is missing", async () => {
    const flags = [`--tls-cert=${certificate.certFile}`, `--tls-key=${certificate.keyFile}`];
    mustContain(await said("serve", "--cluster", ...flags), /^2 .*no kubeconfig names one/s);
    mustContain(await said("scan", place("policy.json"), "--cluster"), /^2 .*no kubeconfig names one/s);
  });
  await check("a package that is installed only where it is needed is asked for by name", async () => {
    const scan = [
      "scan",
      place("policy.json"),
      `--resource=${place("pod.json")}`,
      "--redis=redis://127.0.0.1:1",
    ];
    mustContain(await said(...scan), "needs the package `bullmq`: run `npm install bullmq`");
    // And is found where an image that is built from this one has it.
    const added = place("image/node_modules/bullmq");
    mkdirSync(added, { recursive: true });
    writeFileSync(join(added, "package.json"), JSON.stringify({ name: "bullmq", main: "index.js" }));
    writeFileSync(join(added, "index.js"), "throw new Error('found');");
    mustContain(await said(...scan), "it cannot be loaded: Error: found");
  });
}

async function serving(): Promise<void> {
  const preload = place("preload.mjs");
  writeFileSync(preload, preloaded);
  const env = { HOME: directory, NODE_OPTIONS: `${bundle.env["NODE_OPTIONS"]} --import=${preload}` };
  const server = await startAssay({ image: bundle, policies: [place("policy.json")], certificate, env });
  try {
    await check("an admission review of a signed image is allowed, and pins it to its digest", async () => {
      const { allowed, patch } = await review(server.url, signed);
      if (!allowed) throw new Error("denied");
      mustContain(Buffer.from(patch ?? "", "base64").toString("utf8"), "@sha256:");
    });
    await check("one of an unsigned image is denied", async () => {
      const { allowed, status } = await review(server.url, unsigned);
      if (allowed) throw new Error("allowed");
      mustContain(status?.message ?? "", "[notSigned]");
    });
    await check("a tracer that the operator has put into the process is given the review's spans", () =>
      mustContain(server.log(), "name: 'image verification'"),
    );
    if (server.log().includes("judged in a thread")) throw new Error("small evidence went to a thread");
    await check("large evidence is judged in the thread that is started for it", async () => {
      if (!(await review(server.url, large)).allowed) throw new Error("denied");
      mustContain(server.log(), "judged in a thread");
    });
    await check("which denies by it, too", async () => {
      const { allowed, status } = await review(server.url, wrong);
      if (allowed) throw new Error("allowed");
      mustContain(status?.message ?? "", "[conditionFalse]");
    });
  } finally {
    server.kill();
  }
}

/** The file of a package that only our webhook has. */
function installed(name: string): string {
  return createRequire(join(repository, "packages/webhook/package.json")).resolve(name);
}

/** A megabyte, so far more than what is judged where it is asked about. */
function sbom(licenseConcluded: string): Predicate {
  const packages = Array.from({ length: 8000 }, (_, index) => ({
    name: `package-${index}`,
    downloadLocation: `https://example.com/packages/number-${index}.tar.gz`,
    licenseConcluded,
  }));
  return predicate("https://spdx.dev/Document", { spdxVersion: "SPDX-2.3", packages });
}

function policy(): object {
  const keys = { publicKeys: key.pem, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
  const attestors = [{ entries: [{ keys }] }];
  const licences = {
    key: "{{ packages[].licenseConcluded }}",
    operator: "AllIn",
    value: ["Apache-2.0"],
  };
  const conditions = [{ all: [licences] }];
  const attestations = [{ type: "https://spdx.dev/Document", attestors, conditions }];
  const rule = (name: string, verifyImages: object) => ({
    name,
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [{ mutateDigest: true, ...verifyImages }],
  });
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "signed" },
    spec: {
      validationFailureAction: "Enforce",
      webhookTimeoutSeconds: 30,
      rules: [
        rule("signed", { imageReferences: [`${host}/*`], attestors }),
        rule("sbom", { imageReferences: [`${host}/sbom/*`], attestations }),
      ],
    },
  };
}

function pod({ reference }: PushedImage): object {
  const spec = { containers: [{ name: "web", image: reference }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default" }, spec };
}

interface Answer {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly status?: { readonly message?: string };
}

/** What the server answers the API server's question whether a Pod of this image may be. */
async function review(url: string, of: PushedImage): Promise<Answer> {
  const asked = { uid: "1", kind: { version: "v1", kind: "Pod" }, operation: "CREATE", namespace: "default" };
  const body = JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { ...asked, object: pod(of) },
  });
  const sent = request(`${url}/mutate?timeout=30s`, {
    method: "POST",
    ca: readFileSync(certificate.certFile),
    headers: { "content-type": "application/json", connection: "close" },
    timeout: 60_000,
  });
  sent.on("timeout", () => sent.destroy(new Error("the server did not answer")));
  sent.end(body);
  const [response] = (await once(sent, "response")) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const answer = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { readonly response: Answer };
  return answer.response;
}
