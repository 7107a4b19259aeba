import {
  type ContextSource,
  createEngine,
  type Evaluation,
  type EvaluationOptions,
  type EvaluationRequest,
  type EvidenceSource,
  type KeySource,
  type Plan,
  type Sources,
  type TrustSource,
  type Verdict,
} from "@assay/engine";
import {
  type Diagnostic,
  type JsonObject,
  type LoadedPolicies,
  loadPolicies,
  type Policy,
  PolicyError,
  parseDocuments,
} from "@assay/policy";
import { contextFromObjects } from "@assay/sources/cluster";
import { type RegistryOptions, registrySource } from "@assay/sources/registry";
import { defaultCredentials } from "./default-credentials.ts";
import { defaultTrust } from "./default-trust.ts";
import { isJsonObject } from "./json-object.ts";

/** A policy file's text, and the name that positions in it are printed with. */
export interface PolicyText {
  readonly text: string;
  readonly file?: string;
}

/** Everything has a safe default but the policies. */
export interface AssayOptions {
  /** YAML or JSON: `ClusterPolicy`, `Policy`, and `PolicyException` documents. */
  readonly policies: string | readonly (string | PolicyText)[];
  /** Where images and what hangs on them are read. Default: their registries, with docker's credentials. */
  readonly source?: EvidenceSource;
  /** For the default source: mirrors, insecure hosts, own `fetch`, limits. */
  readonly registry?: RegistryOptions;
  /** Default: Sigstore's public trust root by TUF, loaded only when a signature needs it. Or the text of a `trusted_root.json`. */
  readonly trust?: TrustSource | { readonly json: string };
  /** ConfigMaps and Secrets that policies read: objects, or YAML text. */
  readonly objects?: readonly (JsonObject | string)[];
  /** Reads ConfigMaps, Secrets and API calls, in place of `objects`. */
  readonly context?: ContextSource;
  /** Reads keys of a KMS. Default: none. */
  readonly keys?: KeySource;
  /** Default: the system's clock. */
  readonly clock?: () => Date;
  /** Values for `{{ NAME }}` in policies, e.g. `ORG`. */
  readonly variables?: JsonObject;
  /** `any`: every signed statement about the digest counts as an image signature, as in Kyverno. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
}

/** Policies, ready to be asked. It keeps what was fetched by digest; a tag is resolved anew for every request. */
export interface Assay {
  readonly policies: readonly Policy[];
  /** What the policies' author should know: ignored fields, rules of other kinds. */
  readonly warnings: readonly Diagnostic[];
  /** Judges one object. Rejects only on a malformed request; what a registry does ends up in the verdict. */
  evaluate(request: EvaluationRequest, options?: EvaluationOptions): Promise<Verdict>;
  /** The same, with times, requests and every answer that was received (for records). */
  evaluation(request: EvaluationRequest, options?: EvaluationOptions): Promise<Evaluation>;
  /** What `evaluate` would ask, and of whom, without asking anybody. */
  plan(request: EvaluationRequest): Plan;
}

/**
 * Loads policies and wires the engine to registries and trust roots.
 * Throws `PolicyError` (with every diagnostic) where a policy cannot be evaluated as written: nothing of it is used.
 */
export function createAssay(options: AssayOptions): Assay {
  return assemble(loadPolicies(filesOf(options.policies)), options);
}

/** `createAssay` for policies that were loaded before. */
export function assemble(
  loaded: Pick<LoadedPolicies, "policies" | "exceptions" | "diagnostics">,
  options: Omit<AssayOptions, "policies">,
): Assay {
  const engine = createEngine({
    policies: loaded.policies,
    exceptions: loaded.exceptions,
    sources: sourcesOf(options),
    clock: options.clock ?? (() => new Date()),
    ...(options.variables === undefined ? {} : { variables: options.variables }),
    ...(options.signaturePredicateTypes === undefined
      ? {}
      : { signaturePredicateTypes: options.signaturePredicateTypes }),
  });
  return {
    policies: loaded.policies,
    warnings: loaded.diagnostics,
    evaluate: async (request, evaluateOptions) => (await engine.evaluate(request, evaluateOptions)).verdict,
    evaluation: (request, evaluateOptions) => engine.evaluate(request, evaluateOptions),
    plan: (request) => engine.plan(request),
  };
}

/** The ports of the engine as `options` fill them. */
export function sourcesOf(options: Omit<AssayOptions, "policies">): Sources {
  const { trust, context, keys, objects } = options;
  return {
    evidence: options.source ?? registrySource({ credentials: defaultCredentials(), ...options.registry }),
    trust: trust === undefined ? defaultTrust() : isTrustSource(trust) ? trust : fixedTrust(trust.json),
    context: context ?? contextFromObjects((objects ?? []).flatMap(objectsOf)),
    ...(keys === undefined ? {} : { keys }),
  };
}

function objectsOf(given: JsonObject | string): readonly JsonObject[] {
  if (typeof given !== "string") return [given];
  const { documents, diagnostics } = parseDocuments({ text: given, file: "objects.yaml" });
  if (diagnostics.some((one) => one.severity === "error")) throw new PolicyError(diagnostics);
  return documents.filter(isJsonObject);
}

function filesOf(policies: AssayOptions["policies"]): readonly PolicyText[] {
  const given = typeof policies === "string" ? [policies] : policies;
  return given.map((policy) => (typeof policy === "string" ? { text: policy } : policy));
}

function isTrustSource(trust: NonNullable<AssayOptions["trust"]>): trust is TrustSource {
  return "fetch" in trust;
}

function fixedTrust(json: string): TrustSource {
  return { fetch: () => Promise.resolve({ ok: true, value: { json } }) };
}
