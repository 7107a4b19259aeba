import type { Json, JsonObject } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import { isJsonObject, ownField } from "../json-object.ts";

/** What a test expects of one rule and one resource, in Kyverno's words. */
export type ExpectedResult = "pass" | "fail" | "skip" | "warn" | "error";

/** One row of `results`: a policy's rule, and the resources for which `result` is expected. */
export interface Expectation {
  /** `name`, or `namespace/name` of a `Policy`. */
  readonly policy: string;
  /** Absent: every rule of the policy. */
  readonly rule?: string;
  readonly kind?: string;
  /** `name` or `namespace/name`. */
  readonly resources: readonly string[];
  readonly result: ExpectedResult;
  /** File with the resource as it must look once images are pinned. */
  readonly patchedResource?: string;
}

/** Values that stand in for what a cluster would know. */
export interface TestValues {
  readonly global: JsonObject;
  /** By policy name, then rule name. */
  readonly rules: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>;
  /** By policy name, then resource name. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, JsonObject>>;
  readonly namespaceLabels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** A `kyverno-test.yaml` (`cli.kyverno.io/v1alpha1`, kind `Test`). Paths are relative to the file. */
export interface TestFile {
  readonly name: string;
  readonly policies: readonly string[];
  readonly resources: readonly string[];
  /** Objects that policies may read: ConfigMaps, Secrets. */
  readonly clusterResources: readonly string[];
  readonly exceptions: readonly string[];
  readonly variables?: string;
  readonly userInfo?: string;
  readonly values: TestValues;
  readonly expectations: readonly Expectation[];
  /** Ours, as annotations `assay.dev/layout`, `assay.dev/trusted-root`, `assay.dev/now`: Kyverno ignores them. */
  readonly layout?: string;
  readonly trustedRoot?: string;
  readonly now?: string;
}

const RESULTS: ReadonlySet<string> = new Set(["pass", "fail", "skip", "warn", "error"]);
/** Fields of Kyverno's that ask for what image verification has no part in. */
const UNSUPPORTED = ["checks", "jsonPayload", "jsonPayloads", "targetResources", "paramResources", "context"];
const FIELDS = new Set([
  ...["apiVersion", "kind", "metadata", "name", "policies", "resources", "clusterResources", "exceptions"],
  ...["variables", "userinfo", "values", "results"],
]);

/** True where a document is a Kyverno CLI test. */
export function isTestDocument(document: Json): boolean {
  return (
    isJsonObject(document) &&
    ownField(document, "kind") === "Test" &&
    isKyvernoCli(ownField(document, "apiVersion"))
  );
}

/** Reads a test document; a field that assay does not know, or cannot honour, is an error: a test must not be hollow. */
export function readTestFile(document: Json, file: string): TestFile {
  if (!isJsonObject(document)) throw invalid(file, "is not a Kyverno test");
  const unsupported = UNSUPPORTED.find((field) => ownField(document, field) !== undefined);
  if (unsupported !== undefined)
    throw invalid(file, `\`${unsupported}\` says nothing about images and is not supported`);
  const unknown = Object.keys(document).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid(file, `unknown field \`${unknown}\``);
  const metadata = object(ownField(document, "metadata") ?? {}, file, "metadata");
  const annotations = object(ownField(metadata, "annotations") ?? {}, file, "metadata.annotations");
  const expectations = list(ownField(document, "results"), file, "results").map((entry, i) =>
    readExpectation(entry, file, `results[${i}]`),
  );
  if (expectations.length === 0) throw invalid(file, "has no `results`: it would test nothing");
  return {
    name: text(ownField(metadata, "name") ?? ownField(document, "name")) ?? file,
    policies: texts(ownField(document, "policies"), file, "policies"),
    resources: texts(ownField(document, "resources"), file, "resources"),
    clusterResources: texts(ownField(document, "clusterResources"), file, "clusterResources"),
    exceptions: texts(ownField(document, "exceptions"), file, "exceptions"),
    values: readValues(ownField(document, "values") ?? {}, file),
    expectations,
    ...optional("variables", ownField(document, "variables")),
    ...optional("userInfo", ownField(document, "userinfo")),
    ...optional("layout", ownField(annotations, "assay.dev/layout")),
    ...optional("trustedRoot", ownField(annotations, "assay.dev/trusted-root")),
    ...optional("now", ownField(annotations, "assay.dev/now")),
  };
}

/** Reads a `Values` document (or the inline `values`). */
export function readValues(document: Json, file: string): TestValues {
  const spec = object(document, file, "values");
  const rules = new Map<string, ReadonlyMap<string, JsonObject>>();
  const resources = new Map<string, ReadonlyMap<string, JsonObject>>();
  for (const policy of objects(ownField(spec, "policies"), file, "policies")) {
    const name = required(ownField(policy, "name"), file, "policies[].name");
    rules.set(name, byName(ownField(policy, "rules"), file, `policies[${name}].rules`));
    resources.set(name, byName(ownField(policy, "resources"), file, `policies[${name}].resources`));
  }
  const namespaceLabels = new Map<string, Readonly<Record<string, string>>>();
  for (const entry of objects(ownField(spec, "namespaceSelector"), file, "namespaceSelector")) {
    namespaceLabels.set(
      required(ownField(entry, "name"), file, "namespaceSelector[].name"),
      strings(ownField(entry, "labels"), file, "namespaceSelector[].labels"),
    );
  }
  return {
    global: object(ownField(spec, "globalValues") ?? {}, file, "globalValues"),
    rules,
    resources,
    namespaceLabels,
  };
}

function readExpectation(value: Json, file: string, path: string): Expectation {
  const entry = object(value, file, path);
  const result = text(ownField(entry, "result") ?? ownField(entry, "status"));
  if (result === undefined || !isResult(result)) {
    throw invalid(file, `\`${path}.result\` must be one of ${[...RESULTS].join(", ")}`);
  }
  const single = text(ownField(entry, "resource"));
  const resources = [
    ...texts(ownField(entry, "resources"), file, `${path}.resources`),
    ...objects(ownField(entry, "resourceSpecs"), file, `${path}.resourceSpecs`).map((spec) =>
      specName(spec, file, path),
    ),
    ...(single === undefined ? [] : [single]),
  ];
  const namespace = text(ownField(entry, "namespace"));
  const policy = required(ownField(entry, "policy"), file, `${path}.policy`);
  if (resources.length === 0) throw invalid(file, `\`${path}\` names no \`resources\``);
  return {
    policy: namespace === undefined || policy.includes("/") ? policy : `${namespace}/${policy}`,
    resources,
    result,
    ...optional("rule", ownField(entry, "rule")),
    ...optional("kind", ownField(entry, "kind")),
    ...optional("patchedResource", ownField(entry, "patchedResource") ?? ownField(entry, "patchedResources")),
  };
}

function specName(spec: JsonObject, file: string, path: string): string {
  const name = required(ownField(spec, "name"), file, `${path}.resourceSpecs[].name`);
  const namespace = text(ownField(spec, "namespace"));
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function byName(value: Json | undefined, file: string, path: string): ReadonlyMap<string, JsonObject> {
  return new Map(
    objects(value, file, path).map((entry) => [
      required(ownField(entry, "name"), file, `${path}[].name`),
      object(ownField(entry, "values") ?? {}, file, `${path}[].values`),
    ]),
  );
}

function isKyvernoCli(version: Json | undefined): boolean {
  return typeof version === "string" && version.startsWith("cli.kyverno.io/");
}

function isResult(result: string): result is ExpectedResult {
  return RESULTS.has(result);
}

function object(value: Json, file: string, path: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(file, `\`${path}\` must be an object`);
  return value;
}

function list(value: Json | undefined, file: string, path: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!isArray(value)) throw invalid(file, `\`${path}\` must be a list`);
  return value;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function objects(value: Json | undefined, file: string, path: string): readonly JsonObject[] {
  return list(value, file, path).map((entry, i) => object(entry, file, `${path}[${i}]`));
}

function texts(value: Json | undefined, file: string, path: string): readonly string[] {
  return list(value, file, path).map((entry, i) => required(entry, file, `${path}[${i}]`));
}

function strings(value: Json | undefined, file: string, path: string): Readonly<Record<string, string>> {
  const entries = Object.entries(object(value ?? {}, file, path));
  return Object.fromEntries(entries.map(([key, entry]) => [key, required(entry, file, `${path}.${key}`)]));
}

function required(value: Json | undefined, file: string, path: string): string {
  const found = text(value);
  if (found === undefined) throw invalid(file, `\`${path}\` must be a string`);
  return found;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function optional<K extends string>(key: K, value: Json | undefined): { readonly [key in K]?: string } {
  const found = text(value);
  return found === undefined ? {} : narrow(key, found);
}

function narrow<K extends string>(key: K, value: string): { readonly [key in K]?: string } {
  const result: { [key in K]?: string } = {};
  result[key] = value;
  return result;
}

function invalid(file: string, message: string): AssayError {
  return new AssayError("invalidDocument", `\`${file}\`: ${message}`);
}
