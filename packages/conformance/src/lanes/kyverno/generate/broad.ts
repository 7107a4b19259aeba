import { type AttestorScope, attestorSet, otherRepository } from "./attestors.ts";
import { about, anyAll, condition, type Pool } from "./conditions.ts";
import { type Context, context, noContext } from "./context.ts";
import { attested, ofImage, requested } from "./expressions.ts";
import { filters } from "./filters.ts";
import { type FailurePolicy, type KyvernoObject, policy } from "./policies.ts";
import { pattern } from "./references.ts";
import { type KeyName, type Scope, types } from "./surroundings.ts";

/** A policy with some of everything. */
export function broadPolicy(scope: Scope, name: string, failurePolicy: FailurePolicy): KyvernoObject {
  const { random } = scope;
  const isNamespaced = random.chance(0.15);
  const action = random.one(["Enforce", "Enforce", "Enforce", "Audit"]);
  const overrides = random.maybe(isNamespaced ? 0 : 0.08, () => overridden(scope));
  const isAudited = action === "Audit" || JSON.stringify(overrides).includes("Audit");
  const controllers = ["none", "Deployment", "Deployment,CronJob", "StatefulSet,Job", "CronJob"];
  return policy(scope, {
    name,
    isNamespaced,
    apiVersion: random.chance(0.9) ? "kyverno.io/v1" : "kyverno.io/v2beta1",
    ...random.maybe(0.2, () => ({ controllers: random.one(controllers) })),
    spec: {
      failurePolicy,
      validationFailureAction: action,
      ...overrides,
      ...random.maybe(0.08, () => ({ applyRules: "One" })),
      rules: random.list([1, 1, 2, 3], (index) => rule(scope, index, { isNamespaced, isAudited })),
    },
  });
}

function overridden({ random, namespace }: Scope): object {
  const override = random.one([
    { action: "Audit", namespaces: ["s*"] },
    { action: "Enforce", namespaces: [namespace] },
    { action: "Audit", namespaceSelector: { matchLabels: { env: "prod" } } },
    { action: "Audit", namespaces: ["x*"] },
  ]);
  return { validationFailureActionOverrides: [override] };
}

/** What its policy says. */
interface Surrounding {
  readonly isNamespaced: boolean;
  /** Kyverno refuses `mutateDigest` where it would change what it only audits. */
  readonly isAudited: boolean;
}

function rule(scope: Scope, index: number, { isNamespaced, isAudited }: Surrounding): object {
  const { random } = scope;
  const at = { ...scope, isClusterWide: !isNamespaced };
  const given = random.chance(0.3) ? context(scope) : noContext;
  const pool: Pool = { expressions: requested, variables: given.variables };
  const preconditions = (): unknown =>
    random.chance(0.85) ? anyAll(random, pool) : [condition(random, pool)];
  const extractors = random.maybe(0.06, () => ({ imageExtractors: random.one(extracting) }));
  // Kyverno refuses to put digests back where an expression made the image.
  const mayPin = !isAudited && !JSON.stringify(extractors).includes("jmesPath");
  return {
    name: `r${index}`,
    match: filters({ ...at, block: "match", isPlain: random.chance(0.75) }),
    ...random.maybe(0.15, () => ({ exclude: filters({ ...at, block: "exclude", isPlain: false }) })),
    ...(given.entries.length > 0 && { context: given.entries }),
    ...random.maybe(0.15, () => ({ preconditions: preconditions() })),
    ...extractors,
    verifyImages: random.list([1, 1, 1, 1, 2], () => verification(scope, given, mayPin)),
  };
}

const extracting: readonly object[] = [
  { Pod: [{ path: "/spec/containers/*/image" }] },
  { Task: [{ path: "/spec/steps/*", value: "image", key: "name", name: "steps" }] },
  {
    Pod: [
      { path: "/spec/initContainers/*", value: "image", key: "name", name: "init" },
      { path: "/metadata/annotations/img" },
    ],
  },
  { Pod: [{ path: "/metadata/annotations/img", name: "ann", jmesPath: "trim_prefix(@, 'docker://')" }] },
  {
    Task: [{ path: "/spec/steps/*/image/" }],
    Pod: [{ path: "/spec/containers/*", value: "image", key: "name" }],
  },
];

function verification(scope: Scope, given: Context, mayPin: boolean): object {
  const { random } = scope;
  const type = random.one(["Cosign", "Cosign", "Cosign", "Cosign", "SigstoreBundle"]);
  const isBundle = type === "SigstoreBundle";
  const isDenying = random.chance(0.08);
  const at: AttestorScope = { ...scope, ...given, isBundle, of: "image" };
  const action = random.chance(0.15) ? random.one(["Audit", "Enforce"]) : undefined;
  const flag = (name: string, share: number): object =>
    random.maybe(share, () => ({ [name]: random.chance(0.5) }));
  const mutateDigest = mayPin && action !== "Audit" ? flag("mutateDigest", 0.3) : { mutateDigest: false };
  return {
    ...(random.chance(0.02) ? inOldWords(scope) : inNewWords(at, isDenying)),
    type,
    ...mutateDigest,
    ...flag("verifyDigest", 0.3),
    ...flag("required", 0.3),
    ...flag("useCache", 0.1),
    ...(action !== undefined && { failureAction: action }),
    ...random.maybe(isBundle ? 0 : 0.05, () => ({ repository: otherRepository(scope) })),
    ...random.maybe(isBundle ? 0 : 0.06, () => ({ annotations: { env: "prod" } })),
    ...random.maybe(0.05, () => ({ imageRegistryCredentials: random.one(credentials) })),
    ...(isDenying && { validate: { message: "denied", deny: { conditions: denied(scope) } } }),
  };
}

/** As policies said it before Kyverno 1.7. */
function inOldWords(scope: Scope): object {
  const { random, names } = scope;
  return { image: pattern(scope), key: names.keys[random.one<KeyName>(["a", "b"])] };
}

function inNewWords(scope: AttestorScope, isDenying: boolean): object {
  const { random } = scope;
  return {
    imageReferences: random.list([1, 2], () => pattern(scope)),
    ...random.maybe(0.12, () => ({ skipImageReferences: [pattern(scope)] })),
    ...signers(scope, isDenying),
  };
}

const credentials: readonly object[] = [{ allowInsecureRegistry: true }, { providers: ["default"] }, {}];

function signers(scope: AttestorScope, isDenying: boolean): object {
  const { random } = scope;
  if (random.chance(0.03)) return {};
  const isAttestedOnly = random.chance(0.1);
  const isAttested = isAttestedOnly || isDenying || random.chance(0.4);
  return {
    ...(!isAttestedOnly && { attestors: random.list([1, 1, 1, 2], () => attestorSet(scope)) }),
    ...(isAttested && { attestations: random.list([1, 1, 2], () => attestation(scope, isDenying)) }),
  };
}

function attestation(scope: AttestorScope, isNamed: boolean): object {
  const { random, variables } = scope;
  const { slsa02, vuln, odd } = types;
  const type = random.one([...Object.values(types), slsa02, vuln, odd, "https://nowhere.example/x"]);
  const conditions = (): object => {
    const expressions = random.one([attested, attested, about(type), random.one([requested, ofImage])]);
    return anyAll(random, { expressions, variables });
  };
  return {
    ...(random.chance(0.92) ? { type } : { predicateType: type }),
    ...random.maybe(isNamed ? 1 : 0.1, () => ({ name: `n${random.below(3)}` })),
    ...random.maybe(0.95, () => ({
      attestors: random.list([1, 1, 1, 2], () => attestorSet({ ...scope, of: "attestation" })),
    })),
    ...random.maybe(0.75, () => ({ conditions: random.list([1, 1, 2], conditions) })),
  };
}

/** Conditions of `validate.deny`, which see attestations by name. */
function denied({ random }: Scope): object {
  const named = ["n0.builder.id", "n0.scanner.uri || ''", "n1.count || `1`", "n0.buildType || 'x'"];
  if (random.chance(0.5))
    return { any: [condition(random, { expressions: [...named, "request.operation", "image.name"] })] };
  return { all: [condition(random, { expressions: ["n0.builder.id || ''", "request.operation", "n2"] })] };
}
