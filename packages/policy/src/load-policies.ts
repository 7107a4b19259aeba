import type { Diagnostic } from "./diagnostic.ts";
import type { Json, JsonObject, Policy, PolicyException } from "./model.ts";
import { nearest } from "./nearest.ts";
import { PolicyError } from "./policy-error.ts";
import { readException } from "./read/read-exception.ts";
import { field, textOf } from "./read/read-node.ts";
import { readPolicy } from "./read/read-policy.ts";
import { createReport, type Report, type Spot } from "./report.ts";
import {
  type DocumentLimits,
  type ParsedDocument,
  readDocuments,
  type SourceFile,
} from "./yaml/parse-documents.ts";
import { positionIn } from "./yaml/position-of.ts";
import { toJson } from "./yaml/source-node.ts";
import type { SourcePosition } from "./yaml/source-position.ts";

export interface LoadedPolicies {
  readonly policies: readonly Policy[];
  readonly exceptions: readonly PolicyException[];
  /** Documents of other kinds (ConfigMap, Secret …), as they are: whoever needs them takes them from here. */
  readonly others: readonly JsonObject[];
  /** Warnings only: errors are thrown. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Text, or text with a file name; one or several. */
export type PolicyInput = string | SourceFile | readonly (string | SourceFile)[];

/**
 * Loads Kyverno policies and exceptions from YAML or JSON. Returned policies are complete, checked and frozen: every
 * field has its type, defaults are filled in, rules for Pod controllers are generated. Keys, certificates and regular
 * expressions are *not* looked into yet (`prepareAttestors` does that). Throws `PolicyError` with every finding.
 */
export function loadPolicies(input: PolicyInput, limits: DocumentLimits = {}): LoadedPolicies {
  const { diagnostics, ...loaded } = inspectPolicies(input, limits);
  if (diagnostics.some((one) => one.severity === "error")) throw new PolicyError(diagnostics);
  return { ...loaded, diagnostics };
}

/** The same without throwing: what could be read, and errors among the diagnostics. For linters, not for deciding. */
export function inspectPolicies(input: PolicyInput, limits: DocumentLimits = {}): LoadedPolicies {
  const files = filesOf(input);
  const diagnostics: Diagnostic[] = [];
  const loading: Omit<Loading, "report"> = { policies: [], exceptions: [], others: [] };
  for (const file of files) {
    const read = readDocuments(file, limits);
    const report = createReport();
    if (read.documents.length + read.diagnostics.length === 0 && files.length > 1)
      diagnostics.push(nothingIn(file, "this file is empty"));
    for (const document of read.documents) loadDocument(document, { ...loading, report });
    diagnostics.push(...[...read.diagnostics, ...report.diagnostics].sort(byPlace));
  }
  if (
    loading.policies.length + loading.exceptions.length === 0 &&
    diagnostics.every((one) => one.severity !== "error")
  ) {
    const [first] = files;
    diagnostics.push(nothingIn(first ?? {}, "there is no policy here: nothing is verified"));
  }
  return { ...loading, diagnostics };
}

/**
 * Bytes, a Promise or a file's name in an object would be read as no text at all, or as none. Throws `PolicyError` that says
 * which one.
 */
function filesOf(input: unknown): readonly SourceFile[] {
  const inputs: readonly unknown[] = Array.isArray(input) ? Array.from(input) : [input];
  return inputs.map((one, i) => {
    const file: unknown = typeof one === "string" ? { text: one } : one;
    if (typeof file === "object" && file !== null && "text" in file && typeof file.text === "string")
      return file as SourceFile;
    const message = `input ${i + 1} of ${inputs.length} is neither text nor \`{ text, file }\``;
    throw new PolicyError([{ ...nothingIn({}, message), severity: "error", code: "notAnObject" }]);
  });
}

function nothingIn({ file = "policy.yaml" }: Partial<SourceFile>, message: string): Diagnostic {
  const source = { file, line: 1, column: 1 };
  return { severity: "warning", code: "noPolicies", message, source, path: "" };
}

function byPlace({ source: a }: Diagnostic, { source: b }: Diagnostic): number {
  return a.line - b.line || a.column - b.column;
}

/** Documents of any kind, as they are. */
interface PlainDocuments {
  readonly documents: readonly Json[];
  readonly diagnostics: readonly Diagnostic[];
  /** Where the field `path` of one of the documents stands, or the nearest field above it. */
  positionOf(document: Json, path: string): SourcePosition | undefined;
}

/** Reads documents of any kind, for resources, ConfigMaps and the like: the same YAML as policies. */
export function parseDocuments(file: SourceFile, limits: DocumentLimits = {}): PlainDocuments {
  const read = readDocuments(file, limits);
  const documents = read.documents.map(({ root }) => toJson(root));
  return {
    documents,
    diagnostics: read.diagnostics,
    positionOf(document, path) {
      const root = read.documents[documents.indexOf(document)]?.root;
      return root === undefined ? undefined : positionIn(root, path);
    },
  };
}

interface Loading {
  readonly policies: Policy[];
  readonly exceptions: PolicyException[];
  readonly others: JsonObject[];
  readonly report: Report;
}

function loadDocument(document: ParsedDocument, loading: Loading): void {
  const { report } = loading;
  // Paths are those of the object, also inside a List: they are what Kyverno and kubectl print.
  const spot: Spot = { node: document.root, path: "" };
  if (spot.node.kind !== "map") {
    report.error(
      "notAnObject",
      spot,
      "this document is not a Kubernetes object: a map with apiVersion and kind is needed",
    );
    return;
  }
  const apiVersion = textOf(field(spot, "apiVersion")) ?? "";
  const kind = textOf(field(spot, "kind")) ?? "";
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (apiVersion === "" || kind === "") {
    const missing = apiVersion === "" ? "apiVersion" : "kind";
    report.error("missingField", spot, `\`${missing}\` is missing: a policy begins with apiVersion and kind`);
  } else if (group === "kyverno.io") {
    loadKyverno(spot, { apiVersion, kind }, loading);
  } else if (group === "policies.kyverno.io") {
    const message = `\`${kind}\` (${apiVersion}) is not supported: only ClusterPolicy and Policy of kyverno.io/v1 and v2beta1 are`;
    report.error("unsupported", field(spot, "kind") ?? spot, message);
  } else if (/^(?:Cluster)?Policy$/.test(kind)) {
    const at = field(spot, "apiVersion") ?? spot;
    report.error(
      "unknownKind",
      at,
      `\`${kind}\` of \`${apiVersion}\` is not a Kyverno policy`,
      "kyverno.io/v1",
    );
  } else {
    loading.others.push(toJson(spot.node) as JsonObject);
    const message = `a ${kind} is not a policy: it is not evaluated`;
    report.warning("ignoredDocument", field(spot, "kind") ?? spot, message);
  }
}

const kinds = ["ClusterPolicy", "Policy", "PolicyException"];
const otherKinds = ["CleanupPolicy", "ClusterCleanupPolicy", "GlobalContextEntry", "UpdateRequest"];

function loadKyverno(
  spot: Spot,
  { apiVersion, kind }: { apiVersion: string; kind: string },
  loading: Loading,
): void {
  const { report } = loading;
  if (!kinds.includes(kind)) {
    if (otherKinds.includes(kind)) {
      loading.others.push(toJson(spot.node) as JsonObject);
      report.warning(
        "ignoredDocument",
        field(spot, "kind") ?? spot,
        `a ${kind} does not verify images: it is not evaluated`,
      );
      return;
    }
    const message = `\`${kind}\` is not a kind of ${apiVersion}`;
    report.error("unknownKind", field(spot, "kind") ?? spot, message, nearest(kind, kinds));
    return;
  }
  const versions =
    kind === "PolicyException"
      ? ["kyverno.io/v2", "kyverno.io/v2beta1"]
      : ["kyverno.io/v1", "kyverno.io/v2beta1"];
  if (!versions.includes(apiVersion)) {
    const message = `\`${apiVersion}\` has no ${kind} that can be read: use ${versions.join(" or ")}`;
    report.error("unknownKind", field(spot, "apiVersion") ?? spot, message, versions[0]);
    return;
  }
  if (kind === "PolicyException") {
    const exception = readException(spot, report);
    if (exception !== undefined) loading.exceptions.push(exception);
  } else {
    const policy = readPolicy(spot, apiVersion, report);
    if (policy !== undefined) addPolicy(policy, spot, loading);
  }
}

function addPolicy(policy: Policy, spot: Spot, { policies, report }: Loading): void {
  const twin = policies.find((one) => one.name === policy.name && one.namespace === policy.namespace);
  if (twin !== undefined) {
    const message = `policy \`${policy.name}\` was already loaded from ${twin.source.file}:${twin.source.line}: both are evaluated`;
    report.warning("duplicateName", field(field(spot, "metadata"), "name") ?? spot, message);
  }
  policies.push(policy);
}
