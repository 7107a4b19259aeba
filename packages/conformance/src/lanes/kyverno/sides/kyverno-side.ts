import { setTimeout as sleep } from "node:timers/promises";
import type { ApiServer } from "../../cluster/api-server.ts";
import { type Client, createClient } from "../../cluster/client.ts";
import type { Kyverno } from "../../cluster/kyverno.ts";
import { keyed } from "../generate/attestors.ts";
import type { CaseSet } from "../generate/case-set.ts";
import { podOf, type Workload } from "../generate/objects.ts";
import { type FailurePolicy, inNamespace, type KyvernoObject, policy } from "../generate/policies.ts";
import type { Review } from "../generate/reviews.ts";
import type { Surroundings } from "../generate/surroundings.ts";
import { namespaces } from "../world/objects.ts";
import type { Answer, Failure, Hook, Response } from "./answer.ts";
import { patched } from "./json-patch.ts";

/** The real Kyverno with what it is told. */
export interface KyvernoSide {
  /** What the API server stores of it, or why it is refused. */
  create(object: KyvernoObject): Promise<KyvernoObject | string>;
  remove(object: KyvernoObject): Promise<void>;
  /** Takes away every policy and exception. */
  clear(): Promise<void>;
  /** Resolves when what was created before is in force; `mark` differs from time to time. */
  settle(mark: string): Promise<void>;
  /** Undefined: it closed the connection, as Kyverno does where its own code panics. */
  ask(set: CaseSet, review: Review): Promise<Answer | undefined>;
}

/** Asks it as the API server would. */
export function kyvernoSide(cluster: ApiServer, kyverno: Kyverno, names: Surroundings): KyvernoSide {
  const client = createClient({ url: kyverno.url, tls: { ca: kyverno.ca } }, 4);
  const create: KyvernoSide["create"] = async (object) => {
    const { status, body } = await cluster.request("POST", collection(object), object);
    return status < 300 ? body : String(body.message);
  };
  return {
    create,
    remove: async (object) => {
      await cluster.request("DELETE", `${collection(object)}/${object.metadata.name}`);
    },
    clear: () => clear(cluster),
    settle: async (mark) => {
      const sentinel = sentinelPolicy(names, mark);
      const made = await create(sentinel);
      if (typeof made === "string") throw new Error(made);
      for (let tries = 0; tries < 300; tries++, await sleep(50)) {
        const { allowed, status } = (await post(client, "/mutate/fail", probe(names))) ?? { allowed: true };
        if (!allowed && status?.message?.includes(`${sentinel.metadata.name}:`) === true) return;
      }
      throw new Error(`Kyverno never judged by ${sentinel.metadata.name}`);
    },
    ask: (set, review) => ask(client, set, review),
  };
}

function collection({ apiVersion, kind, metadata }: KyvernoObject): string {
  const base = `/apis/${apiVersion}`;
  if (kind === "ClusterPolicy") return `${base}/clusterpolicies`;
  return `${base}/namespaces/${metadata.namespace}/${kind === "Policy" ? "policies" : "policyexceptions"}`;
}

async function clear({ request }: ApiServer): Promise<void> {
  await request("DELETE", "/apis/kyverno.io/v1/clusterpolicies");
  for (const namespace of namespaces) {
    await request("DELETE", `/apis/kyverno.io/v1/namespaces/${namespace}/policies`);
    await request("DELETE", `/apis/kyverno.io/v2/namespaces/${namespace}/policyexceptions`);
  }
}

/** Denies everything of a namespace that no set is about. */
function sentinelPolicy(names: Surroundings, mark: string): KyvernoObject {
  const scope = { namespace: SENTINEL };
  const verifyImages = [{ imageReferences: ["*"], attestors: keyed({ names }, "c") }];
  const rules = [{ name: "r0", match: inNamespace(scope), verifyImages }];
  const spec = { validationFailureAction: "Enforce", failurePolicy: "Fail", rules } as const;
  return policy(scope, { name: `sentinel-${mark}`, spec });
}

// There is a namespace of this name, and no set is about it.
const SENTINEL = "default";

function probe({ hosts }: Surroundings): Review {
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  const metadata = { name: "probe", namespace: SENTINEL };
  const spec = { containers: [{ name: "c", image: `${hosts[0]}/t/none:v1` }] };
  return {
    ...{ uid: "1", kind, resource, requestKind: kind, requestResource: resource, ...metadata },
    ...{ operation: "CREATE", userInfo: { username: "alice", groups: [] }, dryRun: true, options: null },
    ...{ object: { apiVersion: "v1", kind: "Pod", metadata, spec }, oldObject: null },
  };
}

async function ask(client: Client, set: CaseSet, review: Review): Promise<Answer | undefined> {
  const failures: Record<string, Failure> = {};
  let { object } = review;
  let deniedBy: Hook | undefined;
  for (const [hook, failurePolicy] of calls(set, review)) {
    const response = await post(client, `/${hook}/${failurePolicy.toLowerCase()}`, { ...review, object });
    if (response === undefined) return undefined;
    for (const [rule, says, blocks] of said(response)) failures[rule] ??= { hook, says, blocks };
    if (!response.allowed && hook === "mutate")
      return { ...denied(set, failurePolicy), deniedBy: hook, failures, object };
    if (!response.allowed) deniedBy = hook;
    if (hook === "mutate" && object !== null) object = kept(review, object, patched(object, response.patch));
  }
  return deniedBy === undefined
    ? { allowed: true, failures, object }
    : { allowed: false, deniedBy, failures, object };
}

/** A mutating webhook that denies is the last that is called. */
function denied(set: CaseSet, by: FailurePolicy): Pick<Answer, "allowed" | "unasked"> {
  return { allowed: false, ...(set.failurePolicy === "mixed" && by === "Ignore" && { unasked: "Fail" }) };
}

/**
 * In the order in which the API server calls them. It asks the first mutating one once more where the second has changed
 * something; asked about what it has made itself, it says the same.
 */
function calls(
  { policies, failurePolicy }: CaseSet,
  { operation }: Review,
): readonly (readonly [Hook, FailurePolicy])[] {
  const each = (hook: Hook, all: readonly FailurePolicy[]): readonly (readonly [Hook, FailurePolicy])[] =>
    all.map((one) => [hook, one]);
  // Kyverno registers its mutating webhook for deletions only where a policy names them.
  const isMutated = operation !== "DELETE" || JSON.stringify(policies).includes('"DELETE"');
  if (failurePolicy !== "mixed")
    return [...each("mutate", isMutated ? [failurePolicy] : []), ...each("validate", [failurePolicy])];
  const mutating = each("mutate", isMutated ? ["Ignore", "Fail", "Ignore"] : []);
  return [...mutating, ...each("validate", ["Ignore", "Fail"])];
}

/** The API server keeps of a patch what the subresource is about. */
function kept({ subResource }: Review, before: Workload, after: Workload): Workload {
  if (subResource !== "ephemeralcontainers") return after;
  const whole = structuredClone(before);
  podOf(whole).ephemeralContainers = podOf(after).ephemeralContainers ?? [];
  return whole;
}

async function post(client: Client, path: string, request: Review): Promise<Response | undefined> {
  const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
  const once = () => client.post(`${path}?timeout=30s`, review);
  // Kept-alive connections may have been closed meanwhile.
  const answer = await once().catch(() => once().catch(() => undefined));
  if (answer === undefined) return undefined;
  if (answer.status !== 200) throw new Error(`Kyverno answers ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body).response;
}

/** Each failing rule and its words: those that block from the message, those that only warn from the warnings. */
export function said({
  allowed,
  status,
  warnings = [],
}: Response): readonly (readonly [rule: string, says: string, blocks: boolean])[] {
  // An image that an entry skips is said in a warning, too, and is no failure.
  const warned = warnings.map(warning).filter(([, says]) => !/^'?skipping image reference/.test(says));
  const blocked = allowed ? [] : blocking(status?.message ?? "");
  return [
    ...blocked.map(([rule, says]) => [rule, says, true] as const),
    ...warned.map(([rule, says]) => [rule, says, false] as const),
  ];
}

function warning(text: string): readonly [string, string] {
  const [, name, rule, says] =
    /^policy ([^:]+?)\.((?:autogen-(?:cronjob-)?)?r\d+): ([\s\S]*)$/.exec(text) ?? [];
  return says === undefined ? [`?${text}`, text] : [`${name}/${rule}`, says];
}

function blocking(message: string): readonly (readonly [string, string])[] {
  const [, body] = message.split("due to the following policies \n\n");
  if (body === undefined) return [["?", message]];
  const found: [string, string][] = [];
  let name = "";
  for (const line of body.split("\n")) {
    const rule = /^ {2}([^\s:][^:]*):(.*)$/.exec(line);
    const last = found.at(-1);
    if (/^[^\s:][^:]*:$/.test(line)) name = line.slice(0, -1);
    else if (rule !== null) found.push([`${name}/${rule[1]}`, (rule[2] ?? "").trim()]);
    else if (last !== undefined) last[1] = `${last[1]} ${line.trim()}`.trim();
  }
  return found;
}
