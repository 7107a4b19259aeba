import { keyed } from "./attestors.ts";
import { about, anyAll, condition } from "./conditions.ts";
import { type Context, context, noContext } from "./context.ts";
import { functions, ofImage, requested, rewritten, rewrittenValues } from "./expressions.ts";
import { filters } from "./filters.ts";
import { type FailurePolicy, inNamespace, type KyvernoObject, policy } from "./policies.ts";
import { pattern } from "./references.ts";
import { type Scope, types } from "./surroundings.ts";

// Policies with much of one thing. Nothing else in them can fail, or everything does: so that one thing decides.

/** Verifies any image by a key that signed hardly any: who comes to it fails. */
function failing(scope: Scope): object {
  return { ...judging, attestors: keyed(scope, "c") };
}

const judging = {
  ...{ imageReferences: ["*"], type: "Cosign" },
  ...{ mutateDigest: false, verifyDigest: false, required: false },
};

const enforced = { validationFailureAction: "Enforce", failurePolicy: "Fail" } as const;

/** `match`, `exclude` and the kinds that rules are generated for. */
export function matchPolicy(scope: Scope, name: string): KyvernoObject {
  const { random } = scope;
  const isNamespaced = random.chance(0.2);
  const at = { ...scope, isClusterWide: !isNamespaced };
  const rule = (index: number): object => ({
    name: `r${index}`,
    match: filters({ ...at, block: "match", isPlain: random.chance(0.3) }),
    ...random.maybe(0.6, () => ({ exclude: filters({ ...at, block: "exclude", isPlain: false }) })),
    verifyImages: [failing(scope)],
  });
  return policy(scope, {
    name,
    isNamespaced,
    ...controllers(scope),
    apiVersion: random.one(["kyverno.io/v1", "kyverno.io/v2beta1"]),
    spec: { ...enforced, rules: random.list([1, 1, 2], rule) },
  });
}

/** Everything in the namespace fails but for what an exception lets through. */
export function exceptedPolicy(scope: Scope, name: string): KyvernoObject {
  const { random, namespace } = scope;
  const isNamespaced = random.chance(0.2);
  const namespaces = isNamespaced ? {} : { namespaces: [namespace] };
  const match = { any: [{ resources: { kinds: ["Pod"], ...namespaces } }] };
  const rules = random.list([1, 1, 2], (index) => ({
    name: `r${index}`,
    match,
    verifyImages: [failing(scope)],
  }));
  return policy(scope, { name, isNamespaced, ...controllers(scope), spec: { ...enforced, rules } });
}

function controllers({ random }: Scope): { readonly controllers?: string } {
  return random.maybe(0.3, () => ({
    controllers: random.one([
      ...["none", "Deployment", "Deployment,CronJob", "StatefulSet,Job", "CronJob", "Deployments"],
      ...["DaemonSet,ReplicaSet,Pod", "deployment"],
    ]),
  }));
}

/** One rule that may block, or many that only warn, so that one review asks about all of their conditions. */
export function conditionsPolicy(
  scope: Scope,
  name: string,
  only: { readonly failurePolicy: FailurePolicy } | undefined,
): KyvernoObject {
  const { random } = scope;
  const action = only === undefined ? "Audit" : random.one(["Audit", "Enforce", "Enforce"]);
  const rules = random.list([only === undefined ? 10 : 1], (index) => conditional(scope, index));
  const failurePolicy = only?.failurePolicy ?? "Ignore";
  return policy(scope, { name, spec: { validationFailureAction: action, failurePolicy, rules } });
}

function conditional(scope: Scope, index: number): object {
  const { random } = scope;
  const given = random.chance(0.5) ? context(scope) : noContext;
  const entry = { ...judging, type: random.one(["Cosign", "Cosign", "SigstoreBundle"]) };
  return {
    name: `r${index}`,
    match: inNamespace(scope),
    ...(given.entries.length > 0 && { context: given.entries }),
    ...random.one([ofAttestation, ofAttestation, ofRequest, ofRequest, ofDenial])(scope, given, entry),
  };
}

function ofAttestation(scope: Scope, { variables }: Context, entry: object): object {
  const { random } = scope;
  const type = random.one(predicates);
  const expressions = random.chance(0.85) ? about(type) : random.one([requested, ofImage]);
  const conditions = random.list([1, 1, 2], () => anyAll(random, { expressions, variables }));
  return { verifyImages: [{ ...entry, attestations: [{ type, attestors: keyed(scope, "a"), conditions }] }] };
}

function ofRequest(scope: Scope, { variables }: Context, entry: object): object {
  const { random } = scope;
  const pool = { expressions: [...requested, ...functions], variables };
  return {
    preconditions: random.chance(0.8) ? anyAll(random, pool) : [condition(random, pool)],
    verifyImages: [{ ...entry, attestors: keyed(scope, "c") }],
  };
}

function ofDenial(scope: Scope, { variables }: Context, entry: object): object {
  const { random } = scope;
  const type = random.one(predicates);
  const named = about(type).filter((expression) => /^[a-z]\w*(?:\.[a-z]+)*$/i.test(expression));
  const expressions = [
    ...named.map((expression) => `n0.${expression}`),
    "request.operation",
    "image.name",
    "n0",
  ];
  const conditions = anyAll(random, { expressions, variables });
  const attestations = [{ type, name: "n0", attestors: keyed(scope, "a") }];
  return {
    verifyImages: [{ ...entry, attestations, validate: { message: "denied", deny: { conditions } } }],
  };
}

/** Those that images have, the odd ones more often: they hold a value of every type. */
const predicates = [
  ...[types.slsa02, types.slsa02, types.slsa1, types.vuln, types.vuln, types.spdx, types.custom],
  ...[types.odd, types.odd, types.odd, types.odd],
];

/** A rule for Pods with expressions that have to be rewritten for the kinds that make Pods. */
export function autogenPolicy(scope: Scope, name: string): KyvernoObject {
  const { random, names } = scope;
  const given = random.chance(0.6) ? context(scope) : noContext;
  const one = (): object => rewrittenCondition(scope, given);
  const attested = {
    type: types.slsa02,
    attestors: keyed({ names }, "a"),
    conditions: [{ all: [one()], any: [one(), one()] }],
  };
  const what = random.chance(0.7)
    ? {
        preconditions: random.one([{ all: [one()] }, { any: [one(), one()] }]),
        verifyImages: [failing(scope)],
      }
    : { verifyImages: [{ ...judging, attestations: [attested] }] };
  const rule = {
    name: "r0",
    match: inNamespace(scope),
    ...(given.entries.length > 0 && { context: given.entries }),
    ...what,
  };
  const action = { validationFailureAction: random.one(["Enforce", "Audit"]) };
  return policy(scope, { name, spec: { ...enforced, ...action, rules: [rule] } });
}

function rewrittenCondition({ random }: Scope, { variables }: Context): object {
  const texts = rewritten.map((expression) => `{{ ${expression} }}`);
  const joined = "{{request.object.spec.containers[0].name}}-{{request.object.metadata.labels.app || 'z'}}";
  const others = [...requested, ...variables].map((expression) => `{{ ${expression} }}`);
  return {
    key: random.one([...texts, joined, ...texts, joined, ...others]),
    operator: random.one(["Equals", "NotEquals", "AnyIn", "AllNotIn", "GreaterThan"]),
    value: random.one<unknown>(random.chance(0.7) ? rewrittenValues : texts),
  };
}

/** `imageExtractors`, of the object's kind or of another. */
export function extractorsPolicy(scope: Scope, name: string): KyvernoObject {
  const { random } = scope;
  const kind = random.one(["Pod", "Task", "Task", "Deployment", "CronJob", "Job"]);
  const template = kind === "CronJob" ? "/spec/jobTemplate/spec/template/spec" : "/spec/template/spec";
  const root = kind === "Task" || kind === "Pod" ? "/spec" : template;
  const list = kind === "Task" ? `${root}/steps` : `${root}/containers`;
  const one = (): object => random.one(extractors(root, list));
  const named = ["images.things.c0.name || 'x'", "images.custom || `{}`", "images.*.*.name"];
  const key = random.one([...named, "images.containers.c0.tag || 'x'", "images | keys(@)"]);
  const value = random.one<unknown>([["custom", "things"], "x", "a", "v1", ["containers"], "*"]);
  const asked = { key: `{{ ${key} }}`, operator: random.one(["AnyIn", "AllNotIn", "Equals"]), value };
  const references = random.one([["*"], ["*"], [pattern(scope), pattern(scope)]]);
  const rule = {
    name: "r0",
    match: inNamespace(scope, [kind]),
    imageExtractors: { [kind]: random.list([1, 1, 2], one), ...random.maybe(0.1, () => ({ Pod: [one()] })) },
    ...random.maybe(0.3, () => ({ preconditions: { any: [asked] } })),
    verifyImages: [{ ...failing(scope), imageReferences: references }],
  };
  return policy(scope, { name, spec: { ...enforced, rules: [rule] } });
}

function extractors(root: string, list: string): readonly object[] {
  const annotation = "/metadata/annotations/img";
  return [
    { path: `${list}/*/image` },
    { path: `${list}/*/image`, jmesPath: "split(@, ':')" },
    { path: `${list}/*/image`, jmesPath: "nope" },
    { path: `${list}/*`, value: "image" },
    { path: `${list}/*`, value: "image", key: "name" },
    { path: `${list}/*`, value: "image", key: "name", name: "things" },
    { path: `${list}/*`, value: "image", key: "nope" },
    { path: `${list}/*`, value: "image", key: "image" },
    { path: `${list}/*`, value: "image", jmesPath: "to_lower(@)" },
    { path: `${list}/*`, value: "nope" },
    { path: `${list}/*/name` },
    { path: `${list}/0/image` },
    { path: `${list}/`, value: "image" },
    { path: list },
    { path: `${root}/*/*/image` },
    { path: `${root}/nothing/*`, value: "image" },
    { path: annotation },
    { path: annotation, jmesPath: "trim_prefix(@, 'docker://')" },
    { path: "/metadata/annotations", value: "img" },
    { path: "/metadata/annotations/*" },
    { path: "spec/steps/*/image" },
  ];
}
