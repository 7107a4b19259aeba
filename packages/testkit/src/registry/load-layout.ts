import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TestkitError } from "../testkit-error.ts";
import type { Registry } from "./registry.ts";

const REPOSITORY = "dev.assay.repository";
const TAG = "org.opencontainers.image.ref.name";

/**
 * Loads an OCI image layout into a registry. Each entry of `index.json` names its repository in the annotation
 * `dev.assay.repository` and its tag, where it has one, in `org.opencontainers.image.ref.name`; entries without a
 * tag are reachable by digest only.
 */
export async function loadLayout(directory: string, registry: Registry): Promise<void> {
  const index = asObject(parse(await readFile(join(directory, "index.json")), "index.json"));
  for (const entry of asList(index["manifests"])) {
    const annotations = asObject(entry["annotations"] ?? {});
    const repository = annotations[REPOSITORY];
    const tag = annotations[TAG];
    if (typeof repository !== "string")
      throw new TestkitError("badLayout", `an entry of \`${directory}\` has no annotation \`${REPOSITORY}\``);
    await loadManifest({ directory, registry, repository }, entry, typeof tag === "string" ? tag : undefined);
  }
}

interface Target {
  readonly directory: string;
  readonly registry: Registry;
  readonly repository: string;
}

async function loadManifest(target: Target, entry: Json, tag: string | undefined): Promise<void> {
  const bytes = await readContent(target, entry);
  if (bytes === undefined) return;
  const manifest = asObject(parse(bytes, String(entry["digest"])));
  for (const child of asList(manifest["manifests"] ?? [])) await loadManifest(target, child, undefined);
  const blobs = [
    ...asList(manifest["layers"] ?? []),
    ...(manifest["config"] ? [asObject(manifest["config"])] : []),
  ];
  for (const blob of blobs) {
    const content = await readContent(target, blob);
    if (content !== undefined) target.registry.pushBlob(target.repository, content);
  }
  const { mediaType } = entry;
  target.registry.pushManifest(target.repository, bytes, {
    ...(typeof mediaType === "string" ? { mediaType } : {}),
    ...(tag === undefined ? {} : { tag }),
  });
}

/** Undefined where the layout names content that it does not hold: layers may live elsewhere. */
async function readContent(target: Target, descriptor: Json): Promise<Uint8Array | undefined> {
  const match = /^(sha256|sha384|sha512):([0-9a-f]{64,128})$/.exec(String(descriptor["digest"]));
  if (match === null)
    throw new TestkitError(
      "badLayout",
      `\`${target.directory}\` holds a bad digest: \`${descriptor["digest"]}\``,
    );
  try {
    return await readFile(join(target.directory, "blobs", match[1] ?? "", match[2] ?? ""));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new TestkitError(
      "badLayout",
      `\`${descriptor["digest"]}\` of \`${target.directory}\` cannot be read`,
      error,
    );
  }
}

type Json = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new TestkitError("badLayout", `\`${name}\` is not JSON`, cause);
  }
}

function asObject(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TestkitError("badLayout", "expected a JSON object");
  return Object.fromEntries(Object.entries(value));
}

function asList(value: unknown): readonly Json[] {
  if (!Array.isArray(value)) throw new TestkitError("badLayout", "expected a JSON list");
  return value.map(asObject);
}
