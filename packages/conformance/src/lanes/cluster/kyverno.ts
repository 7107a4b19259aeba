import { join } from "node:path";
import { must } from "./answers.ts";
import { type ApiServer, freePort, until } from "./api-server.ts";
import { createClient, type Target } from "./client.ts";
import type { Owned } from "./owned.ts";

/** What Kyverno is started with. */
export interface KyvernoSettings {
  /** What `kyverno-build.sh` prints. */
  readonly files: string;
  /** Its definitions are there. */
  readonly cluster: ApiServer;
  readonly owned: Owned;
  /** Whose objects the API server sends to it. */
  readonly namespaceSelector: object;
  /** What it never judges. Default: what the chart says. */
  readonly resourceFilters?: string;
  /** Beside those without which it does not start. */
  readonly flags?: readonly string[];
  /** Beside what the chart sets. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Kyverno's admission controller, which serves. */
export interface Kyverno {
  readonly pid: number;
  /** Its reviews are posted to `/mutate/fail`, `/validate/ignore` and so on below it. */
  readonly url: string;
  /** PEM text of the authority of its certificate. */
  readonly ca: string;
}

/**
 * Kyverno's admission controller outside the cluster, with the chart's defaults. It makes its own certificate and registers
 * its own webhooks.
 */
export async function startKyverno(settings: KyvernoSettings): Promise<Kyverno> {
  const { files, cluster, owned, flags = [], env: more = {} } = settings;
  await prepare(settings);
  const port = await freePort();
  const command = [join(files, "kyverno"), ...(await kyvernoFlags(cluster, port)), ...flags];
  // By this it reads Secrets of keys; by the flag, everything else.
  const env = { ...environment, KUBECONFIG: cluster.kubeconfig("kyverno"), ...more };
  const pid = owned.start("kyverno", command, env);
  const ca = await authority(cluster, owned);
  const url = `https://127.0.0.1:${port}`;
  await until(
    () => answers({ url: `${url}/mutate/fail`, tls: { ca } }),
    60_000,
    "Kyverno's serving certificate",
  );
  return { pid, url, ca };
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
async function prepare(settings: KyvernoSettings): Promise<void> {
  const { cluster, namespaceSelector, resourceFilters = RESOURCE_FILTERS } = settings;
  const here = { namespace: "kyverno" };
  const data = {
    enableDefaultRegistryMutation: "true",
    defaultRegistry: "docker.io",
    generateSuccessEvents: "false",
    excludeGroups: "system:nodes",
    resourceFilters,
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
  await must(
    cluster.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })),
  );
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
