import { keyed } from "./attestors.ts";
import { filters } from "./filters.ts";
import { type Container, type Workload, workloadOf } from "./objects.ts";
import { type FailurePolicy, inNamespace, type KyvernoObject, policy } from "./policies.ts";
import { reference } from "./references.ts";
import { asker, changed, type Review, reviewBy } from "./reviews.ts";
import { type KeyName, type Scope, types } from "./surroundings.ts";

// Policies that meet on the same images: of both failure policies, some that block and some that warn, of the cluster and of
// the namespace. Signatures are simple, so that it decides how the policies go together.

/** One of several policies about the same images. */
export function overlappingPolicy(scope: Scope, name: string): KyvernoObject {
  const { random } = scope;
  const isNamespaced = random.chance(0.3);
  const action = random.one(["Enforce", "Enforce", "Audit"]);
  const overrides = random.maybe(isNamespaced ? 0 : 0.25, () => overridden(scope));
  const isAudited = action === "Audit" || JSON.stringify(overrides).includes("Audit");
  const failurePolicy = random.one<FailurePolicy>(["Fail", "Fail", "Ignore"]);
  return policy(scope, {
    name,
    isNamespaced,
    ...random.maybe(0.15, () => ({ controllers: random.one(["none", "Deployment", "Deployment,CronJob"]) })),
    spec: {
      failurePolicy,
      ...random.maybe(0.85, () => ({ validationFailureAction: action })),
      ...overrides,
      ...random.maybe(0.15, () => ({ applyRules: "One" })),
      ...random.maybe(0.15, () => ({ emitWarning: true })),
      rules: random.list([1, 1, 2], (index) => rule(scope, index, { isNamespaced, mayPin: !isAudited })),
    },
  });
}

function overridden({ random, namespace }: Scope): object {
  const override = (): object =>
    random.one([
      { action: "Audit", namespaces: ["s*"] },
      { action: "Enforce", namespaces: [namespace] },
      { action: "Audit", namespaces: ["x*"] },
      { action: "Enforce", namespaces: ["x*"] },
    ]);
  return { validationFailureActionOverrides: random.list([1, 1, 2], override) };
}

interface Surrounding {
  readonly isNamespaced: boolean;
  /** Kyverno refuses `mutateDigest` where it would change what it only audits. */
  readonly mayPin: boolean;
}

function rule(scope: Scope, index: number, { isNamespaced, mayPin }: Surrounding): object {
  const { random } = scope;
  const at = { ...scope, isClusterWide: !isNamespaced };
  const kinds = random.one([["Pod"], ["Pod"], ["Pod"], ["Pod"], ["Deployment"], ["Pod", "Deployment"]]);
  const named = isNamespaced ? { any: [{ resources: { kinds } }] } : inNamespace(scope, kinds);
  const isWeb = {
    key: "{{ request.object.metadata.labels.app || 'none' }}",
    operator: "Equals",
    value: "web",
  };
  return {
    name: `r${index}`,
    match: random.chance(0.9) ? named : filters({ ...at, block: "match", isPlain: true }),
    ...random.maybe(0.1, () => ({ exclude: filters({ ...at, block: "exclude", isPlain: false }) })),
    ...random.maybe(0.1, () => ({ preconditions: { all: [isWeb] } })),
    verifyImages: random.list([1, 1, 1, 2], () => entry(scope, mayPin)),
  };
}

function entry(scope: Scope, mayPin: boolean): object {
  const { random } = scope;
  const action = random.maybe(0.25, () => ({ failureAction: random.one(["Audit", "Enforce"]) }));
  const flag = (name: string, share: number): object =>
    random.maybe(share, () => ({ [name]: random.chance(0.5) }));
  const pins = mayPin && !JSON.stringify(action).includes("Audit");
  return {
    imageReferences: random.list([1, 1, 2], () => overlapping(scope)),
    ...random.maybe(0.15, () => ({ skipImageReferences: [overlapping(scope)] })),
    type: "Cosign",
    ...signers(scope),
    ...(pins ? flag("mutateDigest", 0.5) : { mutateDigest: false }),
    ...flag("verifyDigest", 0.5),
    ...flag("required", 0.5),
    ...flag("useCache", 0.1),
    ...action,
  };
}

/** Patterns that have images in common. */
function overlapping({ random, names }: Scope): string {
  const [host, other] = names.hosts;
  return random.one([
    ...["*", "*", `${host}/*`, `${host}/t/*`, `${other}/t/a*`, `${host}/t/a*`, "*/t/a:*", "*/t/ab*", "*:v1"],
    ...["*@sha256:*", `${host}/t/a@sha256:*`, "127.0.0.1*", "*/t/???"],
  ]);
}

function signers(scope: Scope): object {
  const { random } = scope;
  const by = (key: KeyName): object => keyed(scope, key)[0] as object;
  const [a, b, c] = [by("a"), by("b"), by("c")] as const;
  const entries = (...sets: readonly object[]): readonly unknown[] =>
    sets.flatMap((set) => (set as { readonly entries: readonly unknown[] }).entries);
  const attestors = random.one<readonly object[]>([
    ...[[a], [a], [a], [a], [b], [c], [a, b]],
    ...[[{ count: 1, entries: entries(a, b) }], [{ count: 2, entries: entries(a, b, c) }]],
  ]);
  const attestation = { type: types.slsa02, attestors: [a] };
  if (random.chance(0.05)) return {};
  if (random.chance(0.08)) return { attestations: [attestation] };
  return { attestors, ...random.maybe(0.08, () => ({ attestations: [attestation] })) };
}

/** Images that the policies' keys have signed, or nobody. */
export function signedReference(scope: Scope): string {
  const { random, names } = scope;
  if (random.chance(0.1)) return reference(scope);
  const repositories = ["t/a", "t/a", "t/a", "t/a", "t/ab", "t/abc", "t/abc", "t/b", "t/none", "t/att"];
  const repository = random.one(repositories);
  const { host, tag, digest } = random.one(names.images.filter((image) => image.repository === repository));
  const name = `${host}/${repository}`;
  return random.one([`${name}:${tag}`, `${name}:${tag}`, `${name}@${digest}`, `${name}:${tag}@${digest}`]);
}

/** An object with a few such images. */
export function signedWorkload(scope: Scope): Workload {
  const { random } = scope;
  const kind = random.one(["Pod", "Pod", "Pod", "Deployment", "Deployment", "StatefulSet", "CronJob", "Job"]);
  const container = (name: string): Container => ({ name, image: signedReference(scope) });
  return workloadOf(scope, kind, () => ({
    ...random.maybe(0.15, () => ({ initContainers: [container("i0")] })),
    containers: [...random.list([1, 1, 2, 3], (index) => container(`c${index}`))],
  }));
}

/** A request about such an object: mostly a new one. */
export function overlappingReview(scope: Scope): Review {
  const { random } = scope;
  const made = signedWorkload(scope);
  const operation = random.one(["CREATE", "CREATE", "CREATE", "UPDATE", "DELETE"] as const);
  const by = asker(scope);
  if (operation === "CREATE") return reviewBy(by, { operation, object: made, oldObject: null });
  const { generateName: _, ...metadata } = made.metadata;
  const oldObject = { ...made, metadata: { name: "gen", ...metadata } };
  if (operation === "DELETE") return reviewBy(by, { operation, object: null, oldObject });
  const object = changed(scope, structuredClone(oldObject), signedReference);
  return reviewBy(by, { operation, object, oldObject });
}
