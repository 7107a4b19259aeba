import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";

interface StoredObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string };
}

interface StoredEvent {
  readonly involvedObject: object;
  readonly message: string;
  readonly count: number;
}

interface StoredLease {
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly renewTime: string;
  };
}

/** As much of a Kubernetes API server as lists, watches, Events and Leases need, over HTTP on loopback. */
export interface ApiServer {
  readonly config: KubeConfig;
  /** Events that were written, by name. */
  readonly events: ReadonlyMap<string, StoredEvent>;
  /** Stores an object, and tells every watch of its kind. */
  put(object: StoredObject): void;
  remove(object: StoredObject): void;
  /** Ends every watch as an API server does that no longer knows where they were. */
  expireWatches(): void;
  /** Ends every watch as an API server does when its time is up. */
  endWatches(): void;
  /** Writes a line that is no event into every watch, which goes on. */
  garbleWatches(): void;
  /** Writes these bytes into every watch. */
  writeWatches(bytes: string | Uint8Array): void;
  /** How many watches are under way. */
  openWatches(): number;
  /** From now on no watch is answered, not even with a head. */
  hangWatches(): void;
  /** Resolves when `count` Events were written, anew or as one that was counted up. */
  eventWrites(count: number): Promise<void>;
  /** Names of what was deleted by request. */
  readonly deleted: readonly string[];
  /** The Lease of that name, as it was written last. */
  lease(name: string): StoredLease | undefined;
  putLease(name: string, spec: StoredLease["spec"]): void;
  /** From now on no request about a Lease is answered, or all are again. */
  hangLeases(hang: boolean): void;
  /** Answers the next request about a Lease with 500. */
  failLease(): void;
  close(): Promise<void>;
}

/** How one path is answered instead of with what is stored; a status also answers for all that is below. */
export type Answers = Readonly<Record<string, number | readonly object[] | Answer>>;

/** What a list or a write is answered with; undefined: nothing, ever. A deletion is answered after it was called. */
type Answer = (query: URLSearchParams, body: Promise<unknown>) => object | undefined;

const groups: Readonly<Record<string, readonly string[]>> = {
  "/api/v1": ["ConfigMap", "Secret", "Namespace", "Pod", "ReplicationController"],
  "/apis/apps/v1": ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"],
  "/apis/batch/v1": ["Job", "CronJob"],
  "/apis/wgpolicyk8s.io/v1alpha2": ["PolicyReport"],
  "/apis/kyverno.io/v1": ["ClusterPolicy", "Policy"],
  "/apis/kyverno.io/v2": ["PolicyException"],
};

function pluralOf(kind: string): string {
  return kind.toLowerCase().replace(/y?$/, (end) => (end === "y" ? "ies" : "s"));
}

interface OpenWatch {
  readonly plural: string;
  readonly response: ServerResponse;
}

interface WatchEvent {
  readonly version: number;
  readonly plural: string;
  readonly line: string;
}

interface World {
  readonly answers: Answers;
  /** By the last part of the path, then by namespace and name. */
  readonly stored: Map<string, Map<string, object>>;
  readonly watches: Set<OpenWatch>;
  readonly history: WatchEvent[];
  readonly events: Map<string, StoredEvent>;
  readonly deleted: string[];
  readonly leases: Map<string, StoredLease & { readonly metadata: { readonly resourceVersion: string } }>;
  leaseAnswers: "given" | "failing" | "hanging";
  watchAnswers: "given" | "hanging";
  version: number;
  writtenEvents: number;
  onEvent: () => void;
}

export async function apiServer(answers: Answers = {}): Promise<ApiServer> {
  const world: World = {
    answers,
    stored: new Map(),
    watches: new Set(),
    history: [],
    events: new Map(),
    deleted: [],
    leases: new Map(),
    leaseAnswers: "given",
    watchAnswers: "given",
    version: 1,
    writtenEvents: 0,
    onEvent: () => {},
  };
  const server = createServer((request, response) => void respond(request, response, world));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    config: configOf(server),
    events: world.events,
    deleted: world.deleted,
    put: (object) => {
      const objects = kindOf(object, world);
      const type = objects.has(keyOf(object)) ? "MODIFIED" : "ADDED";
      const { uid = `uid-${object.metadata.name}` } = object.metadata;
      const metadata = { ...object.metadata, uid, resourceVersion: `${++world.version}` };
      objects.set(keyOf(object), { ...object, metadata });
      tell(type, { ...object, metadata }, world);
    },
    remove: (object) => {
      kindOf(object, world).delete(keyOf(object));
      const metadata = { ...object.metadata, resourceVersion: `${++world.version}` };
      tell("DELETED", { ...object, metadata }, world);
    },
    expireWatches: () => {
      const object = { kind: "Status", code: 410, reason: "Expired" };
      for (const { response } of world.watches)
        response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      world.watches.clear();
    },
    endWatches: () => {
      for (const { response } of world.watches) response.end();
      world.watches.clear();
    },
    garbleWatches: () => {
      for (const { response } of world.watches) response.write('{"type":"MODIFIED","object":\n');
    },
    writeWatches: (bytes) => {
      for (const { response } of world.watches) response.write(bytes);
    },
    openWatches: () => world.watches.size,
    hangWatches: () => {
      world.watchAnswers = "hanging";
    },
    eventWrites: (count) =>
      new Promise((resolve) => {
        world.onEvent = () => {
          if (world.writtenEvents >= count) resolve();
        };
        world.onEvent();
      }),
    lease: (name) => world.leases.get(name),
    putLease: (name, spec) => {
      storeLease(name, { spec }, world);
    },
    hangLeases: (hang) => {
      world.leaseAnswers = hang ? "hanging" : "given";
    },
    failLease: () => {
      world.leaseAnswers = "failing";
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://api");
  const plural = pathname.split("/").at(-1) ?? "";
  const answer = answerTo(pathname, world.answers);
  if (typeof answer === "number") send(response, answer, { kind: "Status" });
  else if (request.method === "DELETE") {
    world.deleted.push(plural);
    if (typeof answer === "function") answer(searchParams, Promise.resolve());
    send(response, 200, { kind: "Status" });
  } else if (pathname.includes("/leases")) await answerLease(request, response, world);
  else if (pathname.includes("/events")) await answerEvents(request, response, world);
  else if (searchParams.has("watch")) {
    const watch = { plural, response };
    if (world.watchAnswers === "given") {
      response.writeHead(200).flushHeaders();
      const from = Number(searchParams.get("resourceVersion"));
      for (const event of world.history) if (event.version > from) tellOne(event, watch);
    }
    world.watches.add(watch);
    response.on("close", () => world.watches.delete(watch));
  } else if (/^\/apis\/?$/.test(pathname) && answer === undefined) send(response, 200, groupList(world));
  else if (groups[pathname] !== undefined && answer === undefined) {
    const resources = groups[pathname].map((kind) => ({
      name: pluralOf(kind),
      kind,
      namespaced: true,
      verbs: [],
    }));
    const groupVersion = pathname.replace(/^\/apis?\//, "");
    send(response, 200, { kind: "APIResourceList", groupVersion, resources });
  } else if (typeof answer === "function") {
    const body = answer(
      searchParams,
      bodyOf(request).catch(() => undefined),
    );
    if (body !== undefined) send(response, 200, body);
  } else {
    const items = answer ?? [...(world.stored.get(plural)?.values() ?? [])];
    send(response, 200, { kind: "List", metadata: { resourceVersion: `${world.version}` }, items });
  }
}

function answerTo(path: string, answers: Answers): Answers[string] | undefined {
  const above = Object.keys(answers).find(
    (one) => typeof answers[one] === "number" && path.startsWith(`${one}/`),
  );
  return answers[path] ?? (above === undefined ? undefined : answers[above]);
}

/** The groups whose path is not answered as missing. */
function groupList({ answers }: World): object {
  const paths = Object.keys(groups).filter((path) => path.startsWith("/apis/") && answers[path] !== 404);
  const list = paths.map((path) => {
    const [name = "", version = ""] = path.split("/").slice(2);
    const served = { groupVersion: `${name}/${version}`, version };
    return { name, versions: [served], preferredVersion: served };
  });
  return { kind: "APIGroupList", apiVersion: "v1", groups: list };
}

/** An Event is created, read, or replaced. */
async function answerEvents(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const { events } = world;
  if (request.method === "GET") {
    const known = events.get(new URL(request.url ?? "/", "http://api").pathname.split("/").at(-1) ?? "");
    return send(response, known === undefined ? 404 : 200, known ?? { kind: "Status" });
  }
  const event = await bodyOf(request);
  if (request.method === "POST" && events.has(event.metadata.name))
    return send(response, 409, { kind: "Status", reason: "AlreadyExists" });
  events.set(event.metadata.name, event);
  send(response, 200, event);
  world.writtenEvents++;
  world.onEvent();
}

/** A Lease is created, read, or replaced by who read it last. */
async function answerLease(request: IncomingMessage, response: ServerResponse, world: World): Promise<void> {
  const body = request.method === "GET" ? undefined : await bodyOf(request);
  const { leaseAnswers, leases } = world;
  if (leaseAnswers === "hanging") return;
  if (leaseAnswers === "failing") {
    world.leaseAnswers = "given";
    return send(response, 500, { kind: "Status" });
  }
  const name = body?.metadata.name ?? new URL(request.url ?? "/", "http://api").pathname.split("/").at(-1);
  const known = leases.get(name);
  if (body === undefined) return send(response, known ? 200 : 404, known ?? { kind: "Status" });
  if (known !== undefined && known.metadata.resourceVersion !== body.metadata.resourceVersion)
    return send(response, 409, { kind: "Status", reason: "Conflict" });
  send(response, 200, storeLease(name, body, world));
}

function storeLease(name: string, { spec }: StoredLease, world: World): object {
  const lease = { spec, metadata: { name, resourceVersion: `${++world.version}` } };
  world.leases.set(name, lease);
  return lease;
}

async function bodyOf(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function tell(type: string, object: StoredObject, { watches, history, version }: World): void {
  const event = { version, plural: pluralOf(object.kind), line: `${JSON.stringify({ type, object })}\n` };
  history.push(event);
  for (const watch of watches) tellOne(event, watch);
}

function tellOne(event: WatchEvent, watch: OpenWatch): void {
  if (event.plural === watch.plural) watch.response.write(event.line);
}

function kindOf({ kind }: StoredObject, { stored }: World): Map<string, object> {
  const plural = pluralOf(kind);
  const found = stored.get(plural) ?? new Map<string, object>();
  stored.set(plural, found);
  return found;
}

function keyOf({ metadata }: StoredObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function configOf(server: Server): KubeConfig {
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromOptions({
    clusters: [{ name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: "u" }],
    contexts: [{ name: "x", cluster: "c", user: "u" }],
    currentContext: "x",
  });
  return config;
}
