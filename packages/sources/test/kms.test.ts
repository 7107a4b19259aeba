import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { contextFromObjects } from "@assay/sources/cluster";
import { type KmsOptions, kmsKeys } from "@assay/sources/kms";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
const der = publicKey.export({ type: "spki", format: "der" });
const jwk = publicKey.export({ format: "jwk" });

async function key(reference: string, options: KmsOptions = {}) {
  const answer = await kmsKeys(options).fetch(
    { kind: "kmsKey", reference },
    { signal: new AbortController().signal },
  );
  return answer.ok ? answer.value.pem : `${answer.failure.code}: ${answer.failure.message}`;
}

test.each([
  "awskms:///alias/a",
  "azurekms://v.vault.azure.net/k",
  `gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k`,
])("%s counts as unavailable when the cloud's package does not answer in time", async (reference) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const never = () => new Promise<never>(() => undefined);
  class Client {
    send = never;
    getKey = never;
    listCryptoKeyVersions = never;
    destroy = () => undefined;
    close = never;
  }
  const sdk = {
    ...{ KMSClient: Client, KeyClient: Client, KeyManagementServiceClient: Client },
    ...{ GetPublicKeyCommand: class {}, DefaultAzureCredential: class {} },
  };
  const asked = key(reference, { load: async () => sdk });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await asked).toMatch(/^timeout: `\w+` did not answer within 10000 ms$/);
});

describe("Vault", () => {
  let vault: ReturnType<typeof createServer>;
  let respond: (incoming: IncomingMessage) => { status?: number; body: unknown };
  const asked: IncomingMessage[] = [];
  const env = () => ({
    VAULT_ADDR: `http://127.0.0.1:${(vault.address() as AddressInfo).port}`,
    VAULT_TOKEN: "hvs.x",
  });

  beforeAll(async () => {
    vault = createServer((incoming, outgoing) => {
      asked.push(incoming);
      const { status = 200, body } = respond(incoming);
      outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => vault.listen(0, "127.0.0.1", resolve));
  });
  beforeEach(() => asked.splice(0));
  afterAll(() => {
    vault.closeAllConnections();
    return new Promise((resolve) => vault.close(resolve));
  });

  // As documented: developer.hashicorp.com/vault/api-docs/secret/transit#read-key
  const transit = (keys: object, latest = 2) => ({
    request_id: "1",
    data: {
      type: "ecdsa-p256",
      deletion_allowed: false,
      latest_version: latest,
      min_decryption_version: 1,
      name: "cosign",
      keys,
    },
  });
  const version = (public_key: string) => ({
    creation_time: "2026-01-01T00:00:00Z",
    name: "P-256",
    public_key,
  });

  test("gives the newest version of a transit key for our token", async () => {
    respond = () => ({ body: transit({ 1: version("old"), 2: version(pem) }) });
    expect(await key("hashivault://cosign", { env: { ...env(), VAULT_NAMESPACE: "team" } })).toBe(pem);
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /v1/transit/keys/cosign"]);
    expect(asked[0]?.headers).toMatchObject({ "x-vault-token": "hvs.x", "x-vault-namespace": "team" });
  });

  test("is asked at the engine's own path", async () => {
    respond = () => ({ body: transit({ 2: version(pem) }) });
    await key("hashivault://cosign", { env: { ...env(), TRANSIT_SECRET_ENGINE_PATH: "sig/transit" } });
    expect(asked[0]?.url).toBe("/v1/sig/transit/keys/cosign");
  });

  test.each([
    [
      403,
      { errors: ["permission denied"] },
      /^unauthorized: Vault `.*` answered 403 for `hashivault:\/\/cosign`: permission denied$/,
    ],
    [404, { errors: [] }, /^notFound: /],
    [503, { errors: ["Vault is sealed"] }, /^unavailable: .*Vault is sealed$/],
    [200, {}, /^malformed: Vault `.*` has no public key/],
    [200, transit({ 1: version(pem) }), /^malformed: Vault `.*` has no public key/],
    [
      200,
      transit({ 2: version("nonsense") }),
      /^malformed: what `hashivault:\/\/cosign` names is no public key/,
    ],
    [200, transit({ 2: { creation_time: 1 } }), /^malformed: /],
    [200, transit(JSON.parse('{"__proto__":{"2":{"public_key":"x"}}}')), /^malformed: /],
  ])("answers %i %j: told as what it is", async (status, body, message) => {
    respond = () => ({ status, body });
    expect(await key("hashivault://cosign", { env: env() })).toMatch(message);
  });

  test("that is down is unavailable", async () => {
    expect(await key("hashivault://cosign", { env: { VAULT_ADDR: "http://127.0.0.1:9" } })).toMatch(
      /^unavailable: /,
    );
  });

  test("is asked once for many evaluations", async () => {
    respond = () => ({ body: transit({ 2: version(pem) }) });
    const lookup = { kind: "kmsKey", reference: "hashivault://cosign" } as const;
    const { signal } = new AbortController();
    const keys = kmsKeys({ env: env() });
    await Promise.all(Array.from({ length: 50 }, () => keys.fetch(lookup, { signal })));
    await keys.fetch(lookup, { signal });
    expect(asked).toHaveLength(1);
  });
});

describe("clouds", () => {
  const seen: unknown[] = [];
  let open = 0;
  beforeEach(() => seen.splice(0));
  const sdks: Record<string, unknown> = {
    "@aws-sdk/client-kms": {
      KMSClient: class {
        constructor(options: object) {
          open++;
          seen.push(options);
        }
        send = async () => ({ PublicKey: der });
        destroy = () => void open--;
      },
      GetPublicKeyCommand: class {
        constructor(input: object) {
          seen.push(input);
        }
      },
    },
    "@google-cloud/kms": {
      KeyManagementServiceClient: class {
        constructor() {
          open++;
        }
        close = async () => void open--;
        getPublicKey = async ({ name }: { name: string }) => {
          seen.push(name);
          return [{ pem }];
        };
        listCryptoKeyVersions = async () => [
          ["1", "9", "10"].map((n) => ({ name: `x/cryptoKeyVersions/${n}` })),
        ];
      },
    },
    "@azure/identity": { DefaultAzureCredential: class {} },
    "@azure/keyvault-keys": {
      KeyClient: class {
        constructor(vault: string) {
          seen.push(vault);
        }
        getKey = async (name: string, { version = "newest" }) => {
          seen.push(`${name} ${version}`);
          const bytes = (part = "") => new Uint8Array(Buffer.from(part, "base64url"));
          return { key: { kty: "EC-HSM", crv: "P-256", x: bytes(jwk.x), y: bytes(jwk.y) } };
        };
      },
    },
  };
  const load = async (name: string) => sdks[name];
  const parent = "projects/p/locations/eu/keyRings/r/cryptoKeys/k";
  const arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

  test.each([
    ["awskms:///alias/cosign", [{ region: "eu-north-1" }, { KeyId: "alias/cosign" }]],
    [`awskms:///${arn}`, [{ region: "eu-west-1" }, { KeyId: arn }]],
    [
      "awskms://localstack:4566/alias/x",
      [{ region: "eu-north-1", endpoint: "https://localstack:4566" }, { KeyId: "alias/x" }],
    ],
    [`gcpkms://${parent}/versions/3`, [`${parent}/cryptoKeyVersions/3`]],
    [`gcpkms://${parent}/cryptoKeyVersions/3`, [`${parent}/cryptoKeyVersions/3`]],
    [`gcpkms://${parent}`, [`${parent}/cryptoKeyVersions/10`]],
    ["azurekms://acme.vault.azure.net/cosign", ["https://acme.vault.azure.net", "cosign newest"]],
    [
      `azurekms://acme.vault.azure.net/cosign/${"a".repeat(32)}`,
      ["https://acme.vault.azure.net", `cosign ${"a".repeat(32)}`],
    ],
  ])("%s, and no client is left open", async (reference, calls) => {
    const found = await key(reference, { load, env: { AWS_REGION: "eu-north-1" } });
    expect(createPublicKey(found).equals(publicKey)).toBe(true);
    expect(seen).toEqual(calls);
    expect(open).toBe(0);
  });

  test.each([
    "awskms://alias/x/../y?z",
    "awskms:///",
    "gcpkms://projects/p",
    "azurekms://evil.example/key",
    "azurekms://acme.vault.azure.net.evil/key",
    "hashivault://../sys/seal",
    "hashivault://a/b",
    "k8s://only-namespace",
  ])("%s is refused, and nothing is asked", async (reference) => {
    expect(await key(reference, { load, env: { VAULT_ADDR: "http://127.0.0.1:9" } })).toMatch(
      /^malformed: `.*` is no such key reference: write `/,
    );
    expect(seen).toEqual([]);
  });

  test("what a package throws is told in its words", async () => {
    const failing = async () => {
      throw new Error("AccessDeniedException: not authorized to perform kms:GetPublicKey");
    };
    expect(await key("awskms:///alias/x", { load: failing })).toMatch(
      /^unavailable: key `awskms:\/\/\/alias\/x`: AccessDenied/,
    );
  });

  test("a package that is missing is named", async () => {
    expect(await key("awskms:///alias/x")).toBe(
      "unsupported: awskms:// needs the package `@aws-sdk/client-kms`: run `npm install @aws-sdk/client-kms`",
    );
  });
});

describe("Secrets", () => {
  const secret = (data: object) =>
    contextFromObjects([
      { kind: "Secret", metadata: { namespace: "ci", name: "cosign" }, data: { ...data } },
    ]);

  test.each([
    [
      "cosign.pub",
      secret({ "cosign.pub": Buffer.from(pem).toString("base64") }),
      /^-----BEGIN PUBLIC KEY-----/,
    ],
    ["no cosign.pub", secret({ "cosign.key": "x" }), /^malformed: Secret `ci\/cosign` has no `cosign.pub`$/],
    ["no Secret", contextFromObjects([]), /^notFound: Secret ci\/cosign was not given$/],
    ["no cluster", undefined, /^unsupported: `k8s:\/\/ci\/cosign` needs a cluster/],
  ])("with %s", async (_, context, outcome) => {
    expect(await key("k8s://ci/cosign", context === undefined ? {} : { context })).toMatch(outcome);
  });

  test("a private key is refused", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const context = secret({ "cosign.pub": Buffer.from(text).toString("base64") });
    expect(await key("k8s://ci/cosign", { context })).toMatch(/^malformed: .* it is a private key$/);
  });
});

test("an unknown scheme is unsupported, and the known ones are named", async () => {
  expect(await key("pkcs11:token=x")).toBe(
    "unsupported: `pkcs11:token=x` is no key reference; known are awskms://, azurekms://, gcpkms://, hashivault://, k8s://",
  );
});
