import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry, loadLayout } from "@assay/testkit";
import { webhookConfigurations } from "@assay/webhook";
import { type ApiServer, startApiServer, until } from "./api-server.ts";
import { type AssayServer, startAssay } from "./assay-server.ts";
import { createChecks, mustContain } from "./checks.ts";
import * as objects from "./objects.ts";

const root = new URL("../../../../../", import.meta.url).pathname;
const fixtures = join(root, "packages/conformance/cases/fixtures");
const directory = mkdtempSync(join(tmpdir(), "assay-cluster-"));
const { check, finish } = createChecks();
const [binaries] = process.argv.slice(2);
if (binaries === undefined) throw new Error("usage: main.ts DIRECTORY-OF-BINARIES");

const registry = createRegistry({ host: "127.0.0.1:5001", referrersApi: false });
await loadLayout(join(fixtures, "images/tags"), registry);
let listening = await registry.listen(5001);
const cluster = await startApiServer(binaries, directory);
let assay: AssayServer | undefined;
let allPassed = false;
try {
  prepare(cluster);
  const certificate = cluster.servingCertificate("webhook");
  const token = cluster.kubectl(["-n", "assay", "create", "token", "assay"]).stdout.trim();
  assay = await startAssay({ root, kubeconfig: cluster.kubeconfig("assay", token), certificate });
  register(cluster, assay);
  await admission(cluster);
  await changes(cluster);
  await outages(cluster);
  await operation(cluster, certificate);
  await reports(cluster);
} finally {
  allPassed = finish();
  assay?.kill();
  cluster.stop();
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(allPassed ? 0 : 1);

/** Our own CRDs, namespaces and RBAC, as they are shipped. */
function prepare({ kubectl }: ApiServer): void {
  must(kubectl(["apply", "-k", join(root, "deploy/crds")]));
  must(kubectl(["apply", "-f", join(root, "deploy/base/namespace.yaml")]));
  must(kubectl(["apply", "-f", join(root, "deploy/base/rbac.yaml")]));
  must(kubectl(["create", "namespace", "kyverno"]));
  const key = readFileSync(join(fixtures, "keys/cosign.pub"), "utf8");
  for (const object of [objects.keyPolicy(key), objects.configMapPolicy(), objects.configMap(key)])
    apply(kubectl, object);
}

function register({ kubectl, caFile }: ApiServer, server: AssayServer): void {
  const caBundle = readFileSync(caFile, "utf8");
  for (const configuration of webhookConfigurations(objects.bothFailurePolicies(), {
    client: { url: server.url },
    caBundle,
  })) {
    apply(kubectl, objects.withoutSystem(configuration));
  }
}

async function admission({ kubectl }: ApiServer): Promise<void> {
  await check("a signed image is admitted and pinned to its digest", () => {
    must(kubectl(["run", "signed", `--image=${objects.image("key-ecdsa")}`]));
    const image = kubectl(["get", "pod", "signed", "-o", "jsonpath={.spec.containers[0].image}"]).stdout;
    mustContain(image, /^127\.0\.0\.1:5001\/acme\/key-ecdsa:v1@sha256:[0-9a-f]{64}$/);
  });
  await check("an unsigned image is denied with policy, rule, reason and code", () => {
    const { status, stderr } = kubectl(["run", "unsigned", `--image=${objects.image("unsigned")}`]);
    if (status === 0) throw new Error("was admitted");
    for (const part of [
      "was blocked due to the following policies",
      "key:",
      "no signatures found",
      "[notSigned]",
    ]) {
      mustContain(stderr, part);
    }
  });
  await check("a copied signature and another key are denied", () => {
    for (const name of ["copied", "key-other"])
      denied(kubectl(["run", name, `--image=${objects.image(name)}`]));
  });
  await check("an image that no policy speaks of is admitted unchanged", () => {
    must(kubectl(["run", "other", "--image=nginx:1"]));
    mustContain(
      kubectl(["get", "pod", "other", "-o", "jsonpath={.spec.containers[0].image}"]).stdout,
      /^nginx:1$/,
    );
  });
  await check("a server-side dry run is judged and pinned, and stores nothing", () => {
    const dry = must(
      kubectl(["run", "dry", `--image=${objects.image("key-ecdsa")}`, "--dry-run=server", "-o", "yaml"]),
    );
    mustContain(dry, "@sha256:");
    denied(kubectl(["run", "dry2", `--image=${objects.image("unsigned")}`, "--dry-run=server"]));
    denied(kubectl(["get", "pod", "dry"]));
  });
  await check("Deployments and CronJobs are judged by their Pod templates", () => {
    must(kubectl(["create", "deployment", "good", `--image=${objects.image("key-ecdsa")}`]));
    const template = "jsonpath={.spec.template.spec.containers[0].image}";
    mustContain(kubectl(["get", "deployment", "good", "-o", template]).stdout, "@sha256:");
    denied(kubectl(["create", "deployment", "bad", `--image=${objects.image("unsigned")}`]));
    must(
      kubectl(["create", "cronjob", "good", "--schedule=0 0 * * *", `--image=${objects.image("key-ecdsa")}`]),
    );
    denied(
      kubectl(["create", "cronjob", "bad", "--schedule=0 0 * * *", `--image=${objects.image("unsigned")}`]),
    );
  });
  await check("an UPDATE of one container is judged; a label change passes", () => {
    must(kubectl(["label", "pod", "signed", "tier=web"]));
    denied(kubectl(["set", "image", "pod/signed", `signed=${objects.image("unsigned")}`]));
    must(kubectl(["set", "image", "pod/signed", `signed=${objects.image("key-two")}`]));
    mustContain(
      kubectl(["get", "pod", "signed", "-o", "jsonpath={.spec.containers[0].image}"]).stdout,
      "key-two:v1@",
    );
  });
  await check("ephemeral containers: a signed image is admitted, an unsigned one is not", () => {
    const debug = (name: string, image: string) =>
      kubectl([
        "debug",
        "signed",
        `--image=${objects.image(image)}`,
        `--container=${name}`,
        "--attach=false",
      ]);
    denied(debug("bad", "unsigned"));
    must(debug("good", "key-ecdsa"));
  });
}

async function changes({ kubectl }: ApiServer): Promise<void> {
  const run = (name: string) =>
    kubectl(["run", name, "-n", "by-configmap", `--image=${objects.image("key-ecdsa")}`, "--dry-run=server"]);
  must(kubectl(["create", "namespace", "by-configmap"]));
  await check("a key from a ConfigMap is used, and a changed one is in force without a restart", async () => {
    must(run("before"));
    apply(kubectl, objects.configMap(readFileSync(join(fixtures, "keys/other.pub"), "utf8")));
    await until(() => run("after").status !== 0, 10_000, "the changed ConfigMap");
    apply(kubectl, objects.configMap(readFileSync(join(fixtures, "keys/cosign.pub"), "utf8")));
    await until(() => run("again").status === 0, 10_000, "the restored ConfigMap");
  });
  await check("a new policy is in force without a restart, and so is its removal", async () => {
    const other = () => kubectl(["run", "o", `--image=${objects.image("key-other")}`, "--dry-run=server"]);
    apply(kubectl, objects.denyAllPolicy());
    const signed = () => kubectl(["run", "s", `--image=${objects.image("key-ecdsa")}`, "--dry-run=server"]);
    await until(() => signed().status !== 0, 10_000, "the new policy");
    must(kubectl(["delete", "clusterpolicy", "deny-all"]));
    await until(() => signed().status === 0, 10_000, "the removal");
    denied(other());
  });
  await check("an invalid policy leaves the old ones in force", async () => {
    apply(kubectl, objects.invalidPolicy());
    await new Promise((resolve) => setTimeout(resolve, 1000));
    denied(kubectl(["run", "u", `--image=${objects.image("unsigned")}`, "--dry-run=server"]));
    must(kubectl(["run", "s", `--image=${objects.image("key-ecdsa")}`, "--dry-run=server"]));
    must(kubectl(["delete", "clusterpolicy", "invalid"]));
  });
}

async function outages({ kubectl }: ApiServer): Promise<void> {
  const run = (namespace: string) =>
    kubectl(["run", "x", "-n", namespace, `--image=${objects.image("key-rsa")}`, "--dry-run=server"]);
  must(kubectl(["create", "namespace", "lenient"]));
  await check(
    "registry down: denied under Fail as unavailable, not as unsigned; admitted with a warning under Ignore",
    async () => {
      apply(kubectl, objects.ignorePolicy(readFileSync(join(fixtures, "keys/rsa.pub"), "utf8")));
      await until(() => run("lenient").status === 0, 10_000, "the lenient policy");
      await listening.close();
      const strict = run("default");
      denied(strict);
      mustContain(strict.stderr, "[unavailable]");
      if (strict.stderr.includes("notSigned")) throw new Error(strict.stderr);
      const lenient = run("lenient");
      must(lenient);
      mustContain(lenient.stderr, "Warning:");
      listening = await registry.listen(5001);
    },
  );
}

async function operation(
  { kubectl, servingCertificate }: ApiServer,
  certificate: { certFile: string; keyFile: string },
): Promise<void> {
  const signed = () => kubectl(["run", "s", `--image=${objects.image("key-ecdsa")}`, "--dry-run=server"]);
  await check("the certificate is rotated while requests go on", async () => {
    const next = servingCertificate("rotated");
    copyFileSync(next.keyFile, certificate.keyFile);
    copyFileSync(next.certFile, certificate.certFile);
    for (let i = 0; i < 20; i++) must(signed());
  });
  await check("the server is killed: closed under Fail; restarted: it answers again", async () => {
    const server = assay;
    if (server === undefined) throw new Error("not running");
    server.kill();
    denied(signed());
    assay = await startAssay({ ...server.options, port: server.port });
    await until(() => signed().status === 0, 20_000, "the restarted webhook");
  });
}

async function reports({ kubectl }: ApiServer): Promise<void> {
  await check("PolicyReports say what was found about what already runs", async () => {
    const all = () => kubectl(["get", "policyreports", "-A", "-o", "json"]).stdout;
    await until(() => all().includes('"name": "signed"'), 60_000, "the report about Pod signed");
    mustContain(all(), '"result": "pass"');
  });
  await check("the Lease names who leads", () => {
    mustContain(
      kubectl(["-n", "assay", "get", "lease", "assay-controller", "-o", "jsonpath={.spec.holderIdentity}"])
        .stdout,
      /./,
    );
  });
}

function apply(kubectl: ApiServer["kubectl"], object: object): void {
  must(kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], JSON.stringify(object)));
}

function must({ status, stdout, stderr }: { status: number; stdout: string; stderr: string }): string {
  if (status !== 0) throw new Error(stderr || stdout);
  return stdout;
}

function denied({ status, stdout }: { status: number; stdout: string }): void {
  if (status === 0) throw new Error(`was not refused: ${stdout}`);
}
