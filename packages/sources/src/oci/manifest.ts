import type { Digest } from "@assay/image";
import { isDigest } from "./digest.ts";
import { type Fields, hasKeyTwice, misspelt } from "./one-reading.ts";

/** What a manifest says of another document. Unverified; only its form was checked. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  readonly platform: { readonly os: string; readonly architecture: string } | undefined;
}

export interface ImageManifest {
  readonly kind: "manifest";
  /** `artifactType`, or else the config's media type, as OCI 1.1 says. */
  readonly artifactType: string | undefined;
  readonly config: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly subject: Digest | undefined;
}

export interface ImageIndex {
  readonly kind: "index";
  readonly manifests: readonly Descriptor[];
  readonly subject: Digest | undefined;
}

/** Why bytes are no manifest: lower case, for messages. */
export interface Malformed {
  readonly kind: "malformed";
  readonly message: string;
}

/** Media types of documents that we ask for as manifests. */
export const manifestTypes: readonly string[] = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  // ORAS' predecessor of OCI 1.1 artifacts, still in some registries.
  "application/vnd.oci.artifact.manifest.v1+json",
];

const manifestNames: ReadonlySet<string> = new Set([
  ...["schemaVersion", "mediaType", "artifactType", "annotations", "subject"],
  ...["config", "layers", "blobs", "manifests"],
]);
const descriptorNames: ReadonlySet<string> = new Set([
  ...["mediaType", "artifactType", "annotations", "digest", "size", "data", "platform"],
]);
const platformNames: ReadonlySet<string> = new Set(["os", "architecture", "variant"]);

/**
 * Reads an OCI or Docker manifest or index. A document that could be read as both is refused (CVE-2021-41190), and one with a
 * key that occurs twice, or is written as only Go's decoder knows it: two readers must never see two images in the same bytes.
 */
export function parseManifest(bytes: Uint8Array): ImageManifest | ImageIndex | Malformed {
  const document = parseObject(bytes);
  if (document === undefined) return malformed("it is not a JSON object");
  if (hasKeyTwice(new TextDecoder().decode(bytes))) return malformed("it has a key twice");
  const odd = misspelt(document, manifestNames);
  if (odd !== undefined)
    return malformed(`it has the key \`${odd}\`, which not every reader takes for the same one`);
  const manifests = own(document, "manifests");
  const layers = own(document, "layers") ?? own(document, "blobs");
  if (manifests !== undefined && layers !== undefined) {
    return malformed("it has both `manifests` and `layers`");
  }
  const subject = own(document, "subject");
  const subjectDigest =
    isFields(subject) && isDigest(own(subject, "digest")) ? own(subject, "digest") : undefined;
  if (subject !== undefined && subject !== null && subjectDigest === undefined) {
    return malformed("its `subject` has no digest");
  }
  const rest = { subject: subjectDigest as Digest | undefined };
  if (manifests !== undefined) {
    // What is written in Go writes an empty list so, and reads it as one.
    const entries = manifests === null ? [] : descriptors(manifests);
    return entries === undefined
      ? malformed("an entry of `manifests` has no digest and size")
      : { kind: "index", manifests: entries, ...rest };
  }
  return imageManifest(document, layers, rest.subject);
}

function imageManifest(
  document: Fields,
  layers: unknown,
  subject: Digest | undefined,
): ImageManifest | Malformed {
  if (own(document, "schemaVersion") === 1) return malformed("Docker schema 1 is not supported");
  const rawConfig = own(document, "config");
  const config = rawConfig === undefined || rawConfig === null ? undefined : descriptor(rawConfig);
  if (layers === undefined && config === undefined)
    return malformed("it has neither `layers` nor `manifests`");
  const entries = layers === undefined || layers === null ? [] : descriptors(layers);
  if (entries === undefined) return malformed("an entry of `layers` has no digest and size");
  const artifactType = text(own(document, "artifactType")) ?? config?.mediaType;
  return { kind: "manifest", artifactType, config, layers: entries, subject };
}

function malformed(message: string): Malformed {
  return { kind: "malformed", message };
}

function descriptors(value: unknown): readonly Descriptor[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const found: Descriptor[] = [];
  for (const entry of value) {
    const one = descriptor(entry);
    if (one === undefined) return undefined;
    found.push(one);
  }
  return found;
}

function descriptor(value: unknown): Descriptor | undefined {
  if (!isFields(value) || misspelt(value, descriptorNames) !== undefined) return undefined;
  const platform = own(value, "platform");
  if (isFields(platform) && misspelt(platform, platformNames) !== undefined) return undefined;
  const digest = own(value, "digest");
  const size = own(value, "size");
  if (!isDigest(digest) || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    return undefined;
  return {
    mediaType: text(own(value, "mediaType")) ?? "",
    digest,
    size,
    artifactType: text(own(value, "artifactType")),
    annotations: annotationsOf(own(value, "annotations")),
    platform: platformOf(platform),
  };
}

function platformOf(value: unknown): Descriptor["platform"] {
  if (!isFields(value)) return undefined;
  return { os: text(own(value, "os")) ?? "", architecture: text(own(value, "architecture")) ?? "" };
}

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) return {};
  // fromEntries defines own properties, also for `__proto__`.
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** The JSON object in `bytes` (UTF-8, strictly); undefined: it holds something else. */
export function parseObject(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether foreign JSON is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property of foreign JSON: what stands on the prototype is not data. */
export function own(object: Fields, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The same of a value that need not be an object: then it has none. */
export function fieldOf(value: unknown, key: string): unknown {
  return isFields(value) ? own(value, key) : undefined;
}

/** Foreign JSON that should be text. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
