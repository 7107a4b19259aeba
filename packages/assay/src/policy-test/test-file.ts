import type { Json, JsonObject } from "@assay/policy";
import { isJsonObject, ownField } from "../json-object.ts";
import { type DocumentReader, documentReader, type SourceDocument } from "./document-reader.ts";
import { type GivenValues, givenValues } from "./given-values.ts";

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
  readonly global: GivenValues;
  /** By policy name, then rule name. */
  readonly rules: ReadonlyMap<string, ReadonlyMap<string, GivenValues>>;
  /** By policy name, then resource name. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, GivenValues>>;
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

const RESULTS: readonly ExpectedResult[] = ["pass", "fail", "skip", "warn", "error"];

/** Fields that are read, and those of Kyverno's that ask for what image verification has no part in. */
interface Fields {
  readonly known: readonly string[];
  readonly unsupported: readonly string[];
}

const TEST: Fields = {
  known: [
    ...["apiVersion", "kind", "metadata", "name", "policies", "resources", "clusterResources", "exceptions"],
    ...["variables", "userinfo", "values", "results"],
  ],
  unsupported: ["checks", "jsonPayload", "jsonPayloads", "targetResources", "paramResources", "context"],
};
const RESULT: Fields = {
  known: [
    ...["policy", "rule", "kind", "namespace", "resource", "resources", "resourceSpecs", "result", "status"],
    ...["patchedResource", "patchedResources"],
  ],
  unsupported: [
    ...["generatedResource", "cloneSourceResource", "isValidatingAdmissionPolicy", "isValidatingPolicy"],
    ...["isImageValidatingPolicy", "isMutatingAdmissionPolicy", "isMutatingPolicy", "isGeneratingPolicy"],
    "isDeletingPolicy",
  ],
};

const VALUES: Fields = {
  known: ["apiVersion", "kind", "metadata", "globalValues", "policies", "namespaceSelector", "namespaces"],
  unsupported: ["subresources"],
};
const POLICY_VALUES: Fields = { known: ["name", "rules", "resources"], unsupported: [] };
const NAMED_VALUES: Fields = { known: ["name", "values"], unsupported: ["foreachValues"] };
const SELECTOR: Fields = { known: ["name", "labels"], unsupported: [] };

/** True where a document is a Kyverno CLI test. */
export function isTestDocument({ value }: SourceDocument): boolean {
  return (
    isJsonObject(value) && ownField(value, "kind") === "Test" && isKyvernoCli(ownField(value, "apiVersion"))
  );
}

/**
 * Reads a test document. Throws `PolicyError`, with the place of each, for fields that assay does not know or cannot honour:
 * a test must not be hollow.
 */
export function readTestFile(document: SourceDocument): TestFile {
  const read = documentReader(document);
  const test = read.object(document.value, "");
  checkFields(test, TEST, { read, path: "" });
  const field = (name: string): Json | undefined => ownField(test, name);
  const metadata = read.object(field("metadata") ?? {}, "metadata");
  const annotations = read.object(ownField(metadata, "annotations") ?? {}, "metadata.annotations");
  const results = field("results") ?? [];
  const expectations = read
    .objects(results, "results")
    .map((entry, i) => readExpectation(entry, `results[${i}]`, read));
  if (Array.isArray(results) && results.length === 0)
    read.note("missingField", "results", "there are no `results`: nothing would be tested");
  const name = read.optionalText(ownField(metadata, "name"), "metadata.name");
  const ours = (key: string): string | undefined =>
    read.optionalText(ownField(annotations, `assay.dev/${key}`), `metadata.annotations["assay.dev/${key}"]`);
  const file: TestFile = {
    name: name ?? read.optionalText(field("name"), "name") ?? document.file,
    policies: read.texts(field("policies"), "policies"),
    resources: read.texts(field("resources"), "resources"),
    clusterResources: read.texts(field("clusterResources"), "clusterResources"),
    exceptions: read.texts(field("exceptions"), "exceptions"),
    values: valuesIn(field("values") ?? {}, "values", read),
    expectations,
    ...defined("variables", read.optionalText(field("variables"), "variables")),
    ...defined("userInfo", read.optionalText(field("userinfo"), "userinfo")),
    ...defined("layout", ours("layout")),
    ...defined("trustedRoot", ours("trusted-root")),
    ...defined("now", ours("now")),
  };
  read.throwNoted();
  return file;
}

/** Reads a `Values` document. */
export function readValues(document: SourceDocument): TestValues {
  const read = documentReader(document);
  const values = valuesIn(document.value, "", read);
  read.throwNoted();
  return values;
}

function valuesIn(document: Json, base: string, read: DocumentReader): TestValues {
  const spec = read.object(document, base);
  checkFields(spec, VALUES, { read, path: base });
  const at = (name: string): string => (base === "" ? name : `${base}.${name}`);
  const rules = new Map<string, ReadonlyMap<string, GivenValues>>();
  const resources = new Map<string, ReadonlyMap<string, GivenValues>>();
  for (const [i, policy] of read.objects(ownField(spec, "policies"), at("policies")).entries()) {
    const path = `${at("policies")}[${i}]`;
    checkFields(policy, POLICY_VALUES, { read, path });
    const name = read.text(ownField(policy, "name"), `${path}.name`);
    rules.set(name, byName(ownField(policy, "rules"), `${path}.rules`, read));
    resources.set(name, byName(ownField(policy, "resources"), `${path}.resources`, read));
  }
  return {
    global: givenValues(ownField(spec, "globalValues"), at("globalValues"), read),
    rules,
    resources,
    namespaceLabels: labelsIn(spec, at, read),
  };
}

/** Labels by namespace: of the `namespaces` themselves, or of a `namespaceSelector`, as in Kyverno. */
function labelsIn(
  spec: JsonObject,
  at: (name: string) => string,
  read: DocumentReader,
): TestValues["namespaceLabels"] {
  const selectors = read.objects(ownField(spec, "namespaceSelector"), at("namespaceSelector"));
  const selected = selectors.map((entry, i) => {
    const path = `${at("namespaceSelector")}[${i}]`;
    checkFields(entry, SELECTOR, { read, path });
    return labelsOf(entry, path, read);
  });
  const namespaces = read.objects(ownField(spec, "namespaces"), at("namespaces")).map((entry, i) => {
    const path = `${at("namespaces")}[${i}].metadata`;
    return labelsOf(read.object(ownField(entry, "metadata"), path), path, read);
  });
  return new Map([...selected, ...namespaces]);
}

function labelsOf(
  named: JsonObject,
  path: string,
  read: DocumentReader,
): readonly [string, Readonly<Record<string, string>>] {
  const labels = Object.entries(read.object(ownField(named, "labels") ?? {}, `${path}.labels`));
  return [
    read.text(ownField(named, "name"), `${path}.name`),
    Object.fromEntries(labels.map(([key, value]) => [key, read.text(value, `${path}.labels.${key}`)])),
  ];
}

function byName(
  value: Json | undefined,
  path: string,
  read: DocumentReader,
): ReadonlyMap<string, GivenValues> {
  return new Map(
    read.objects(value, path).map((entry, i) => {
      const at = `${path}[${i}]`;
      checkFields(entry, NAMED_VALUES, { read, path: at });
      const values = givenValues(ownField(entry, "values"), `${at}.values`, read);
      return [read.text(ownField(entry, "name"), `${at}.name`), values];
    }),
  );
}

function readExpectation(entry: JsonObject, path: string, read: DocumentReader): Expectation {
  checkFields(entry, RESULT, { read, path });
  const text = (name: string): string | undefined =>
    read.optionalText(ownField(entry, name), `${path}.${name}`);
  const result = resultOf(text("result") ?? text("status"), path, read);
  const single = text("resource");
  const specs = read.objects(ownField(entry, "resourceSpecs"), `${path}.resourceSpecs`);
  const resources = [
    ...read.texts(ownField(entry, "resources"), `${path}.resources`),
    ...specs.map((spec, i) => specName(spec, `${path}.resourceSpecs[${i}]`, read)),
    ...(single === undefined ? [] : [single]),
  ];
  if (resources.length === 0) read.note("missingField", path, `\`${path}\` names no \`resources\``);
  const namespace = text("namespace");
  const policy = read.text(ownField(entry, "policy"), `${path}.policy`);
  return {
    policy: namespace === undefined || policy.includes("/") ? policy : `${namespace}/${policy}`,
    resources,
    result,
    ...defined("rule", text("rule")),
    ...defined("kind", text("kind")),
    ...defined("patchedResource", text("patchedResource") ?? text("patchedResources")),
  };
}

function resultOf(text: string | undefined, path: string, read: DocumentReader): ExpectedResult {
  const result = RESULTS.find((one) => one === text);
  if (result !== undefined) return result;
  read.note("badValue", `${path}.result`, `\`${path}.result\` must be one of ${RESULTS.join(", ")}`);
  return "error";
}

function specName(spec: JsonObject, path: string, read: DocumentReader): string {
  const name = read.text(ownField(spec, "name"), `${path}.name`);
  const namespace = read.optionalText(ownField(spec, "namespace"), `${path}.namespace`);
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function checkFields(
  object: JsonObject,
  { known, unsupported }: Fields,
  { read, path }: { readonly read: DocumentReader; readonly path: string },
): void {
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    const at = path === "" ? name : `${path}.${name}`;
    if (!unsupported.includes(name)) read.note("unknownField", at, `unknown field \`${name}\``);
    // `isValidatingPolicy: false` asks for nothing.
    else if (object[name] !== false)
      read.note("unsupported", at, `\`${name}\` says nothing about images and is not supported`);
  }
}

function isKyvernoCli(version: Json | undefined): boolean {
  return typeof version === "string" && version.startsWith("cli.kyverno.io/");
}

function defined<K extends string>(key: K, value: string | undefined): { readonly [key in K]?: string } {
  const result: { [key in K]?: string } = {};
  if (value !== undefined) result[key] = value;
  return result;
}
