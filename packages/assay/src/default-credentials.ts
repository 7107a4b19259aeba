import { type CredentialProvider, dockerConfigCredentials } from "@assay/sources/credentials";

/** What `docker login` left behind: `~/.docker/config.json`, `$DOCKER_CONFIG`, credential helpers; or one file. */
export function defaultCredentials(path?: string): readonly CredentialProvider[] {
  return [dockerConfigCredentials(path === undefined ? {} : { path })];
}
