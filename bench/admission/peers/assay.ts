import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { webhookConfigurations } from "@assay/webhook";
import { buildImage } from "../../../packages/conformance/src/image/image.ts";
import { must } from "../../../packages/conformance/src/lanes/cluster/answers.ts";
import { type ApiServer, freePort } from "../../../packages/conformance/src/lanes/cluster/api-server.ts";
import { type Options, root } from "../options.ts";
import type { Peer, Surroundings } from "./peer.ts";

const NAMESPACE = "bench-assay";
/** Serving certificate of the webhook package's own tests, for a run without an API server. */
const spare = {
  certFile: join(root, "packages/webhook/testdata/first.crt"),
  keyFile: join(root, "packages/webhook/testdata/first.key"),
};

/** What the image of `deploy/` runs, in a process of its own. */
export async function startAssay({ options, owned, cluster, policy }: Surroundings): Promise<Peer> {
  const image = buildImage(join(owned.directory, "image"));
  const { certFile, keyFile } = cluster?.servingCertificate("assay") ?? spare;
  const port = await freePort();
  const file = join(owned.directory, "policy.json");
  writeFileSync(file, JSON.stringify(policy));
  const policies =
    cluster === undefined || options.fromFiles
      ? [file]
      : ["--cluster", `--kubeconfig=${cluster.kubeconfig("assay")}`];
  const flags = [`--tls-cert=${certFile}`, `--tls-key=${keyFile}`, `--port=${port}`, "--host=127.0.0.1"];
  const pid = owned.start("assay", [...image.assay, "serve", ...policies, ...flags], image.env);
  const from = policies.length === 1 ? "a policy file" : "the cluster's policies (--cluster)";
  const calls = options.mutatingOnly ? "mutating" : "mutating and validating";
  const ca = readFileSync(cluster?.caFile ?? certFile, "utf8");
  const url = `https://127.0.0.1:${port}`;
  return {
    name: "assay",
    about: `assay serve, bundled and with the environment as deploy/Dockerfile does, ${from}, ${calls} webhook, node ${process.version}`,
    url: `${url}/mutate`,
    ca,
    pid,
    namespace: NAMESPACE,
    register: (server) => register(server, { url, ca }, options),
  };
}

/** Both configurations, as `assay serve --print-webhooks` prints them and `deploy/` ships them. */
async function register(
  { kubectl }: ApiServer,
  { url, ca }: { readonly url: string; readonly ca: string },
  { mutatingOnly }: Options,
): Promise<void> {
  const policies = [{ failurePolicy: "Fail", webhookTimeoutSeconds: 10, rules: [] }] as const;
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": NAMESPACE } };
  const items = webhookConfigurations(policies, { client: { url }, caBundle: ca })
    .filter(({ kind }) => kind === "MutatingWebhookConfiguration" || !mutatingOnly)
    .map((each) => ({ ...each, webhooks: each.webhooks.map((hook) => ({ ...hook, namespaceSelector })) }));
  await must(kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items })));
}
