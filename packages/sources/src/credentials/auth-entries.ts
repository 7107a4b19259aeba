import { isFields, own, text } from "../oci/manifest.ts";
import type { Credential } from "../registry/credential.ts";
import { canonicalHost } from "../registry/host-names.ts";

/** What a docker config or pull secret says of one registry: `host`, `https://host/v1/`, `host/path`, `*.host`. */
export type AuthEntries = ReadonlyMap<string, Credential>;

const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** The `auths` object of a docker config. Entries without credentials (a store has them) are left out. */
export function authEntries(auths: unknown): AuthEntries {
  const found = new Map<string, Credential>();
  if (!isFields(auths)) return found;
  for (const [key, value] of Object.entries(auths)) {
    const credential = isFields(value) ? credentialIn(value) : undefined;
    if (credential !== undefined) found.set(key, credential);
  }
  return found;
}

function credentialIn(entry: Readonly<Record<string, unknown>>): Credential | undefined {
  const registryToken = text(own(entry, "registrytoken"));
  if (registryToken) return { kind: "bearer", token: registryToken };
  const identityToken = text(own(entry, "identitytoken"));
  if (identityToken) return { kind: "identityToken", token: identityToken };
  const pair = Buffer.from(text(own(entry, "auth")) ?? "", "base64").toString("utf8");
  const colon = pair.indexOf(":");
  const username = text(own(entry, "username")) || pair.slice(0, Math.max(colon, 0));
  const password = text(own(entry, "password")) || (colon < 0 ? "" : pair.slice(colon + 1));
  return username === "" && password === "" ? undefined : { kind: "basic", username, password };
}

/** What is said of a repository, and how closely it is meant: the larger, the closer. */
export interface FittingEntry {
  readonly credential: Credential;
  readonly fit: number;
}

/** The entry that fits a repository best: the longest path wins, as in the kubelet and podman. */
export function entryFor(
  entries: AuthEntries,
  registry: string,
  repository: string,
): FittingEntry | undefined {
  return closest(
    [...entries].flatMap(([key, credential]) => {
      const fit = fitOf(key, registry, repository);
      return fit === undefined ? [] : [{ credential, fit }];
    }),
  );
}

/** The first of those that fit best. */
export function closest<T extends FittingEntry>(entries: readonly T[]): T | undefined {
  const best = Math.max(...entries.map(({ fit }) => fit));
  return entries.find(({ fit }) => fit === best);
}

/**
 * How well an entry's key fits; undefined: not. INVARIANT: hosts are compared label by label and a `*` stands inside
 * one label, so credentials for `a.azurecr.io` or `*.azurecr.io` never reach `a.azurecr.io.evil`.
 */
function fitOf(key: string, registry: string, repository: string): number | undefined {
  const bare = key.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
  const slash = bare.indexOf("/");
  const written = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase();
  const host = canonicalHost(written) ?? written;
  const path = slash < 0 ? "" : bare.slice(slash + 1);
  const isHub = hubNames.has(registry) && hubNames.has(host);
  if (!isHub && !hostFits(host, registry.toLowerCase())) return undefined;
  if (path !== "" && repository !== path && !repository.startsWith(`${path}/`)) return undefined;
  // An exact host beats a pattern of the same path.
  return path.length * 2 + (host.includes("*") ? 0 : 1);
}

function hostFits(pattern: string, host: string): boolean {
  const wanted = pattern.split(".");
  const given = host.split(".");
  return wanted.length === given.length && wanted.every((label, i) => labelFits(label, given[i] ?? ""));
}

function labelFits(pattern: string, label: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === label;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return (
    !tail.includes("*") &&
    label.length >= head.length + tail.length &&
    label.startsWith(head) &&
    label.endsWith(tail)
  );
}
