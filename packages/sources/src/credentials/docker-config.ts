import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Check, checkOptions, object, words } from "../check-options.ts";
import { isFields, own, parseObject, text } from "../oci/manifest.ts";
import type { CredentialAnswer, CredentialProvider, CredentialRequest } from "../registry/credential.ts";
import { SourceError } from "../source-error.ts";
import { type AuthEntries, authEntries, entryFor, type FittingEntry } from "./auth-entries.ts";
import { helperCredential } from "./credential-helper.ts";

/** Where docker's (or podman's) logins are. */
export interface DockerConfigOptions {
  /** The file. Default: `config.json` in `$DOCKER_CONFIG` or `~/.docker`, then podman's `auth.json`. */
  readonly path?: string;
  /** Default: the process's environment; helpers are looked for on its PATH. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const known: Readonly<Record<keyof DockerConfigOptions, Check>> = { path: words, env: object };

interface DockerConfig {
  readonly path: string;
  readonly auths: AuthEntries;
  readonly helpers: ReadonlyMap<string, string>;
  readonly store: string | undefined;
}

/**
 * Logins of `docker login`, `podman login` and the like: `credHelpers` for the registry first, then `credsStore`, then
 * `auths`, as docker does. The file is read at each look-up, so a new login counts at once.
 * Throws `SourceError` `misuse` for an option that does not exist or is none: without its `path` other logins are used.
 */
export function dockerConfigCredentials(options: DockerConfigOptions = {}): CredentialProvider {
  checkOptions(options, known);
  const env = options.env ?? process.env;
  return {
    name: "docker config",
    provider: "default",
    async find(request, { signal }): Promise<CredentialAnswer> {
      const config = await firstConfig(options.path === undefined ? usualPaths(env) : [options.path]);
      if (config === undefined)
        return { reason: `there is no \`${options.path ?? "~/.docker/config.json"}\`` };
      const server = serverName(request.registry);
      const helper = config.helpers.get(request.registry) ?? config.helpers.get(server) ?? config.store;
      if (helper !== undefined) {
        const credential = await helperCredential(helper, server, { signal, env });
        if (credential !== undefined)
          return { credential, source: `helper \`${helper}\` in \`${config.path}\`` };
      }
      return fromAuths(config, request, helper);
    },
  };
}

function fromAuths(
  config: DockerConfig,
  request: CredentialRequest,
  helper: string | undefined,
): CredentialAnswer {
  const found = entryFor(config.auths, request.registry, request.repository);
  if (found !== undefined) return { credential: found.credential, source: `\`${config.path}\`` };
  const asked = helper === undefined ? "" : `, and its helper \`${helper}\` has none`;
  return { reason: `\`${config.path}\` has no login for \`${request.registry}\`${asked}` };
}

/** Docker keeps the Hub's login under its old address. */
function serverName(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

function usualPaths(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const paths = [join(env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".docker"), "config.json")];
  if (env["REGISTRY_AUTH_FILE"]) paths.push(env["REGISTRY_AUTH_FILE"]);
  if (env["XDG_RUNTIME_DIR"]) paths.push(join(env["XDG_RUNTIME_DIR"], "containers", "auth.json"));
  return paths;
}

async function firstConfig(paths: readonly string[]): Promise<DockerConfig | undefined> {
  for (const path of paths) {
    const bytes = await readFile(path).catch((cause: unknown) => {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new SourceError("unavailable", `\`${path}\` cannot be read: ${why}`, { origin: path, cause });
    });
    if (bytes !== undefined) return parseConfig(bytes, path);
  }
  return undefined;
}

function parseConfig(bytes: Uint8Array, path: string): DockerConfig {
  const config = parseObject(bytes);
  if (config === undefined)
    throw new SourceError("malformed", `\`${path}\` is no JSON object`, { origin: path });
  const helpers = own(config, "credHelpers");
  const entries = isFields(helpers) ? Object.entries(helpers) : [];
  return {
    path,
    auths: authEntries(own(config, "auths")),
    helpers: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    store: text(own(config, "credsStore")) || undefined,
  };
}

/** The login in the text of a docker config (`{"auths": …}`) or of an old `.dockercfg` (the entries themselves). */
export function entryInConfig(bytes: Uint8Array, request: CredentialRequest): FittingEntry | undefined {
  const config = parseObject(bytes);
  if (config === undefined) return undefined;
  const auths = authEntries(own(config, "auths") ?? config);
  return entryFor(auths, request.registry, request.repository);
}
