import type { AgentOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import type { Target } from "../../packages/conformance/src/lanes/cluster/client.ts";

/** The API server of a kubeconfig's current context, by whatever credentials that names. */
export async function targetOf(kubeconfig: string): Promise<Target> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const url = config.getCurrentCluster()?.server;
  if (url === undefined) throw new Error(`${kubeconfig} names no cluster`);
  const options: { headers?: Record<string, string> } & AgentOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, headers } = options;
  const tls = { ca, cert, key, ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) };
  return { url, tls, headers: Object.fromEntries(Object.entries(headers ?? {})) };
}
