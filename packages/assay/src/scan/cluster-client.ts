// What `assay scan --cluster` uses of its optional peer, by name: see ../serve/cluster-client.ts.
export { KubeConfig } from "@kubernetes/client-node";
