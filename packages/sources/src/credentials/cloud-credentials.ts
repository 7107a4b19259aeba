import { fieldOf, parseObject, text } from "../oci/manifest.ts";
import type { Credential, CredentialAnswer, CredentialProvider } from "../registry/credential.ts";
import { directExchange } from "../registry/direct-exchange.ts";
import { exchange } from "../registry/exchange.ts";
import { SourceError } from "../source-error.ts";
import { optionalPeer } from "./optional-peer.ts";

/** How a cloud's package is loaded. Default: `import` of the package, which must be installed. */
export interface CloudOptions {
  readonly load?: () => Promise<unknown>;
}

// What we use of each SDK. The packages are optional, so their types cannot be imported.
interface EcrSdk {
  readonly ECRClient: new (options: {
    region: string;
  }) => {
    send(command: object, options: { abortSignal: AbortSignal }): Promise<EcrAnswer>;
    destroy(): void;
  };
  readonly GetAuthorizationTokenCommand: new (input: object) => object;
}
interface EcrAnswer {
  readonly authorizationData?: readonly { readonly authorizationToken?: string }[];
}
interface GoogleSdk {
  readonly GoogleAuth: new (options: {
    scopes: string;
  }) => { getAccessToken(): Promise<string | null | undefined> };
}
interface AzureSdk {
  readonly DefaultAzureCredential: new () => {
    getToken(
      scope: string,
      options: { abortSignal: AbortSignal },
    ): Promise<{ readonly token: string } | null>;
  };
}

// INVARIANT: whole hosts are matched, so `….amazonaws.com.evil` and `azurecr.io.evil` get nothing (CVE-2025-27403).
const ecrHost = /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]{1,32})\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;
const googleHost = /^(?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)$/;
const azureHost = /^[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(?:io|cn|us)$/;

/** Amazon ECR through `@aws-sdk/client-ecr`: the process's own identity (environment, profile, IRSA, instance role). */
export function ecrCredentials(options: CloudOptions = {}): CredentialProvider {
  return cloud("Amazon ECR", "amazon", ecrHost, async (match, signal) => {
    const load = options.load ?? (() => optionalPeer("@aws-sdk/client-ecr", "Amazon ECR"));
    const sdk = (await load()) as EcrSdk; // the package's documented exports
    const client = new sdk.ECRClient({ region: match[1] ?? "" });
    const answer = await client
      .send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal: signal })
      .finally(() => client.destroy()); // its connections would stay open
    const pair = Buffer.from(answer.authorizationData?.[0]?.authorizationToken ?? "", "base64").toString(
      "utf8",
    );
    const colon = pair.indexOf(":");
    if (colon < 0) throw new SourceError("unauthorized", "Amazon ECR gave no token", { origin: match[0] });
    return { kind: "basic", username: pair.slice(0, colon), password: pair.slice(colon + 1) };
  });
}

/** Google Artifact and Container Registry through `google-auth-library`: application default credentials. */
export function googleCredentials(options: CloudOptions = {}): CredentialProvider {
  return cloud("Google", "google", googleHost, async (match) => {
    const load = options.load ?? (() => optionalPeer("google-auth-library", "Google Artifact Registry"));
    const sdk = (await load()) as GoogleSdk; // the package's documented exports
    const auth = new sdk.GoogleAuth({ scopes: "https://www.googleapis.com/auth/devstorage.read_only" });
    const token = await auth.getAccessToken();
    if (!token) throw new SourceError("unauthorized", "Google gave no access token", { origin: match[0] });
    return { kind: "basic", username: "oauth2accesstoken", password: token };
  });
}

export interface AzureOptions extends CloudOptions {
  /** Default: Node's HTTP client, as for registries. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Azure Container Registry through `@azure/identity`: the default credential, traded for the registry's own token. */
export function azureCredentials(options: AzureOptions = {}): CredentialProvider {
  return cloud("Azure", "azure", azureHost, async (match, signal) => {
    const load = options.load ?? (() => optionalPeer("@azure/identity", "Azure Container Registry"));
    const sdk = (await load()) as AzureSdk; // the package's documented exports
    const credential = new sdk.DefaultAzureCredential();
    const given = await credential.getToken("https://containerregistry.azure.net/.default", {
      abortSignal: signal,
    });
    if (given === null)
      throw new SourceError("unauthorized", "Azure gave no access token", { origin: match[0] });
    const token = await acrToken(match[0], given.token, { fetch: options.fetch, signal });
    return { kind: "identityToken", token };
  });
}

const tokenTimeoutMs = 15_000;

async function acrToken(
  host: string,
  accessToken: string,
  { fetch, signal }: { readonly fetch: AzureOptions["fetch"]; readonly signal: AbortSignal },
): Promise<string> {
  const form = new URLSearchParams({ grant_type: "access_token", service: host, access_token: accessToken });
  const { status, bytes } = await exchange(
    {
      url: new URL(`https://${host}/oauth2/exchange`),
      headers: { accept: "application/json" },
      body: { type: "application/x-www-form-urlencoded", text: form.toString() },
      limit: 1024 * 1024,
      signal,
      count: () => undefined,
    },
    directExchange({ fetch, timeoutMs: tokenTimeoutMs }),
  );
  const answer = status === 200 ? parseObject(bytes) : undefined;
  const token = text(fieldOf(answer, "refresh_token"));
  if (token !== undefined) return token;
  const message = `\`${host}\` answered ${status} to the exchange of the Azure token`;
  throw new SourceError("unauthorized", message, { origin: host, status });
}

/** GitHub's registry with the token that GitHub Actions (or the user) put into the environment. */
export function githubCredentials(
  env: Readonly<Record<string, string | undefined>> = process.env,
): CredentialProvider {
  return cloud("GitHub", "github", /^ghcr\.io$/, async () => {
    const token = env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
    if (!token)
      throw new SourceError("unauthorized", "neither GITHUB_TOKEN nor GH_TOKEN is set", {
        origin: "ghcr.io",
      });
    return { kind: "basic", username: env["GITHUB_ACTOR"] ?? "token", password: token };
  });
}

function cloud(
  name: string,
  provider: string,
  hosts: RegExp,
  find: (match: RegExpExecArray, signal: AbortSignal) => Promise<Credential>,
): CredentialProvider {
  return {
    name,
    provider,
    async find({ registry }, { signal }): Promise<CredentialAnswer> {
      const match = hosts.exec(registry.toLowerCase());
      if (match === null) return { reason: `\`${registry}\` is none of its registries` };
      return { credential: await find(match, signal), source: name };
    },
  };
}
