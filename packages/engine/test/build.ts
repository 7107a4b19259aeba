import { type JsonObject, loadPolicies } from "@assay/policy";
import { createEngine, type Engine } from "../src/engine.ts";
import type { EngineOptions } from "../src/engine-options.ts";
import type { Sources } from "../src/gather/lookup.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

/** The time that the fixtures are judged at. */
export const noon: Date = new Date("2026-11-23T12:00:00Z");

/** A key of the fixtures that needs neither log nor trust root. */
export function keys(name = "cosign"): JsonObject {
  return {
    keys: {
      publicKeys: fixture(`keys/${name}.pub`),
      rekor: { ignoreTlog: true, url: "http://127.0.0.1:3000" },
      ctlog: { ignoreSCT: true },
    },
  };
}

/** One `verifyImages` entry: signed by the fixtures' key, unless said otherwise. */
export function entry(over: JsonObject = {}): JsonObject {
  return {
    imageReferences: ["127.0.0.1:500?/acme/*"],
    attestors: [{ entries: [keys()] }],
    ...over,
  };
}

/** What may be said of a policy in a test. */
export interface PolicyParts {
  readonly name?: string;
  readonly kind?: "ClusterPolicy" | "Policy";
  readonly namespace?: string;
  readonly spec?: JsonObject;
  readonly rule?: JsonObject;
  readonly entry?: JsonObject;
  readonly entries?: readonly JsonObject[];
  readonly rules?: readonly JsonObject[];
}

/** A policy document with one rule for Pods. */
export function policy(parts: PolicyParts = {}): JsonObject {
  const { name = "test", kind = "ClusterPolicy", namespace } = parts;
  const rule = {
    name: "check",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: parts.entries ?? [entry(parts.entry)],
    ...parts.rule,
  };
  return {
    apiVersion: "kyverno.io/v1",
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      annotations: { "pod-policies.kyverno.io/autogen-controllers": "none" },
    },
    spec: { validationFailureAction: "Enforce", ...parts.spec, rules: parts.rules ?? [rule] },
  };
}

/** An engine over policy documents (and exceptions), with the fixtures behind it. */
export function engineFor(
  documents: JsonObject | readonly JsonObject[],
  options: Partial<EngineOptions> = {},
): Engine {
  const all: readonly JsonObject[] = Array.isArray(documents) ? documents : [documents as JsonObject];
  const { policies, exceptions } = loadPolicies(
    all.map((document, index) => ({
      text: JSON.stringify(document, undefined, 1),
      file: `policy-${index}.json`,
    })),
  );
  return createEngine({ policies, exceptions, sources: fixtureSources(), clock: () => noon, ...options });
}

/** A Pod with one container per image. */
export function pod(images: string | readonly string[], over: JsonObject = {}): JsonObject {
  const list: readonly string[] = Array.isArray(images) ? images : [images as string];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { containers: list.map((image, index) => ({ name: `c${index}`, image })) },
    ...over,
  };
}

/** A fixture image by tag, in the registry without (`tags`) or with (`referrers`) the referrers API. */
export function image(name: string, registry: "tags" | "referrers" = "tags"): string {
  return `127.0.0.1:${registry === "tags" ? 5001 : 5002}/acme/${name}:v1`;
}

/** The digest of a fixture image. */
export function digestOf(name: string): string {
  const index: { manifests: readonly { digest: string; annotations: Record<string, string> }[] } = JSON.parse(
    fixture("images/tags/index.json"),
  );
  const found = index.manifests.find(
    ({ annotations }) =>
      annotations["dev.assay.repository"] === `acme/${name}` &&
      annotations["org.opencontainers.image.ref.name"] === "v1",
  );
  if (found === undefined) throw new Error(`no fixture image ${name}`);
  return found.digest;
}

/** A fixture image by digest. */
export function pinned(name: string, registry: "tags" | "referrers" = "tags"): string {
  return `${image(name, registry).replace(/:v1$/, "")}@${digestOf(name)}`;
}

/** Sources that answer some lookups otherwise. */
export type SourceOverride = Parameters<typeof fixtureSources>[0];

/** The kinds of the lookups that were made, in order. */
export function kindsAsked(sources: ReturnType<typeof fixtureSources>): readonly string[] {
  return sources.asked.map(({ kind }) => kind);
}

export type { Sources };
