import type { CredentialProvider } from "@assay/sources/registry";

/** What `docker login` left behind: `~/.docker/config.json`, `$DOCKER_CONFIG`, credential helpers. */
export function defaultCredentials(_path?: string): readonly CredentialProvider[] {
  return [];
}
