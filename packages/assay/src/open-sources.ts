import { resolve } from "node:path";
import type { ContextSource, EvidenceSource, TrustSource } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import type { BytesCache } from "@assay/sources/cache";
import type { RegistryOptions } from "@assay/sources/registry";
import { trustRoots } from "@assay/sources/trust";
import { AssayError } from "./assay-error.ts";
import type { AssayOptions } from "./assay-options.ts";
import { defaultCredentials } from "./default-credentials.ts";
import { defaultTrust } from "./default-trust.ts";
import { type SourceFlags, splitPair } from "./flags/evaluation-flags.ts";
import { readTextFile } from "./inputs/input-files.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** The part of `AssayOptions` that `SourceFlags` decide. */
export async function sourceOptions(
  flags: SourceFlags,
  terminal: Terminal,
  context?: ContextSource,
): Promise<Pick<AssayOptions, "source" | "trust" | "keys">> {
  const trust = await trustOf(flags, terminal);
  return {
    source: await evidenceSource(flags, terminal, context),
    ...(trust === undefined ? {} : { trust }),
  };
}

/** Images from a layout, or from registries; `context` holds the pull secrets that Pods and policies name. */
export async function evidenceSource(
  flags: SourceFlags,
  terminal: Terminal,
  context?: ContextSource,
): Promise<EvidenceSource> {
  if (flags.layout !== undefined) return layoutAt(flags.layout, terminal);
  const { registrySource } = await import("@assay/sources/registry");
  const { pullSecretCredentials } = await import("@assay/sources/credentials");
  const options = await registryOptions(flags, terminal);
  const pullSecrets = context === undefined ? [] : [pullSecretCredentials(context)];
  return registrySource({ ...options, credentials: [...pullSecrets, ...(options.credentials ?? [])] });
}

/** The layout at `path`. Read now, so that a missing one is a usage error and not a verdict about images. */
async function layoutAt(path: string, { cwd, signal }: Terminal): Promise<EvidenceSource> {
  const { layoutSource } = await import("@assay/sources/layout");
  const source = layoutSource(resolve(cwd, path));
  // That there is no such image says that there is a layout.
  const image = parseImageReference("layout.invalid/is:there");
  const answer = await source.fetch({ kind: "digest", image }, { signal });
  if (answer.ok || answer.failure.code === "notFound") return source;
  throw new AssayError("usage", `--layout \`${path}\` cannot be read: ${answer.failure.message}`, {
    hint: "give the directory or tar file of an OCI layout, as `assay export --out DIR` and `cosign save --dir DIR` write it",
  });
}

/** How registries are asked, by the flags. */
export async function registryOptions(flags: SourceFlags, terminal: Terminal): Promise<RegistryOptions> {
  for (const host of flags.insecureRegistry) checkHost("--insecure-registry", host);
  for (const host of flags.allowPrivateHost) checkHost("--allow-private-host", host);
  if (flags.registryConfig !== undefined) await readTextFile(flags.registryConfig, terminal.cwd);
  return {
    insecureHosts: flags.insecureRegistry,
    allowPrivateHosts: flags.allowPrivateHost,
    tokenHosts: tokenHostsOf(flags.tokenHost),
    // What hangs on a digest is listed once for many resources of a run; image tags are resolved anew.
    listingTtlMs: 30_000,
    credentials: defaultCredentials(flags.registryConfig),
    ...(flags.cacheDir === undefined ? {} : { cache: await cacheIn(flags.cacheDir, terminal) }),
  };
}

/** Trouble with the directory changes no verdict: it is told once, and images are asked for again. */
async function cacheIn(path: string, { cwd, warn }: Terminal): Promise<BytesCache> {
  const { diskCache, layeredCache, memoryCache } = await import("@assay/sources/cache");
  const onTrouble = ({ message }: Error): void => warn(`--cache-dir is of no use: ${message}`, "--cache-dir");
  return layeredCache(memoryCache(), diskCache({ directory: resolve(cwd, path), onTrouble }));
}

/** The trust root of the flags. Read now, so that a missing or broken file is a usage error and not a verdict about images. */
export async function trustOf(
  { trustedRoot, layout }: SourceFlags,
  terminal: Terminal,
): Promise<TrustSource | undefined> {
  if (trustedRoot === undefined) {
    return layout === undefined ? undefined : exportedTrust(resolve(terminal.cwd, layout));
  }
  const json = await readTextFile(trustedRoot, terminal.cwd);
  const trust = trustRoots({ json });
  const answer = await trust.fetch({ kind: "trustRoot", name: "public-good" }, { signal: terminal.signal });
  if (!answer.ok) {
    throw new AssayError("invalidTrustRoot", `\`${trustedRoot}\`: ${answer.failure.message}`, {
      hint: "--trusted-root takes a trusted_root.json, as `cosign trusted-root create` writes it",
    });
  }
  return trust;
}

/** The trust root that was exported with the layout, and where there is none, Sigstore's public one. */
function exportedTrust(layout: string): TrustSource {
  return {
    async fetch(lookup, options) {
      const { layoutTrust } = await import("@assay/sources/layout");
      const answer = await layoutTrust(layout).fetch(lookup, options);
      return answer.ok || answer.failure.code !== "notFound" ? answer : defaultTrust().fetch(lookup, options);
    },
  };
}

/** The hosts of each registry's token server. */
function tokenHostsOf(pairs: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const hosts = new Map<string, readonly string[]>();
  for (const pair of pairs) {
    const [registry, host] = splitPair(pair, "--token-host");
    checkHost("--token-host", registry);
    checkHost("--token-host", host);
    hosts.set(registry, [...(hosts.get(registry) ?? []), host]);
  }
  return Object.fromEntries(hosts);
}

function checkHost(flag: string, host: string): void {
  if (/^[a-z0-9.\-[\]:]+$/i.test(host)) return;
  throw new AssayError("usage", `${flag} \`${host}\` is not a host`, {
    hint: "give the host's name, with its port: registry.example.com:5000",
  });
}
