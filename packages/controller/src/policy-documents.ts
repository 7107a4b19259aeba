import type { JsonObject } from "@assay/policy";

/** The policy objects of a cluster, as the API server holds them. */
export interface PolicyDocuments {
  readonly policies: readonly JsonObject[];
  readonly exceptions: readonly JsonObject[];
}

/** `Kind/namespace/name`, without the namespace where there is none. */
export function policyName(document: JsonObject): string {
  const { namespace, name } = metadataOf(document);
  return [document["kind"], namespace, name].filter((part) => part !== undefined).join("/");
}

/** What the API server knows of an object beside what its author wrote. */
export function metadataOf(document: JsonObject): {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
} {
  return (document["metadata"] as object | undefined) ?? {};
}
