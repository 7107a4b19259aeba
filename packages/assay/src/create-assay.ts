import {
  createEngine,
  EngineError,
  type Evaluation,
  type EvaluationOptions,
  type EvaluationRecord,
  type EvaluationRequest,
  type Plan,
  type RecordedFile,
  recordOf,
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
import { pullSecretCredentials } from "@assay/sources/credentials";
import { registrySource } from "@assay/sources/registry";
import { AssayError } from "./assay-error.ts";
import type { AssayOptions, PolicyText } from "./assay-options.ts";
import { checkOptions } from "./check-options.ts";
import { defaultCredentials } from "./default-credentials.ts";
import { defaultKeys } from "./default-keys.ts";
import { defaultLog } from "./default-log.ts";
import { defaultTrust } from "./default-trust.ts";
import { isJsonObject } from "./json-object.ts";

/** Policies, ready to be asked. It keeps what was fetched by digest; what a tag points to, while the evaluation that asked runs. */
export interface Assay {
  readonly policies: readonly Policy[];
  /** What the policies' author should know: ignored fields, rules of other kinds. */
  readonly warnings: readonly Diagnostic[];
  /** Judges one object. Rejects only on a malformed request; what a registry does ends up in the verdict. */
  evaluate(request: EvaluationRequest, options?: EvaluationOptions): Promise<Verdict>;
  /** The same, with times, requests and every answer that was received (for records). */
  evaluation(request: EvaluationRequest, options?: EvaluationOptions): Promise<Evaluation>;
  /**
   * The same as a record: policies, request, every answer, trust root and clock, with which `replay` comes to the same
   * verdict without network. Secrets that were asked for are in it.
   */
  record(request: EvaluationRequest, options?: EvaluationOptions): Promise<EvaluationRecord>;
  /** What `evaluate` would ask, and of whom, without asking anybody. */
  plan(request: EvaluationRequest): Plan;
}

/**
 * Loads policies and wires the engine to registries and trust roots.
 * Throws `PolicyError` with every diagnostic where a policy cannot be evaluated as written, and `AssayError` for an option
 * that is none, and where there is no policy: an assay without policies would allow everything. (An empty list is taken at
 * its word.)
 */
export function createAssay(options: AssayOptions): Assay {
  if (options?.policies === undefined) {
    throw new AssayError("invalidPolicy", "no policies are given", {
      hint: "give their text: createAssay({ policies: text, … })",
    });
  }
  checkOptions(options);
  const policies = filesOf(options.policies, "policy");
  const files = [...policies, ...filesOf(options.exceptions ?? [], "exception")];
  const loaded = loadPolicies(files);
  if (loaded.policies.length === 0 && policies.length > 0) throw noPolicyIn(policies, loaded);
  try {
    return assemble(loaded, options, files);
  } catch (error) {
    const found = diagnosticsOf(error);
    throw found === undefined ? error : new PolicyError([...loaded.diagnostics, ...found]);
  }
}

/** What only the engine found wrong (keys, regexps), as if it had been found when the policies were loaded. */
export function diagnosticsOf(error: unknown): readonly Diagnostic[] | undefined {
  if (!(error instanceof EngineError)) return undefined;
  const found = error.problems.flatMap(diagnosticOf);
  return found.length === 0 ? undefined : found;
}

function diagnosticOf({ source, path = "", message }: EngineError): readonly Diagnostic[] {
  if (source === undefined) return [];
  const said = message.replace(`${source.file}:${source.line}:${source.column}: `, "");
  return [{ severity: "error", code: "badValue", message: said, source, path }];
}

/** Says that these files hold no policy, which would allow everything, and what to do. */
export function noPolicyIn(
  files: readonly { readonly file: string }[],
  { exceptions }: Pick<LoadedPolicies, "exceptions">,
): AssayError {
  const names = files.slice(0, 5).map(({ file }) => `\`${file}\``);
  const only = exceptions.length === 0 ? "" : ", only PolicyExceptions, which by themselves allow everything";
  return new AssayError("invalidPolicy", `there is no policy in ${names.join(", ")}${only}`, {
    hint:
      exceptions.length === 0
        ? "a policy is a document of kind ClusterPolicy or Policy, apiVersion kyverno.io/v1"
        : "add the policies that they are exceptions from; where there may be none, give `policies: []` and these as `exceptions`",
  });
}

/** `createAssay` for policies that were loaded before; `files` are their texts, for records. */
export function assemble(
  loaded: Pick<LoadedPolicies, "policies" | "exceptions" | "diagnostics">,
  options: Omit<AssayOptions, "policies" | "exceptions">,
  files: readonly RecordedFile[] = [],
): Assay {
  const { variables, signaturePredicateTypes, logLookup } = options;
  const settings = {
    ...(variables === undefined ? {} : { variables }),
    ...(signaturePredicateTypes === undefined ? {} : { signaturePredicateTypes }),
    ...(logLookup === undefined ? {} : { logLookup }),
  };
  const engine = createEngine({
    policies: loaded.policies,
    exceptions: loaded.exceptions,
    sources: sourcesOf(options),
    clock: options.clock ?? (() => new Date()),
    ...settings,
  });
  return {
    policies: loaded.policies,
    warnings: loaded.diagnostics,
    evaluate: async (request, limits) => (await engine.evaluate(request, limits)).verdict,
    evaluation: (request, limits) => engine.evaluate(request, limits),
    record: async (request, limits) =>
      recordOf(await engine.evaluate(request, { ...limits, remember: false }), {
        policies: files,
        options: settings,
        request,
      }),
    plan: (request) => engine.plan(request),
  };
}

/** The ports of the engine as `options` fill them. */
export function sourcesOf(options: Omit<AssayOptions, "policies" | "exceptions">): Sources {
  const { trust, context, keys, objects } = options;
  const reads = context ?? contextFromObjects((objects ?? []).flatMap(objectsOf));
  const { registry = {} } = options;
  // Pull secrets that Pods and policies name go first, as with kubelet and Kyverno.
  const credentials = [pullSecretCredentials(reads), ...(registry.credentials ?? defaultCredentials())];
  return {
    evidence: options.source ?? registrySource({ ...registry, credentials }),
    trust: trust === undefined ? defaultTrust() : isTrustSource(trust) ? trust : fixedTrust(trust.json),
    context: reads,
    keys: keys ?? defaultKeys(reads),
    log: options.log ?? defaultLog(),
  };
}

/** The options that make up these ports again: for sources that were wrapped. */
export function optionsOf({
  evidence,
  context,
  trust,
  keys,
  log,
}: Sources): Pick<AssayOptions, "source" | "context" | "trust" | "keys" | "log"> {
  return {
    source: evidence,
    ...(context === undefined ? {} : { context }),
    ...(trust === undefined ? {} : { trust }),
    ...(keys === undefined ? {} : { keys }),
    ...(log === undefined ? {} : { log }),
  };
}

function objectsOf(given: JsonObject | string): readonly JsonObject[] {
  if (typeof given !== "string") return [given];
  const { documents, diagnostics } = parseDocuments({ text: given, file: "objects.yaml" });
  if (diagnostics.some((one) => one.severity === "error")) throw new PolicyError(diagnostics);
  if (documents.length > 0 && documents.every(isJsonObject)) return documents;
  const what = documents.length === 0 ? "no object" : "something else than objects";
  throw new AssayError("invalidDocument", `a text of \`objects\` holds ${what}`, {
    hint: 'a file is read as text with `readFileSync(path, "utf8")`',
  });
}

function filesOf(texts: AssayOptions["policies"], name: string): readonly RecordedFile[] {
  const given = typeof texts === "string" ? [texts] : texts;
  if (!Array.isArray(given)) throw notText(name);
  return given.map((one: string | PolicyText, i) => {
    const file = i === 0 ? `${name}.yaml` : `${name}-${i + 1}.yaml`;
    const read = typeof one === "string" ? { file, text: one } : { file, ...one };
    if (typeof read.text !== "string" || FILE_NAME.test(read.text.trim())) throw notText(name);
    return read;
  });
}

/** One line that is no YAML mapping and ends as the names of policy files do. */
const FILE_NAME = /^[^\n{:]{1,4096}\.(ya?ml|json)$/i;

/** An object that was parsed, bytes, or the name of a file: positions are those of a text. */
function notText(name: string): AssayError {
  return new AssayError("invalidPolicy", `a ${name} is neither YAML text nor \`{ text, file }\``, {
    hint: 'a file is read as text with `readFileSync(path, "utf8")`, an object becomes text by `JSON.stringify`',
  });
}

function isTrustSource(trust: NonNullable<AssayOptions["trust"]>): trust is TrustSource {
  return "fetch" in trust;
}

function fixedTrust(json: string): TrustSource {
  return { fetch: () => Promise.resolve({ ok: true, value: { json } }) };
}
