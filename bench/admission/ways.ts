import {
  type Client,
  createClient,
  type Target,
} from "../../packages/conformance/src/lanes/cluster/client.ts";
import type { Case } from "./cases.ts";
import type { Peer } from "./peers/peer.ts";

/** How an admission is asked for. */
export interface Way {
  readonly name: "direct" | "API server";
  readonly title: string;
  /** Requests a round. */
  readonly count: number;
  connect(peer: Peer, connections: number): Connection;
}

/** Asks for one admission and throws where the answer is not what the case demands. */
export interface Connection {
  admit(one: Case): Promise<void>;
  close(): void;
}

/** AdmissionReviews sent to the mutating webhook itself: one call, with nothing else in the figures. */
export function direct(count: number): Way {
  const title = `${count} AdmissionReviews a round, sent to the mutating webhook itself (one call an admission)`;
  return {
    name: "direct",
    title,
    count,
    connect: (peer, connections) => {
      const client = createClient({ url: peer.url, tls: { ca: peer.ca } }, connections);
      return connection(client, async (one) => {
        const { body } = await client.post("?timeout=10s", review(peer.namespace, one.image()));
        const { response } = JSON.parse(body) as { response?: { allowed: boolean; patch?: string } };
        const patch = Buffer.from(response?.patch ?? "", "base64").toString("utf8");
        return { allowed: response?.allowed === true, pinned: patch.includes("@sha256:"), answer: body };
      });
    },
  };
}

/** Server-side dry-run creations: every webhook call that an admission takes, and the API server's own work. */
export function throughApiServer(count: number, target: Target): Way {
  const title = `${count} server-side dry-run Pod creations a round, through the API server (every registered call)`;
  return {
    name: "API server",
    title,
    count,
    connect: (peer, connections) => {
      const client = createClient(target, connections);
      const path = `/api/v1/namespaces/${peer.namespace}/pods?dryRun=All`;
      let made = 0;
      return connection(client, async (one) => {
        const { status, body } = await client.post(path, pod(`p-${made++}`, one.image()));
        // Kyverno's denials are 400, assay's 403. Anything else is a failure, not a verdict.
        const decided =
          status === 201 || (/denied the request/.test(body) && (status === 400 || status === 403));
        if (!decided) throw new Error(`${peer.name}, ${one.name}: ${status} ${body}`);
        return { allowed: status === 201, pinned: body.includes("@sha256:"), answer: body };
      });
    },
  };
}

interface Answered {
  readonly allowed: boolean;
  readonly pinned: boolean;
  readonly answer: string;
}

function connection(client: Client, ask: (one: Case) => Promise<Answered>): Connection {
  return {
    admit: async (one) => {
      const { allowed, pinned, answer } = await ask(one);
      if (allowed !== one.allowed || (one.pinned && !pinned)) {
        throw new Error(`${one.name}: should be ${one.allowed ? "allowed" : "denied"}: ${answer}`);
      }
    },
    close: client.close,
  };
}

/** What an API server sends for a dry run, so that no peer writes reports of what was never created. */
function review(namespace: string, image: string): object {
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "00000000-0000-4000-8000-000000000000",
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: "bench",
      namespace,
      operation: "CREATE",
      userInfo: { username: "bench", groups: ["system:authenticated"] },
      object: { ...pod("bench", image), metadata: { name: "bench", namespace } },
      oldObject: null,
      dryRun: true,
      options: { apiVersion: "meta.k8s.io/v1", kind: "CreateOptions", dryRun: ["All"] },
    },
  };
}

function pod(name: string, image: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "app", image }] },
  };
}
