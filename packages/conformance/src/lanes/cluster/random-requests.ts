import { type Random, randomOf } from "../../random.ts";
import type { ApiServer } from "./api-server.ts";
import type { Checks } from "./checks.ts";

const seed = 20261128;
const steps = 120;
const namespace = "random";

/** An image, and whether the policy about Pods, Deployments and CronJobs lets it in. */
export type JudgedImage = readonly [image: string, isGood: boolean];

interface Kind {
  readonly kind: string;
  readonly apiVersion: string;
  readonly plural: string;
  /** Where its Pod is. */
  readonly pod: readonly string[];
  readonly isJudged: boolean;
}
const template = ["spec", "template", "spec"];
const kinds: readonly Kind[] = [
  { kind: "Pod", apiVersion: "v1", plural: "pods", pod: ["spec"], isJudged: true },
  { kind: "Deployment", apiVersion: "apps/v1", plural: "deployments", pod: template, isJudged: true },
  { kind: "StatefulSet", apiVersion: "apps/v1", plural: "statefulsets", pod: template, isJudged: false },
  {
    ...{ kind: "CronJob", apiVersion: "batch/v1", plural: "cronjobs" },
    ...{ pod: ["spec", "jobTemplate", ...template], isJudged: true },
  },
];

interface Container {
  readonly name: string;
  readonly image: string;
}
interface Attempt {
  readonly method: string;
  /** Behind the object's own. */
  readonly path?: string;
  readonly type?: string;
  readonly body?: object;
  /** Images that come into the object. */
  readonly adds: readonly JudgedImage[];
}

/** Random requests of every form against what is already there; what is stored in the end is compared with a small model. */
export async function randomRequests(
  check: Checks["check"],
  { cluster, images }: { readonly cluster: ApiServer; readonly images: readonly JudgedImage[] },
): Promise<void> {
  const random = randomOf(seed);
  await check(
    `${steps} random requests: what is judged good is stored, pinned, and nothing else`,
    async () => {
      await cluster.request("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
      const made = { stored: 0, denied: 0 };
      for (let step = 0; step < steps; step++) {
        const outcome = await attemptOne({ request: cluster.request, images, random });
        made[outcome]++;
      }
      if (made.stored < steps / 4 || made.denied < steps / 8) throw new Error(JSON.stringify(made));
    },
  );
}

interface World {
  readonly request: ApiServer["request"];
  readonly images: readonly JudgedImage[];
  readonly random: Random;
}

async function attemptOne({ request, images, random }: World): Promise<"stored" | "denied"> {
  const kind = random.one(kinds);
  const name = random.one(["a", "b"]);
  const group = kind.apiVersion.includes("/") ? "apis" : "api";
  const list = `/${group}/${kind.apiVersion}/namespaces/${namespace}/${kind.plural}`;
  const before = await request("GET", `${list}/${name}`);
  const isNew = before.status === 404;
  const attempt = isNew
    ? creation(kind, name, { images, random })
    : change(kind, before.body, { images, random });
  const dryRun = random.chance(0.2) ? "&dryRun=All" : "";
  const to = `${list}${isNew && attempt.method === "POST" ? "" : `/${name}`}${attempt.path ?? ""}`;
  const own = attempt.method === "DELETE" ? "gracePeriodSeconds=0" : "fieldManager=random";
  const query = `?${own}${attempt.type?.includes("apply") ? "&force=true" : ""}${dryRun}`;
  const answer = await request(attempt.method, to + query, attempt.body, attempt.type);
  const after = await request("GET", `${list}/${name}`);
  const said = `${attempt.method} ${to}${query} ${JSON.stringify(attempt.body)}: ${answer.status} ${answer.body.message ?? ""}`;
  const bad = kind.isJudged ? attempt.adds.filter(([, isGood]) => !isGood) : [];
  if (bad.length > 0 !== (answer.status === 403)) throw new Error(said);
  for (const [image] of bad)
    for (const part of ["key:", "check: ", image])
      if (!answer.body.message.includes(part)) throw new Error(said);
  if (answer.status >= 300 && answer.status !== 403) throw new Error(said);
  const isStored = answer.status < 300 && dryRun === "";
  if (!isStored && JSON.stringify(after.body.spec) !== JSON.stringify(before.body.spec))
    throw new Error(`changed: ${said}`);
  if (after.status === 200 && kind.isJudged) checkStored(podOf(kind, after.body), images);
  return answer.status === 403 ? "denied" : "stored";
}

/** Whatever was done to it: what the policy is about is in it by digest, and good. */
function checkStored(pod: PodSpec, images: readonly JudgedImage[]): void {
  const good = images.filter(([, isGood]) => isGood).map(([image]) => image);
  for (const { image } of [...pod.containers, ...(pod.ephemeralContainers ?? [])]) {
    const isKnown = good.some((one) => image === one || image.startsWith(`${one}@sha256:`));
    if (!isKnown || (image.includes("/acme/") && !image.includes("@"))) throw new Error(`stored: ${image}`);
  }
}

interface Choice {
  readonly images: readonly JudgedImage[];
  readonly random: Random;
}

function creation(kind: Kind, name: string, { images, random }: Choice): Attempt {
  const adds = random.chance(0.3) ? [random.one(images), random.one(images)] : [random.one(images)];
  const containers = adds.map(([image], i) => ({ name: `c${i}`, image }));
  const body = objectOf(kind, name, containers);
  return random.chance(0.3)
    ? { method: "PATCH", type: "application/apply-patch+yaml", body, adds }
    : { method: "POST", body, adds };
}

function objectOf({ kind, apiVersion, pod }: Kind, name: string, containers: readonly Container[]): object {
  const labels = { app: "random" };
  const spec = { containers, ...(kind === "CronJob" && { restartPolicy: "Never" }) };
  const whole = nest(pod.slice(1), spec);
  const more: Record<string, object> = {
    Pod: whole,
    CronJob: { schedule: "0 0 * * *", ...whole },
  };
  const workload = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
  return { apiVersion, kind, metadata: { name, namespace, labels }, spec: more[kind] ?? workload };
}

function change(kind: Kind, body: Stored, { images, random }: Choice): Attempt {
  const image = random.one(images);
  const containers = [{ name: "c0", image: image[0] }];
  const merge = "application/merge-patch+json";
  const pointer = `/${kind.pod.join("/")}/containers/0/image`;
  const label = { metadata: { labels: { n: String(random.below(100)) } } };
  const replaced = structuredClone(body);
  (podOf(kind, replaced).containers[0] as { image: string }).image = image[0];
  const attempts: Attempt[] = [
    { method: "DELETE", adds: [] },
    { method: "PATCH", type: merge, body: label, adds: [] },
    { method: "PUT", body: replaced, adds: [image] },
    {
      ...{ method: "PATCH", type: "application/json-patch+json", adds: [image] },
      body: [{ op: "replace", path: pointer, value: image[0] }],
    },
    {
      ...{ method: "PATCH", type: "application/strategic-merge-patch+json", adds: [image] },
      body: nest(kind.pod, { containers }),
    },
    {
      ...{ method: "PATCH", type: "application/apply-patch+yaml", adds: [image] },
      body: { ...headOf(kind, body), ...nest(kind.pod, { containers }) },
    },
  ];
  if (kind.kind === "Deployment")
    attempts.push({
      method: "PATCH",
      path: "/scale",
      type: merge,
      body: { spec: { replicas: 2 } },
      adds: [],
    });
  if (kind.kind === "Pod")
    attempts.push({
      ...{ method: "PATCH", path: "/ephemeralcontainers", type: "application/strategic-merge-patch+json" },
      body: { spec: { ephemeralContainers: [{ name: `e${random.below(1e6)}`, image: image[0] }] } },
      adds: [image],
    });
  return random.one(attempts);
}

function headOf({ kind, apiVersion }: Kind, { metadata }: Stored): object {
  return { apiVersion, kind, metadata: { name: metadata.name } };
}

interface Stored {
  readonly metadata: { readonly name: string };
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
}

function podOf({ pod }: Kind, object: object): PodSpec {
  return pod.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], object) as PodSpec;
}

function nest(path: readonly string[], leaf: object): object {
  return path.reduceRight<object>((inner, step) => ({ [step]: inner }), leaf);
}
