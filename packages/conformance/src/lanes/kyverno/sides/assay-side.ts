import { readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { join } from "node:path";
import type { Evaluator, Verdict } from "@assay/engine";
import { kubernetesContext } from "@assay/sources/cluster";
import { admissionHandler } from "@assay/webhook";
import { createAssay } from "assay";
import type { CaseSet } from "../generate/case-set.ts";
import type { Review } from "../generate/reviews.ts";
import { namespaceLabels, rolesOf } from "../world/objects.ts";
import type { World } from "../world/world.ts";
import type { Answer, Failure, Hook, Response } from "./answer.ts";
import { patched } from "./json-patch.ts";

/** assay with some policies. */
export interface AssaySide {
  ask(review: Review): Promise<Answer>;
}

/** What it is given of a set. */
export type Given = Pick<CaseSet, "policies" | "exceptions">;

/** assay in this process, reading the same API server as Kyverno. Throws `PolicyError` for what it does not take. */
export function assaySide({ cluster, trust }: World, { policies, exceptions }: Given): AssaySide {
  const text = (object: object): string => JSON.stringify(object);
  const assay = createAssay({
    policies: policies.map(text),
    exceptions: exceptions.map(text),
    context: kubernetesContext({ config: adminOf(cluster) }),
    trust,
  });
  return { ask: (review) => ask(assay, review) };
}

function adminOf({ url, directory, caFile }: World["cluster"]): {
  getCurrentCluster(): { readonly server: string };
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
} {
  const file = (name: string): Buffer => readFileSync(join(directory, name));
  return {
    getCurrentCluster: () => ({ server: url }),
    applyToHTTPSOptions: async (options) => {
      Object.assign(options, { ca: readFileSync(caFile), cert: file("admin.crt"), key: file("admin.key") });
    },
  };
}

async function ask(assay: Evaluator, review: Review): Promise<Answer> {
  const verdicts: Verdict[] = [];
  const evaluator: Evaluator = {
    evaluate: async (request, options) => {
      // Who has which roles is the caller's to say; Kyverno reads the bindings.
      const userInfo = { ...request.userInfo, ...rolesOf(review.userInfo) };
      const verdict = await assay.evaluate({ ...request, userInfo }, options);
      verdicts.push(verdict);
      return verdict;
    },
  };
  const handle = admissionHandler(evaluator, { namespaceLabels });
  const failures: Record<string, Failure> = {};
  const verified: { rule: string; image: string }[] = [];
  let { object } = review;
  for (const hook of hooksOf(review)) {
    const response = await post(handle, hook, { ...review, object });
    const verdict = verdicts.pop();
    for (const [rule, failure] of failing(verdict, hook)) failures[rule] ??= failure;
    verified.push(...verifiedIn(verdict));
    if (!response.allowed) return { allowed: false, deniedBy: hook, failures, object, verified };
    if (object !== null && hook === "mutate") object = patched(object, response.patch);
    if (hook === "validate") return { allowed: true, failures, object, verified };
  }
  throw new Error("the validating webhook comes last");
}

/** A deletion changes nothing. */
function hooksOf({ operation }: Review): readonly Hook[] {
  return operation === "DELETE" ? ["validate"] : ["mutate", "validate"];
}

async function post(
  handle: (request: Request) => Promise<globalThis.Response>,
  hook: Hook,
  request: Review,
): Promise<Response> {
  const body = JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
  const headers = { "content-type": "application/json" };
  const answer = await handle(
    new Request(`https://assay.test/${hook}?timeout=30s`, { method: "POST", headers, body }),
  );
  const { response } = (await answer.json()) as { readonly response: Response };
  return response;
}

function failing(verdict: Verdict | undefined, hook: Hook): readonly (readonly [string, Failure])[] {
  const results = verdict?.results ?? [];
  return results
    .filter(({ outcome }) => outcome !== "pass" && outcome !== "skip")
    .map(({ policy, rule, outcome, code, message, failureAction, image }) => {
      const says = `${outcome} ${code} (${failureAction})${image === undefined ? "" : ` ${image}`}: ${message}`;
      const blocks = outcome === "error" || failureAction === "Enforce";
      return [ruleName(policy, rule), { hook, says, code, blocks }];
    });
}

function verifiedIn(
  verdict: Verdict | undefined,
): readonly { readonly rule: string; readonly image: string }[] {
  return (verdict?.results ?? []).flatMap(({ policy, rule, outcome, image }) =>
    outcome === "pass" && image !== undefined ? [{ rule: ruleName(policy, rule), image }] : [],
  );
}

/** As Kyverno says it, without the namespace of a Policy. */
function ruleName(policy: string, rule: string): string {
  return `${policy.split("/").at(-1)}/${rule}`;
}
