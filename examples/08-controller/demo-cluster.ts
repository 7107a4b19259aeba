import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";

interface Stored {
  readonly metadata: { readonly name?: string; readonly generateName?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** Kinds by the path of their API group, with the plural that stands in addresses. */
const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "/api/v1": { Pod: "pods", ReplicationController: "replicationcontrollers", Namespace: "namespaces" },
  "/apis/apps/v1": {
    Deployment: "deployments",
    StatefulSet: "statefulsets",
    DaemonSet: "daemonsets",
    ReplicaSet: "replicasets",
  },
  "/apis/batch/v1": { Job: "jobs", CronJob: "cronjobs" },
  "/apis/kyverno.io/v1": { ClusterPolicy: "clusterpolicies", Policy: "policies" },
  "/apis/kyverno.io/v2": { PolicyException: "policyexceptions" },
  "/apis/wgpolicyk8s.io/v1alpha2": { PolicyReport: "policyreports" },
};

/** Points `config` at as much of an API server as the controller asks for: lists, watches that stay silent, and writes that are printed. */
export async function demoCluster(config: KubeConfig): Promise<void> {
  const objects = new Map<string, Stored>();
  const put = (path: string, file: string): void => {
    for (const document of parseAllDocuments(readFileSync(new URL(file, import.meta.url), "utf8"))) {
      const object = document.toJS() as Stored;
      const { name } = object.metadata;
      objects.set(`${path}/${name}`, {
        ...object,
        metadata: { ...object.metadata, namespace: "default" },
      });
    }
  };
  put("/apis/kyverno.io/v1/clusterpolicies", "policy.yaml");
  put("/api/v1/namespaces/default/pods", "pods.yaml");
  const server = createServer((request, response) => void serve(objects, request, response));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  // The program ends when the controller stops, whatever is still connected here.
  server.unref();
  server.on("connection", (socket) => socket.unref());
  const { port } = server.address() as AddressInfo;
  config.loadFromOptions({
    clusters: [{ name: "demo", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: "demo" }],
    contexts: [{ name: "demo", cluster: "demo", user: "demo" }],
    currentContext: "demo",
  });
}

async function serve(
  objects: Map<string, Stored>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://cluster");
  const answer = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  if (request.method === "GET") {
    const group = kinds[pathname];
    const found = objects.get(pathname);
    if (searchParams.has("watch")) response.writeHead(200).flushHeaders();
    else if (group !== undefined) answer(200, resourcesOf(group));
    else if (found !== undefined) answer(200, found);
    else if (pathname.includes("/leases/")) answer(404, { kind: "Status", code: 404 });
    else answer(200, { kind: "List", metadata: { resourceVersion: "1" }, items: listed(objects, pathname) });
    return;
  }
  const body = (await json(request)) as Stored;
  const { name = `${body.metadata.generateName}1` } = body.metadata;
  objects.set(request.method === "POST" ? `${pathname}/${name}` : pathname, body);
  if (!pathname.includes("/leases")) console.log(`${body["kind"] ?? "Event"} ${summary(body)}`);
  answer(200, body);
}

function resourcesOf(group: Readonly<Record<string, string>>): object {
  const resources = Object.entries(group).map(([kind, name]) => ({
    name,
    kind,
    namespaced: true,
    verbs: [],
  }));
  return { kind: "APIResourceList", resources };
}

/** Objects of a plural, in all namespaces where the address names none. */
function listed(objects: ReadonlyMap<string, Stored>, pathname: string): readonly Stored[] {
  const plural = pathname.split("/").at(-1);
  return [...objects].filter(([path]) => path.split("/").at(-2) === plural).map(([, object]) => object);
}

function summary({ scope, summary: counts, message }: Stored): string {
  return counts === undefined
    ? String(message)
    : `about ${(scope as Stored)["name"]}: ${JSON.stringify(counts)}`;
}
