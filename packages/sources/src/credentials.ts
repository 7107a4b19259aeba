export {
  type AzureOptions,
  azureCredentials,
  type CloudOptions,
  ecrCredentials,
  githubCredentials,
  googleCredentials,
} from "./credentials/cloud-credentials.ts";
export { type DockerConfigOptions, dockerConfigCredentials } from "./credentials/docker-config.ts";
export { givenCredentials } from "./credentials/given-credentials.ts";
export { pullSecretCredentials } from "./credentials/pull-secrets.ts";
export type {
  Credential,
  CredentialAnswer,
  CredentialProvider,
  CredentialRequest,
} from "./registry/credential.ts";
