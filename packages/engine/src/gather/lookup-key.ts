import { hash } from "node:crypto";
import type { ImageReference } from "@assay/image";
import type { Json } from "@assay/policy";
import type { Lookup, RegistryAccess } from "./lookup.ts";

/**
 * The text that makes two lookups the same question: equal keys are asked once. Stable across processes, so that a
 * record can be replayed.
 */
export function lookupKey(lookup: Lookup): string {
  switch (lookup.kind) {
    case "digest":
      return join(lookup.kind, nameOf(lookup.image), accessKey(lookup.access));
    case "imageData":
      return join(lookup.kind, nameOf(lookup.image), lookup.digest ?? "", accessKey(lookup.access));
    case "signatureTag":
    case "attestationTag":
    case "referrers":
    case "referrersTag":
    case "manifest":
      return join(lookup.kind, lookup.repository, lookup.digest, accessKey(lookup.access));
    case "configMap":
    case "secret":
      return join(lookup.kind, lookup.namespace, lookup.name);
    case "apiCall":
      return join(
        lookup.kind,
        lookup.method,
        lookup.url,
        canonicalJson([
          lookup.body ?? null,
          lookup.caBundle ?? null,
          (lookup.headers ?? []).map(({ key, value }) => [key, value]),
        ]),
      );
    case "globalContext":
    case "trustRoot":
      return join(lookup.kind, lookup.name);
    case "kmsKey":
      return join(lookup.kind, lookup.reference);
    case "logEntries":
      // The text may hold a whole envelope, twice.
      return join(lookup.kind, lookup.url, hash("sha256", lookup.entries));
  }
}

/** JSON with sorted keys: equal values give equal texts. */
function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** JSON, so that no part can reach into the next one. */
function join(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** Equal for all spellings of one image. By digest where there is one: then the tag is not part of the question. */
export function nameOf(image: Omit<ImageReference, "text">): string {
  const name = `${image.registry}/${image.repository}`;
  return image.digest === undefined ? `${name}:${image.tag ?? "latest"}` : `${name}@${image.digest}`;
}

function accessKey(access: RegistryAccess | undefined): string {
  if (access === undefined) return "";
  return canonicalJson({
    insecure: access.allowInsecureRegistry,
    providers: [...access.providers],
    secrets: access.pullSecrets.map(({ namespace, name }) => [namespace, name]),
  });
}
