import {
  azureCredentials,
  type CredentialProvider,
  ecrCredentials,
  githubCredentials,
  googleCredentials,
} from "@assay/sources/credentials";
import { expect, test } from "vitest";

const find = (provider: CredentialProvider, registry: string) =>
  provider.find({ registry, repository: "app", access: undefined }, { signal: new AbortController().signal });

// The SDKs' documented answers.
const regions: string[] = [];
let open = 0;
const ecr = {
  ECRClient: class {
    constructor({ region }: { region: string }) {
      regions.push(region);
      open++;
    }
    destroy() {
      open--;
    }
    async send() {
      return { authorizationData: [{ authorizationToken: Buffer.from("AWS:pass:word").toString("base64") }] };
    }
  },
  GetAuthorizationTokenCommand: class {},
};
const google = {
  GoogleAuth: class {
    getAccessToken = async () => "ya29.token";
  },
};
const azure = {
  DefaultAzureCredential: class {
    getToken = async () => ({ token: "aad" });
  },
};
const exchange: typeof fetch = async (url, init) => Response.json({ refresh_token: `${url} ${init?.body}` });

const providers = {
  amazon: ecrCredentials({ load: async () => ecr }),
  google: googleCredentials({ load: async () => google }),
  azure: azureCredentials({ load: async () => azure, fetch: exchange }),
  github: githubCredentials({ GITHUB_TOKEN: "ghs_x" }),
};

test.each([
  [
    "amazon",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    { kind: "basic", username: "AWS", password: "pass:word" },
  ],
  ["amazon", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", { kind: "basic", username: "AWS" }],
  [
    "google",
    "europe-west1-docker.pkg.dev",
    { kind: "basic", username: "oauth2accesstoken", password: "ya29.token" },
  ],
  ["google", "eu.gcr.io", { kind: "basic", username: "oauth2accesstoken" }],
  [
    "azure",
    "acme.azurecr.io",
    {
      kind: "identityToken",
      token:
        "https://acme.azurecr.io/oauth2/exchange grant_type=access_token&service=acme.azurecr.io&access_token=aad",
    },
  ],
  ["github", "ghcr.io", { kind: "basic", password: "ghs_x" }],
] as const)("%s has credentials for %s", async (name, registry, credential) => {
  expect(await find(providers[name], registry)).toMatchObject({ credential, source: providers[name].name });
});

test("ECR is asked in the region of the registry, and no client is left open", () => {
  expect(open).toBe(0);
  expect(regions).toEqual(["eu-west-1", "us-gov-west-1"]);
});

test.each([
  ["amazon", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil"],
  ["amazon", "evil.example"],
  ["google", "gcr.io.evil"],
  ["google", "evilgcr.io"],
  ["azure", "acme.azurecr.io.evil"],
  ["azure", "azurecr.io"],
  ["azure", "notazurecr.io"],
  ["github", "ghcr.io.evil"],
] as const)("19 %s has none for %s", async (name, registry) => {
  expect(await find(providers[name], registry)).toEqual({
    reason: `\`${registry}\` is none of its registries`,
  });
});

test.each([
  [ecrCredentials(), "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "@aws-sdk/client-ecr"],
  [azureCredentials(), "acme.azurecr.io", "@azure/identity"],
] as const)("a package that is not installed is named with what to run", async (provider, registry, name) => {
  await expect(find(provider, registry)).rejects.toThrow(
    `needs the package \`${name}\`: run \`npm install ${name}\``,
  );
});
