import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPolicies, type Policy } from "@assay/policy";
import { createRegistry, loadLayout } from "@assay/testkit";
import { webhookConfigurations } from "@assay/webhook";
import { buildImage } from "../../image/image.ts";
import { admitted, denied, must } from "./answers.ts";
import { freePort, startApiServer, until } from "./api-server.ts";
import { type AssayServer, runAssay, runNode, startAssay } from "./assay-server.ts";
import { createChecks, mustContain } from "./checks.ts";
import { deployChecks } from "./deploy.ts";
import * as objects from "./objects.ts";
import { type JudgedImage, randomRequests } from "./random-requests.ts";
import { reachChecks } from "./reach.ts";
import { removeBefore, storeBefore, windingDown } from "./winding-down.ts";

const root = new URL("../../../../../", import.meta.url).pathname;
const fixtures = join(root, "packages/conformance/cases/fixtures");
const key = (name: string): string => readFileSync(join(fixtures, "keys", `${name}.pub`), "utf8");
const imagePath = "jsonpath={.spec.containers[0].image}";
const templatePath = "jsonpath={.spec.template.spec.containers[0].image}";

const [binaries] = process.argv.slice(2);
if (binaries === undefined) throw new Error("usage: main.ts DIRECTORY-OF-BINARIES");
const directory = mkdtempSync(join(tmpdir(), "assay-cluster-"));
const { check, finish } = createChecks();
const bundle = buildImage(join(directory, "image"));

const port = await freePort();
const host = `127.0.0.1:${port}`;
const image = (name: string): string => objects.image(host, name);
const flag = (name: string): string => `--image=${image(name)}`;
const registry = createRegistry({ host, referrersApi: false });
await loadLayout(join(fixtures, "images/tags"), registry);
let listening = await registry.listen(port);
const cluster = await startApiServer(binaries, directory);
const { kubectl } = cluster;
let assay: AssayServer | undefined;
let allPassed = false;
try {
  await prepare();
  const certificate = cluster.servingCertificate("webhook");
  const token = (await must(kubectl(["-n", "assay", "create", "token", "assay"]))).trim();
  const flags = [
    `--kubeconfig=${cluster.kubeconfig("assay", token)}`,
    "--leader-election-namespace=assay",
    "--scan-interval=5",
    "--exception-namespace=exceptions",
  ];
  assay = await startAssay({ image: bundle, flags, certificate });
  await deployChecks(check, { kubectl, root });
  await storeBefore(cluster, image("unsigned"), image("key-ecdsa"));
  await register(assay);
  await admission();
  await updates();
  await windingDown(check, cluster, { other: image("key-other"), signed: image("key-ecdsa") });
  await randomRequests(check, { cluster, images: images() });
  await reach();
  await changes();
  await outages();
  await operation(certificate);
  await reports();
  await programs();
} finally {
  allPassed = finish();
  assay?.kill();
  cluster.stop();
  await listening.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(allPassed ? 0 : 1);

/** Our own CRDs, namespace and RBAC, as they are shipped. */
async function prepare(): Promise<void> {
  await must(kubectl(["apply", "-k", join(root, "deploy/crds")]));
  await must(kubectl(["apply", "-f", join(root, "deploy/base/namespace.yaml")]));
  await must(kubectl(["apply", "-f", join(root, "deploy/base/rbac.yaml")]));
  for (const name of ["kyverno", "by-configmap", "lenient", "local", "strict", "exceptions"])
    await must(kubectl(["create", "namespace", name]));
  await apply(objects.keyPolicy(key("cosign")));
  await apply(objects.configMapPolicy());
  await apply(objects.configMap(key("cosign")));
  await apply(objects.ignorePolicy(key("rsa")));
}

async function register(server: AssayServer, policies: readonly Policy[] = []): Promise<void> {
  const caBundle = readFileSync(cluster.caFile, "utf8");
  const options = { client: { url: server.url }, caBundle, exemptNamespaces: ["kube-system", "assay"] };
  for (const configuration of webhookConfigurations([...objects.strictPolicies(), ...policies], options))
    await apply(configuration);
}

/** Policies about more than the shipped configurations send, with those that are printed for them. */
async function reach(): Promise<void> {
  if (assay === undefined) throw new Error("not running");
  const wide = objects.widePolicies(key("cosign"));
  const definitions = [
    objects.definition("tekton.dev", "Task", ["v1", "v1beta1"]),
    objects.definition("apps.kruise.io", "StatefulSet", ["v1beta1"]),
  ];
  for (const object of [...definitions, ...wide]) await apply(object);
  await must(kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=20s"]));
  const inForce = async () =>
    (await assay?.metrics(cluster.caFile))?.includes(`assay_policies_in_force ${3 + wide.length}`) === true;
  await until(inForce, 10_000, "the policies about other kinds");
  await check("the log warns of policies that judge more than the shipped webhooks have sent", () => {
    const warned = (assay?.log() ?? "").split("\n").filter((line) => line.includes("judges more than"));
    for (const name of ["tasks", "kruise", "deletions"])
      mustContain(warned.join("\n"), `ClusterPolicy/${name}"`);
    if (warned.length !== wide.length) throw new Error(warned.join("\n"));
  });
  await register(assay, loadPolicies(wide.map((one) => ({ text: JSON.stringify(one) }))).policies);
  await reachChecks(check, { kubectl, image });
  await must(kubectl(["delete", "clusterpolicy", "tasks", "kruise", "deletions"]));
  await until(() => admitted(removeBefore(kubectl)), 10_000, "the removal of the policy about deletions");
  await register(assay);
}

/** What may be in an object, and whether policy `key` lets it in. */
function images(): readonly JudgedImage[] {
  const byDigest = (name: string): string => {
    const found = registry.manifests().find(({ repository, tag }) => repository === name && tag === "v1");
    return `${host}/${name}@${found?.descriptor.digest}`;
  };
  return [
    ...["key-ecdsa", "key-two"].map((name) => [image(name), true] as const),
    ...["unsigned", "key-other", "copied", "missing"].map((name) => [image(name), false] as const),
    [byDigest("acme/key-ecdsa"), true],
    [byDigest("acme/unsigned"), false],
    ["nginx:1", true],
  ];
}

async function admission(): Promise<void> {
  await check("a signed image is admitted and pinned to its digest", async () => {
    await must(run("signed", "key-ecdsa"));
    mustContain(await imageOf("pod", "signed", imagePath), /acme\/key-ecdsa:v1@sha256:[0-9a-f]{64}$/);
  });
  await check("an unsigned image is denied with policy, rule, reason and code", async () => {
    const reason = await denied(run("unsigned", "unsigned"));
    for (const part of [
      "was blocked due to the following policies",
      "key:",
      "no signatures found",
      "[notSigned]",
    ]) {
      mustContain(reason, part);
    }
  });
  await check("a copied signature and another key are denied", async () => {
    mustContain(await denied(run("copied", "copied")), "[claimMismatch]");
    await denied(run("key-other", "key-other"));
  });
  await check("an image that no policy speaks of is admitted unchanged", async () => {
    await must(kubectl(["run", "other", "--image=nginx:1"]));
    mustContain(await imageOf("pod", "other", imagePath), /^nginx:1$/);
  });
  await check("an image by digest is admitted as it is", async () => {
    const pinned = await imageOf("pod", "signed", imagePath);
    await must(kubectl(["run", "pinned", `--image=${pinned}`]));
    mustContain(await imageOf("pod", "pinned", imagePath), pinned);
  });
  await check("a server-side dry run is judged and pinned, and stores nothing", async () => {
    mustContain(await must(run("dry", "key-ecdsa", "--dry-run=server", "-o", "yaml")), "@sha256:");
    await denied(run("dry2", "unsigned", "--dry-run=server"));
    await denied(kubectl(["get", "pod", "dry"]));
  });
  await check("Deployments and CronJobs are judged by their Pod templates", async () => {
    await must(kubectl(["create", "deployment", "good", flag("key-ecdsa")]));
    mustContain(await imageOf("deployment", "good", templatePath), "@sha256:");
    await denied(kubectl(["create", "deployment", "bad", flag("unsigned")]));
    await must(kubectl(["create", "cronjob", "good", "--schedule=0 0 * * *", flag("key-ecdsa")]));
    await denied(kubectl(["create", "cronjob", "bad", "--schedule=0 0 * * *", flag("unsigned")]));
  });
}

async function updates(): Promise<void> {
  await check("an UPDATE of one container is judged; a label change passes", async () => {
    await must(kubectl(["label", "pod", "signed", "tier=web"]));
    await denied(kubectl(["set", "image", "pod/signed", `signed=${image("unsigned")}`]));
    await must(kubectl(["set", "image", "pod/signed", `signed=${image("key-two")}`]));
    mustContain(await imageOf("pod", "signed", imagePath), "key-two:v1@");
  });
  await check("ephemeral containers: a signed image is admitted, an unsigned one is not", async () => {
    const debug = (name: string, from: string) =>
      kubectl(["debug", "signed", flag(from), `--container=${name}`, "--attach=false"]);
    mustContain(await denied(debug("bad", "unsigned")), "[notSigned]");
    await must(debug("good", "key-ecdsa"));
  });
}

async function changes(): Promise<void> {
  await check("a key from a ConfigMap is used, and a changed one is in force without a restart", async () => {
    const attempt = (name: string) => run(name, "key-ecdsa", "-n", "by-configmap", "--dry-run=server");
    await must(attempt("before"));
    await apply(objects.configMap(key("other")));
    await until(async () => !(await admitted(attempt("changed"))), 10_000, "the changed ConfigMap");
    await apply(objects.configMap(key("cosign")));
    await until(() => admitted(attempt("restored")), 10_000, "the restored ConfigMap");
  });
  await check("a namespaced Policy judges its namespace by a key from a Secret, as it is now", async () => {
    const attempt = () => run("x", "key-ecdsa", "-n", "local", "--dry-run=server");
    await apply(objects.secret("local", key("other")));
    await apply(objects.secretPolicy("local"));
    await until(async () => !(await admitted(attempt())), 10_000, "the Policy");
    await must(signedDryRun());
    await apply(objects.secret("local", key("cosign")));
    await until(() => admitted(attempt()), 10_000, "the changed Secret");
    await must(kubectl(["-n", "local", "delete", "policies.kyverno.io", "local"]));
  });
  await check("a new policy is in force without a restart, and so is its removal", async () => {
    await apply(objects.denyAllPolicy());
    await until(async () => !(await admitted(signedDryRun())), 10_000, "the new policy");
    await must(kubectl(["delete", "clusterpolicy", "deny-all"]));
    await until(() => admitted(signedDryRun()), 10_000, "the removal");
  });
  await check("a namespace's labels, as they are now, decide where a policy looks", async () => {
    await apply(objects.selectorPolicy());
    const attempt = () => run("x", "key-ecdsa", "-n", "strict", "--dry-run=server");
    await must(attempt());
    await must(kubectl(["label", "namespace", "strict", "tier=strict"]));
    await until(async () => !(await admitted(attempt())), 10_000, "the label");
    await must(signedDryRun());
    await must(kubectl(["delete", "clusterpolicy", "by-label"]));
  });
  await check("an exception counts only where the operator said so", async () => {
    const exempt = () => run("exempt", "unsigned", "--dry-run=server");
    await apply(objects.exception("default"));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await denied(exempt());
    await apply(objects.exception("exceptions"));
    await until(() => admitted(exempt()), 10_000, "the exception");
    await must(kubectl(["delete", "policyexception", "-n", "exceptions", "exempt"]));
    await until(async () => !(await admitted(exempt())), 10_000, "its removal");
  });
  await refusals();
}

async function refusals(): Promise<void> {
  const refusal = (name: string, consequence: string): boolean =>
    (assay?.log() ?? "").split("\n").some((line) => line.includes(name) && line.includes(consequence));
  await check("an invalid policy is refused by itself: others change, and it is told beside it", async () => {
    await apply(objects.invalidPolicy());
    await until(() => refusal("invalid", "nothing of it is in force"), 10_000, "the refusal in the log");
    await denied(run("u", "unsigned", "--dry-run=server"));
    await apply(objects.denyAllPolicy());
    await until(async () => !(await admitted(signedDryRun())), 10_000, "the valid policy beside it");
    await must(kubectl(["delete", "clusterpolicy", "deny-all"]));
    await until(() => admitted(signedDryRun()), 10_000, "its removal");
    const events = () => must(kubectl(["get", "events", "-o", "json"]));
    await until(async () => (await events()).includes("nothing of it is in force"), 10_000, "the Event");
    mustContain(await events(), '"reason": "PolicyError"');
    const metrics = (await assay?.metrics(cluster.caFile)) ?? "";
    mustContain(metrics, 'assay_policies_refused{in_force="nothing"} 1');
    mustContain(metrics, 'assay_policy_kind_missing{kind="ClusterPolicy"} 0');
  });
  await check("a policy that becomes invalid goes on demanding what it did; deleted, it leaves", async () => {
    const strict = objects.denyAllPolicy("invalid");
    await apply(strict);
    await until(async () => !(await admitted(signedDryRun())), 10_000, "the valid version");
    await apply(objects.invalidPolicy());
    await until(() => refusal("invalid", "its last valid version stays"), 10_000, "the refusal");
    await denied(signedDryRun());
    await must(kubectl(["delete", "clusterpolicy", "invalid"]));
    await until(() => admitted(signedDryRun()), 10_000, "its removal");
  });
}

async function outages(): Promise<void> {
  await check(
    "registry down: denied under Fail as unavailable, not as unsigned; admitted with a warning under Ignore",
    async () => {
      const attempt = (namespace: string) => run("x", "key-rsa", "-n", namespace, "--dry-run=server");
      await must(attempt("lenient"));
      await listening.close();
      try {
        const strict = await denied(attempt("default"));
        mustContain(strict, "[unavailable]");
        if (strict.includes("notSigned")) throw new Error(strict);
        const lenient = await attempt("lenient");
        await must(Promise.resolve(lenient));
        mustContain(lenient.stderr, "Warning:");
      } finally {
        listening = await registry.listen(port);
      }
    },
  );
}

async function operation(certificate: {
  readonly certFile: string;
  readonly keyFile: string;
}): Promise<void> {
  await check("the certificate is rotated while requests go on", async () => {
    const next = cluster.servingCertificate("rotated");
    copyFileSync(next.keyFile, certificate.keyFile);
    copyFileSync(next.certFile, certificate.certFile);
    await until(
      async () => {
        await must(signedDryRun());
        return assay?.log().includes("TLS certificate reloaded") === true;
      },
      20_000,
      "the reloaded certificate",
    );
    await must(signedDryRun());
  });
  await check("the server is killed: closed under Fail; restarted: it answers again", async () => {
    if (assay === undefined) throw new Error("not running");
    assay.kill();
    await denied(signedDryRun());
    assay = await startAssay({ ...assay.options, port: assay.port });
    await until(() => admitted(signedDryRun()), 20_000, "the restarted webhook");
  });
}

/** Events in `kube-system` that say which policy a Pod there breaks. */
async function violationsOf(pod: string): Promise<readonly { count: number; message: string }[]> {
  const field = `reason=PolicyViolation,involvedObject.name=${pod}`;
  const list = await must(
    kubectl(["-n", "kube-system", "get", "events", "--field-selector", field, "-o", "json"]),
  );
  return JSON.parse(list).items;
}

async function reports(): Promise<void> {
  await check("PolicyReports say what was found about what already runs", async () => {
    const all = () => must(kubectl(["get", "policyreports", "-A", "-o", "json"]));
    await until(
      async () => (await all()).includes('"name": "signed"'),
      60_000,
      "the report about Pod signed",
    );
    mustContain(await all(), '"result": "pass"');
  });
  await check("one Event says, scan after scan, which Pod breaks which policy", async () => {
    // Created in a namespace that the webhook is not asked about, and judged by the scan all the same.
    await must(run("old", "unsigned", "-n", "kube-system"));
    const said = () => violationsOf("old");
    await until(async () => (await said()).length > 0, 60_000, "the Event about Pod old");
    mustContain((await said())[0]?.message ?? "", "policy key/check: ");
    const again = async () => ((await said())[0]?.count ?? 0) > 1;
    await until(again, 60_000, "the next scan, which says it by the same Event");
    if ((await said()).length !== 1) throw new Error("the next scan wrote another Event");
    mustContain(
      await must(kubectl(["-n", "kube-system", "get", "policyreports", "-o", "json"])),
      '"result": "fail"',
    );
    await must(kubectl(["-n", "kube-system", "delete", "pod", "old", "--force", "--grace-period=0"]));
  });
  await check("the Lease names who leads", async () => {
    const lease = [
      "-n",
      "assay",
      "get",
      "lease",
      "assay-controller",
      "-o",
      "jsonpath={.spec.holderIdentity}",
    ];
    mustContain(await must(kubectl(lease)), /./);
  });
}

async function programs(): Promise<void> {
  await check("`assay scan --cluster` judges the Pods that run", async () => {
    const policy = join(directory, "scan.json");
    writeFileSync(policy, JSON.stringify(objects.keyPolicy(key("cosign"))));
    const kubeconfig = { KUBECONFIG: cluster.kubeconfig("admin") };
    const scan = ["scan", policy, "--cluster"];
    const good = await runAssay(bundle, [...scan, "--output", "jsonl"], kubeconfig);
    if (good.status !== 0) throw new Error(good.stderr || good.stdout);
    mustContain(good.stdout, "signed");
    writeFileSync(policy, JSON.stringify(objects.denyAllPolicy()));
    const bad = await runAssay(bundle, scan, kubeconfig);
    if (bad.status !== 1) throw new Error(`exit ${bad.status}: ${bad.stderr || bad.stdout}`);
  });
  await check("a Pod that runs another digest than its tag names now is undecided in a scan", async () => {
    const system = ["-n", "kube-system"];
    await must(run("moved", "key-ecdsa", ...system));
    const digest = `sha256:${"0".repeat(64)}`;
    const running = { name: "moved", image: "sha256:1", imageID: `registry.example.com/app@${digest}` };
    const told = { ready: true, restartCount: 0, ...running };
    const patch = ["--subresource=status", "-p", JSON.stringify({ status: { containerStatuses: [told] } })];
    await must(kubectl([...system, "patch", "pod", "moved", ...patch]));
    const policy = join(directory, "scan.json");
    writeFileSync(policy, JSON.stringify(objects.keyPolicy(key("cosign"))));
    const kubeconfig = { KUBECONFIG: cluster.kubeconfig("admin") };
    const { status, stdout, stderr } = await runAssay(bundle, ["scan", policy, "--cluster"], kubeconfig);
    if (status !== 2) throw new Error(`exit ${status}: ${stderr || stdout}`);
    mustContain(stdout, "undecided Pod/kube-system/moved\n  otherImageRuns: ");
    mustContain(stdout, `runs ${digest}`);
    await must(kubectl([...system, "delete", "pod", "moved", "--force", "--grace-period=0"]));
  });
  await check("examples/08-controller does against this cluster what it does without one", async () => {
    const example = join(root, "examples/08-controller/main.ts");
    const ran = await runNode(root, cluster.kubeconfig("admin"), [example]);
    if (ran.status !== 0) throw new Error(ran.stderr || ran.stdout);
    mustContain(ran.stdout, /background scan finished: \{"judged":[1-9]/);
  });
}

function run(name: string, from: string, ...flags: readonly string[]) {
  return kubectl(["run", name, flag(from), ...flags]);
}

function signedDryRun() {
  return run("s", "key-ecdsa", "--dry-run=server");
}

function imageOf(kind: string, name: string, path: string): Promise<string> {
  return must(kubectl(["get", kind, name, "-o", path]));
}

async function apply(object: object): Promise<void> {
  await must(kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], JSON.stringify(object)));
}
