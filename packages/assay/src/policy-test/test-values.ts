import type { EvaluationRequest } from "@assay/engine";
import type { Json, JsonObject, Policy } from "@assay/policy";
import { AssayError } from "../assay-error.ts";
import { jsonObject } from "../json-object.ts";
import type { TestFile, TestValues } from "./test-file.ts";

/** What one resource is judged with by one policy. */
export interface Given {
  readonly variables: JsonObject;
  /** ConfigMaps that stand in for the context entries whose values the test gives. */
  readonly objects: readonly JsonObject[];
  readonly operation?: NonNullable<EvaluationRequest["operation"]>;
}

const OPERATIONS: ReadonlySet<string> = new Set(["CREATE", "UPDATE", "DELETE", "CONNECT"]);

/**
 * The values of a test for one policy and one resource, the resource's own winning. As in Kyverno's command line a value
 * may stand in for a context entry (`keys.data.pub` for an entry `keys`), and `request.operation` for the request's.
 */
export function givenFor(file: TestFile, values: TestValues, policy: Policy, resource: string): Given {
  const merged: Record<string, Json> = { ...values.global };
  for (const [rule, own] of values.rules.get(policy.name) ?? []) {
    for (const [name, value] of Object.entries(own)) {
      if (Object.hasOwn(merged, name) && JSON.stringify(merged[name]) !== JSON.stringify(value)) {
        throw new AssayError(
          "invalidDocument",
          `\`${file.name}\`: rule \`${rule}\` gives \`${name}\` another value than an earlier one`,
          { hint: "test rules with different values in files of their own" },
        );
      }
      merged[name] = value;
    }
  }
  Object.assign(merged, values.resources.get(policy.name)?.get(resource));
  const operation = merged["request.operation"];
  const tree = nest(Object.entries(merged).filter(([name]) => !name.startsWith("request.")));
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
    ...(typeof operation === "string" && isOperation(operation) ? { operation } : {}),
  };
}

/** `{"a.b": 1}` is `{a: {b: 1}}`, as Kyverno's command line reads it. */
function nest(entries: readonly (readonly [string, Json])[]): Readonly<Record<string, Json>> {
  const root = new Map<string, Json | Map<string, unknown>>();
  for (const [name, value] of entries) {
    const parts = name.split(".");
    let at: Map<string, unknown> = root;
    for (const part of parts.slice(0, -1)) {
      const next = at.get(part);
      const child: Map<string, unknown> = next instanceof Map ? next : new Map();
      at.set(part, child);
      at = child;
    }
    at.set(parts.at(-1) ?? name, value);
  }
  return Object.fromEntries([...root].map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): Json {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, child]) => [String(name), plain(child)]));
  const json: Json = JSON.parse(JSON.stringify(value ?? null));
  return json;
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

function isOperation(text: string): text is NonNullable<EvaluationRequest["operation"]> {
  return OPERATIONS.has(text);
}
