import type { EvaluationRequest } from "@assay/engine";
import { type Json, type JsonObject, type Policy, PolicyError } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import { inNamespace } from "../inputs/resource-requests.ts";
import { jsonObject } from "../json-object.ts";
import { type GivenValues, merged, nested } from "./given-values.ts";
import type { TestFile, TestValues } from "./test-file.ts";

/** What one resource is judged with by one policy. */
export interface Given {
  readonly variables: JsonObject;
  /** ConfigMaps that stand in for the context entries whose values the test gives. */
  readonly objects: readonly JsonObject[];
  readonly request: EvaluationRequest;
}

/** One resource as the file has it, and who asks for it. */
export interface TestRequest {
  readonly resource: JsonObject;
  readonly userInfo: EvaluationRequest["userInfo"];
}

/**
 * The values of a test for one policy and one resource, the resource's own winning. As in Kyverno's command line a value
 * may stand in for a context entry (`keys.data.pub` for an entry `keys`), and `request.operation` for the request's.
 */
export function givenFor(file: TestFile, policy: Policy, asked: TestRequest, values: TestValues): Given {
  const given = valuesFor(file, policy, jsonObject(asked.resource["metadata"])["name"], values);
  const { request, ...tree } = nested(given.values());
  const contexts = policy.rules.flatMap((rule) => rule.context);
  const configMaps = contexts.flatMap((entry) =>
    entry.kind === "configMap" && Object.hasOwn(tree, entry.name)
      ? [configMap(entry.configMap, tree[entry.name])]
      : [],
  );
  const stands = new Set(contexts.map((entry) => entry.name));
  return {
    variables: Object.fromEntries(Object.entries(tree).filter(([name]) => !stands.has(name))),
    objects: unique(configMaps),
    request: requestOf(asked, jsonObject(request), given),
  };
}

function valuesFor(
  file: TestFile,
  policy: Policy,
  resource: Json | undefined,
  values: TestValues,
): GivenValues {
  const given = new Map(values.global);
  for (const [rule, own] of values.rules.get(policy.name) ?? []) {
    for (const [name, value] of own) {
      const other = given.get(name);
      if (other !== undefined && JSON.stringify(other.value) !== JSON.stringify(value.value)) {
        throw new AssayError(
          "invalidDocument",
          `\`${file.name}\`: rule \`${rule}\` gives \`${name}\` another value than an earlier one`,
          { hint: "test rules with different values in files of their own" },
        );
      }
      given.set(name, value);
    }
  }
  for (const [name, value] of values.resources.get(policy.name)?.get(String(resource)) ?? [])
    given.set(name, value);
  return given;
}

/**
 * The request that the values tell of. As in Kyverno's command line the old object is the resource, unless more is said,
 * and fields of the objects go into what the files hold. INVARIANT: `givenValues` found every value to be of its type.
 */
function requestOf(
  { resource, userInfo }: TestRequest,
  told: JsonObject,
  given: GivenValues,
): EvaluationRequest {
  const object = merged(inNamespaceOf(resource, told, given), told["object"] ?? {});
  const operation = told["operation"] as EvaluationRequest["operation"];
  const isNew = operation === undefined || operation === "CREATE" || operation === "CONNECT";
  const old = isNew ? told["oldObject"] : merged(object, told["oldObject"] ?? {});
  const user = { ...jsonObject(told["userInfo"]), ...fieldsOf(told, ["roles", "clusterRoles"]) };
  return {
    resource: object,
    ...fieldsOf(told, ["operation", "dryRun"]),
    ...(old === undefined ? {} : { oldResource: jsonObject(old) }),
    ...(told["subResource"] === undefined ? {} : { subresource: String(told["subResource"]) }),
    ...(userInfo === undefined && Object.keys(user).length === 0
      ? {}
      : { userInfo: { ...userInfo, ...user } }),
  };
}

function fieldsOf(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

/** The API server puts an object into its request's namespace, and takes none that says another, or has another name. */
function inNamespaceOf(resource: JsonObject, told: JsonObject, given: GivenValues): JsonObject {
  const object = inNamespace(resource, told["namespace"]);
  const metadata = jsonObject(object["metadata"]);
  for (const field of ["namespace", "name"] as const) {
    if (told[field] === undefined || told[field] === metadata[field]) continue;
    const source = given.get(`request.${field}`)?.source ?? given.get("request")?.source;
    const message = `\`request.${field}\` is \`${String(told[field])}\`, and that of the object is \`${String(metadata[field] ?? "")}\``;
    if (source === undefined) throw new AssayError("invalidDocument", message);
    throw new PolicyError([
      { severity: "error", code: "conflict", message, source, path: `request.${field}` },
    ]);
  }
  return object;
}

function configMap(
  { name, namespace }: { readonly name: string; readonly namespace?: string },
  value: Json | undefined,
): JsonObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: namespace ?? "default" },
    ...jsonObject(value),
  };
}

function unique(objects: readonly JsonObject[]): readonly JsonObject[] {
  return [...new Map(objects.map((object) => [JSON.stringify(object["metadata"]), object])).values()];
}
