import { readFileSync } from "node:fs";
import { isDigest } from "@assay/image";
import type { Json, JsonObject } from "@assay/policy";
import type { Candidate, Origin } from "@assay/verify";
import type {
  Answer,
  ContextSource,
  EvidenceLookup,
  EvidenceSource,
  Lookup,
  LookupFailure,
  Sources,
  TrustSource,
} from "../src/gather/lookup.ts";

/** The recorded images, policies and resources: real bytes, made by the real cosign. */
export const fixtures: URL = new URL("../../conformance/cases/fixtures/", import.meta.url);

/** A file of the fixtures. */
export function fixture(path: string): string {
  return readFileSync(new URL(path, fixtures), "utf8");
}

interface Manifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: { readonly mediaType?: string; readonly artifactType?: string };
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One layout directory as a source; `host` is the registry it stood behind. */
function layout(name: "tags" | "referrers", host: string): (lookup: EvidenceLookup) => Answer {
  const root = new URL(`images/${name}/`, fixtures);
  const blob = (digest: string): Uint8Array =>
    readFileSync(new URL(`blobs/${digest.replace(":", "/")}`, root));
  const manifestOf = (digest: string): Manifest => JSON.parse(Buffer.from(blob(digest)).toString("utf8"));
  const index: { manifests: readonly Descriptor[] } = JSON.parse(
    readFileSync(new URL("index.json", root), "utf8"),
  );
  const find = (repository: string, test: (descriptor: Descriptor) => boolean): Descriptor | undefined =>
    index.manifests.find(
      (one) => `${host}/${one.annotations?.["dev.assay.repository"]}` === repository && test(one),
    );
  const byTag = (repository: string, tag: string): Descriptor | undefined =>
    find(repository, ({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === tag);
  const layers = (digest: string, origin: Omit<Origin, "manifest" | "layer">): readonly Candidate[] =>
    (manifestOf(digest).layers ?? []).map((layer): Candidate => {
      const where: Origin = {
        ...origin,
        ...(isDigest(digest) ? { manifest: digest } : {}),
        ...(isDigest(layer.digest) ? { layer: layer.digest } : {}),
      };
      const bytes = new Uint8Array(blob(layer.digest));
      if (layer.mediaType.startsWith("application/vnd.dev.sigstore.bundle")) {
        return { kind: "bundle", bytes, origin: where };
      }
      const holds = layer.mediaType.includes("dsse") ? "attestation" : "signature";
      return { kind: "legacy", holds, payload: bytes, annotations: layer.annotations ?? {}, origin: where };
    });
  return (lookup) => {
    switch (lookup.kind) {
      case "digest": {
        const repository = `${lookup.image.registry}/${lookup.image.repository}`;
        const found = byTag(repository, lookup.image.tag ?? "latest");
        if (found === undefined || !isDigest(found.digest)) return missing(`${repository} has no such tag`);
        return { ok: true, value: { digest: found.digest }, requests: 1 };
      }
      case "signatureTag":
      case "attestationTag": {
        const suffix = lookup.kind === "signatureTag" ? "sig" : "att";
        const found = byTag(lookup.repository, `${lookup.digest.replace(":", "-")}.${suffix}`);
        const origin = { shelf: lookup.kind, repository: lookup.repository };
        return { ok: true, value: { candidates: found ? layers(found.digest, origin) : [] }, requests: 1 };
      }
      case "referrers": {
        if (name === "tags") return { ok: true, value: { candidates: [], unsupported: true }, requests: 1 };
        const candidates = index.manifests
          .filter((one) => `${host}/${one.annotations?.["dev.assay.repository"]}` === lookup.repository)
          .filter((one) => manifestOf(one.digest).subject?.digest === lookup.digest)
          .flatMap((one) => layers(one.digest, { shelf: "referrers", repository: lookup.repository }));
        return { ok: true, value: { candidates }, requests: 1 };
      }
      case "referrersTag": {
        const found = byTag(lookup.repository, lookup.digest.replace(":", "-"));
        const listed = found === undefined ? [] : (manifestOf(found.digest).manifests ?? []);
        const candidates = listed.flatMap((one) =>
          layers(one.digest, { shelf: "referrersTag", repository: lookup.repository }),
        );
        return { ok: true, value: { candidates }, requests: 1 };
      }
      case "manifest":
        return { ok: true, value: { bytes: new Uint8Array(blob(lookup.digest)) }, requests: 1 };
      case "imageData":
        return missing("no image data in the fixtures");
    }
  };
}

function missing(message: string): Answer {
  return failure({ code: "notFound", message, origin: "fixtures" });
}

/** A failed answer. */
export function failure(failed: LookupFailure): Answer {
  return { ok: false, failure: failed };
}

/** Both layouts behind the hosts that the recorded policies name, with every lookup noted. */
export function fixtureSources(options: FixtureOptions = {}): Sources & { readonly asked: Lookup[] } {
  const asked: Lookup[] = [];
  const tags = layout("tags", "127.0.0.1:5001");
  const referrers = layout("referrers", "127.0.0.1:5002");
  const evidence: EvidenceSource = {
    async fetch(lookup) {
      asked.push(lookup);
      const special = options.answer?.(lookup);
      if (special !== undefined) return special as never;
      const registry = "image" in lookup ? lookup.image.registry : lookup.repository.split("/")[0];
      const answer = registry === "127.0.0.1:5001" ? tags(lookup) : referrers(lookup);
      return (options.edit?.(lookup, answer) ?? answer) as never;
    },
  };
  const context: ContextSource = {
    async fetch(lookup) {
      asked.push(lookup);
      const key = "namespace" in lookup ? `${lookup.namespace}/${lookup.name}` : "";
      const data = options.configMaps?.[key];
      if (data === undefined) return missing(`${lookup.kind} ${key} is not there`) as never;
      const object: JsonObject = { kind: "ConfigMap", metadata: { name: key }, data: data as Json };
      return { ok: true, value: { object }, requests: 1 } as never;
    },
  };
  const trust: TrustSource = {
    async fetch(lookup) {
      asked.push(lookup);
      if (options.trustedRoot !== undefined) return { ok: true, value: { json: options.trustedRoot } };
      return {
        ok: false,
        failure: { code: "unavailable", message: "TUF is out of reach", origin: "tuf" },
      };
    },
  };
  return { evidence, context, trust, asked };
}

/** What the fixtures do not hold by themselves. */
export interface FixtureOptions {
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly trustedRoot?: string;
  /** Answers a lookup in the layouts' stead. */
  readonly answer?: (lookup: Lookup) => Answer | undefined;
  /** Changes what a layout answers. */
  readonly edit?: (lookup: Lookup, answer: Answer) => Answer;
}
