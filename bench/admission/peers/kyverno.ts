import { type ApiServer, until } from "../../../packages/conformance/src/lanes/cluster/api-server.ts";
import { startKyverno } from "../../../packages/conformance/src/lanes/cluster/kyverno.ts";
import type { Peer, Surroundings } from "./peer.ts";

const NAMESPACE = "bench-kyverno";

/** Kyverno with the chart's defaults: image verification cache on, admission reports on. */
export async function startKyvernoPeer({ options, owned, cluster }: Surroundings): Promise<Peer> {
  const { kyvernoFiles: files } = options;
  if (files === undefined || cluster === undefined)
    throw new Error("Kyverno needs its binary and an API server");
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": NAMESPACE } };
  const { pid, ca, ...kyverno } = await startKyverno({ files, owned, cluster, namespaceSelector });
  const url = `${kyverno.url}/mutate/fail`;
  return {
    name: "Kyverno",
    about: `Kyverno ${files.split("-").at(-1)}, image verification cache on, mutating and validating webhook`,
    url,
    ca,
    pid,
    namespace: NAMESPACE,
    register: (server) => registered(server, url),
  };
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
