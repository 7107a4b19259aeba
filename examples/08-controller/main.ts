// A controller of your own: it follows the cluster's policies, judges what runs there, and writes PolicyReports.
import { fileURLToPath } from "node:url";
import { startController } from "@assay/controller";
import { KubeConfig } from "@kubernetes/client-node";
import { createAssay, layoutSource } from "assay";
import { demoCluster } from "./demo-cluster.ts";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
// Images of a directory, so that this runs anywhere; without `source` they come from their registries.
const source = layoutSource(here("testdata/cosign-images"));

// With KUBECONFIG: your cluster. Without: a stand-in that holds one policy and two Pods, so that this runs anywhere.
const config = new KubeConfig();
if (process.env["KUBECONFIG"] !== undefined) config.loadFromDefault();
else await demoCluster(config);

const text = (document: object): string => JSON.stringify(document);

let scanned = (): void => {};
const finished = new Promise<void>((resolve) => {
  scanned = resolve;
});
const log = (fields: object, message: string): void => {
  console.log(`${message}: ${JSON.stringify(fields)}`);
  if (message === "background scan finished") scanned();
};

const controller = await startController(config, {
  // Called anew whenever a policy or an exception changes; a set that does not load leaves the old one in force.
  build: ({ policies, exceptions }) =>
    createAssay({ policies: policies.map(text), exceptions: exceptions.map(text), source }),
  scan: { election: { namespace: "default", identity: `example-${process.pid}` } },
  logger: { info: log, warn: log, error: log },
});
// `controller.evaluator` is for a webhook in the same process: createWebhookServer(controller.evaluator, { tls }).
await finished;
await controller.stop();
