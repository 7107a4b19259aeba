import { join } from "node:path";
import { must } from "../../../packages/conformance/src/lanes/cluster/answers.ts";
import {
  type ApiServer,
  freePort,
  until,
} from "../../../packages/conformance/src/lanes/cluster/api-server.ts";
import { createClient, type Target } from "../client.ts";
import type { Owned } from "../owned.ts";
import type { Peer, Surroundings } from "./peer.ts";

const NAMESPACE = "bench-kyverno";

/**
 * Kyverno's admission controller outside the cluster, with the chart's defaults: image verification cache on, admission
 * reports on. It makes its own certificate and registers its own webhooks.
 */
export async function startKyverno({ options, owned, cluster }: Surroundings): Promise<Peer> {
  const { kyvernoFiles } = options;
  if (kyvernoFiles === undefined || cluster === undefined)
    throw new Error("Kyverno needs its binary and an API server");
  await prepare(cluster);
  const port = await freePort();
  const flags = await kyvernoFlags(cluster, port);
  const pid = owned.start("kyverno", [join(kyvernoFiles, "kyverno"), ...flags], environment);
  const ca = await authority(cluster, owned);
  const url = `https://127.0.0.1:${port}/mutate/fail`;
  await until(() => answers({ url, tls: { ca } }), 60_000, "Kyverno's serving certificate");
  return {
    name: "Kyverno",
    about: `Kyverno ${kyvernoFiles.split("-").at(-1)}, image verification cache on, mutating and validating webhook`,
    url,
    ca,
    pid,
    namespace: NAMESPACE,
    register: (server) => registered(server, url),
  };
}

/** The definitions that its module holds; they serve assay too. */
export async function applyKyvernoDefinitions({ kubectl }: ApiServer, kyvernoFiles: string): Promise<void> {
  for (const group of ["kyverno", "policies.kyverno.io", "policyreport", "reports"]) {
    await must(kubectl(["apply", "--server-side", "-f", join(kyvernoFiles, "crds", group)]));
  }
  await must(kubectl(["wait", "--for=condition=established", "crd", "--all", "--timeout=50s"]));
}

const environment = {
  KYVERNO_NAMESPACE: "kyverno",
  KYVERNO_SERVICEACCOUNT_NAME: "kyverno-admission-controller",
  KYVERNO_ROLE_NAME: "kyverno:admission-controller",
  KYVERNO_DEPLOYMENT: "kyverno-admission-controller",
  KYVERNO_POD_NAME: "kyverno-0",
  KYVERNO_SVC: "kyverno-svc",
  INIT_CONFIG: "kyverno",
  METRICS_CONFIG: "kyverno-metrics",
};

async function kyvernoFlags(cluster: ApiServer, port: number): Promise<string[]> {
  const account = (name: string): string => `system:serviceaccount:kyverno:kyverno-${name}-controller`;
  return [
    `--kubeconfig=${cluster.kubeconfig("kyverno")}`,
    // With an address of its own it registers URLs rather than a Service.
    `--serverIP=127.0.0.1:${port}`,
    "--webhookServerHost=127.0.0.1",
    `--webhookServerPort=${port}`,
    "--caSecretName=kyverno-svc.kyverno.svc.kyverno-tls-ca",
    "--tlsSecretName=kyverno-svc.kyverno.svc.kyverno-tls-pair",
    `--backgroundServiceAccountName=${account("background")}`,
    `--reportsServiceAccountName=${account("reports")}`,
    "--metricsHost=127.0.0.1",
    `--metricsPort=${await freePort()}`,
    "--controllerRuntimeMetricsAddress=0",
    "--omitEvents=PolicyApplied,PolicySkipped",
    "--v=2",
  ];
}

/** What the chart would have made, as far as the admission controller reads it. */
async function prepare({ kubectl }: ApiServer): Promise<void> {
  const here = { namespace: "kyverno" };
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": NAMESPACE } };
  const data = {
    enableDefaultRegistryMutation: "true",
    defaultRegistry: "docker.io",
    generateSuccessEvents: "false",
    excludeGroups: "system:nodes",
    resourceFilters: RESOURCE_FILTERS,
    webhooks: JSON.stringify({ namespaceSelector }),
  };
  // Kyverno registers its resource webhooks once this Lease says that its server was reached lately; it would
  // find that out by itself in ten-second steps.
  const annotations = { "kyverno.io/last-request-time": new Date().toISOString().replace(/\.\d+Z$/, "Z") };
  const items = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "kyverno" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kyverno", ...here }, data },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kyverno-metrics", ...here }, data: {} },
    {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "kyverno-health", ...here, annotations },
    },
  ];
  await must(kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })));
}

/** The chart's, but for those that name the chart's own objects. */
const RESOURCE_FILTERS =
  "[Event,*,*] [*/*,kube-system,*] [*/*,kube-public,*] [*/*,kube-node-lease,*] [Node,*,*] [Node/?*,*,*] " +
  "[APIService,*,*] [APIService/?*,*,*] [TokenReview,*,*] [SubjectAccessReview,*,*] [SelfSubjectAccessReview,*,*] " +
  "[Binding,*,*] [Pod/binding,*,*] [ReplicaSet,*,*] [ReplicaSet/?*,*,*] [EphemeralReport,*,*] [ClusterEphemeralReport,*,*]";

/** Its certificate authority, from the webhook by which it checks policies: with that one registered it takes them. */
async function authority({ kubectl }: ApiServer, owned: Owned): Promise<string> {
  const name = "validatingwebhookconfiguration/kyverno-policy-validating-webhook-cfg";
  const bundle = "jsonpath={.webhooks[0].clientConfig.caBundle}";
  let found = "";
  try {
    await until(
      async () => {
        found = (await kubectl(["get", name, "-o", bundle])).stdout;
        return found !== "";
      },
      120_000,
      "Kyverno",
    );
  } catch (cause) {
    throw new Error(`Kyverno registered no webhooks:\n${owned.log("kyverno")}`, { cause });
  }
  return Buffer.from(found, "base64").toString("utf8");
}

/** Its webhooks are registered a moment before its own certificate is there. */
async function answers(target: Target): Promise<boolean> {
  const client = createClient(target, 1);
  try {
    await client.post("", {});
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

/** Waits for the webhooks that Kyverno makes of the policy, at the URL that is measured directly. */
async function registered({ kubectl }: ApiServer, url: string): Promise<void> {
  const name = "mutatingwebhookconfiguration/kyverno-resource-mutating-webhook-cfg";
  const urls = "jsonpath={.webhooks[*].clientConfig.url}";
  await until(
    async () => (await kubectl(["get", name, "-o", urls])).stdout.split(" ").includes(url),
    60_000,
    "Kyverno's resource webhook",
  );
}
