import type { EvaluationRequest } from "@assay/engine";
import type { Json, JsonObject } from "@assay/policy";
import { jsonObject, ownField } from "../json-object.ts";

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Kinds that have no namespace: everything else is in one, and in `default` unless it says otherwise, as in kubectl.
 */
const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  ...[
    "Namespace",
    "Node",
    "PersistentVolume",
    "StorageClass",
    "PriorityClass",
    "RuntimeClass",
    "IngressClass",
  ],
  ...["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService", "CSIDriver", "CSINode"],
  ...["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "CertificateSigningRequest"],
  ...["ClusterPolicy", "VolumeAttachment", "FlowSchema", "PriorityLevelConfiguration"],
]);

/** The object with the namespace that kubectl would put it in, where that is told to use `namespace`. */
export function inNamespace(object: JsonObject, namespace: Json = "default"): JsonObject {
  const metadata = jsonObject(ownField(object, "metadata"));
  const kind = String(ownField(object, "kind"));
  if (typeof ownField(metadata, "namespace") === "string" || CLUSTER_SCOPED.has(kind)) return object;
  return { ...object, metadata: { ...metadata, namespace } };
}

/** Labels of the namespaces whose objects are among `objects`. */
export function namespaceLabels(objects: readonly JsonObject[]): ReadonlyMap<string, Labels> {
  const namespaces = objects.filter((object) => ownField(object, "kind") === "Namespace");
  return new Map(
    namespaces.map((object) => {
      const metadata = jsonObject(ownField(object, "metadata"));
      const labels = Object.entries(jsonObject(ownField(metadata, "labels")));
      return [
        String(ownField(metadata, "name")),
        Object.fromEntries(labels.map(([name, value]) => [name, String(value)])),
      ] as const;
    }),
  );
}

/** What to ask about each object: it is created, in its namespace, whose labels are told where they are known. */
export function requestsFor(
  objects: readonly JsonObject[],
  options: { readonly mutate: boolean; readonly others?: readonly JsonObject[] },
): readonly EvaluationRequest[] {
  const labels = namespaceLabels([...objects, ...(options.others ?? [])]);
  return objects.map((object) => {
    const resource = inNamespace(object);
    const namespace = ownField(jsonObject(ownField(resource, "metadata")), "namespace");
    const known = typeof namespace === "string" ? labels.get(namespace) : undefined;
    return { resource, mutate: options.mutate, ...(known === undefined ? {} : { namespaceLabels: known }) };
  });
}
