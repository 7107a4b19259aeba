import { createPublicKey } from "node:crypto";
import { optionalPeer } from "../credentials/optional-peer.ts";
import { badReference } from "./bad-reference.ts";
import type { KeyReader } from "./key-reader.ts";

// What we use of @azure/keyvault-keys and @azure/identity, which are optional: their types cannot be imported.
interface KeysSdk {
  readonly KeyClient: new (
    vault: string,
    credential: object,
  ) => {
    getKey(
      name: string,
      options: { version?: string; abortSignal: AbortSignal },
    ): Promise<{ readonly key?: Readonly<Record<string, Uint8Array | string | undefined>> }>;
  };
}
interface IdentitySdk {
  readonly DefaultAzureCredential: new () => object;
}

// INVARIANT: the credential's token goes to Azure's own key vaults only.
const form =
  /^azurekms:\/\/([a-z0-9-]+\.(?:vault\.azure\.net|vault\.azure\.cn|vault\.usgovcloudapi\.net|managedhsm\.azure\.net))\/([A-Za-z0-9-]{1,127})(?:\/([0-9a-f]{32}))?$/;

/** `azurekms://VAULT.vault.azure.net/KEY[/VERSION]`. */
export const azureKey: KeyReader = async (reference, options, signal) => {
  const match = form.exec(reference);
  if (match === null) throw badReference(reference, "azurekms://VAULT.vault.azure.net/KEY[/VERSION]");
  const [, host = "", name = "", version] = match;
  const load = options.load ?? optionalPeer;
  const { KeyClient } = (await load("@azure/keyvault-keys", "azurekms://")) as KeysSdk; // its documented exports
  const { DefaultAzureCredential } = (await load("@azure/identity", "azurekms://")) as IdentitySdk; // its documented exports
  const client = new KeyClient(`https://${host}`, new DefaultAzureCredential());
  const { key = {} } = await client.getKey(name, {
    abortSignal: signal,
    ...(version === undefined ? {} : { version }),
  });
  return pemOf(key);
};

/** A vault's JWK: numbers are bytes, and keys in hardware are called `EC-HSM` and `RSA-HSM`. */
function pemOf(key: Readonly<Record<string, Uint8Array | string | undefined>>): string {
  const encoded = ["x", "y", "n", "e"].flatMap((part) => {
    const value = key[part];
    return value instanceof Uint8Array ? [[part, Buffer.from(value).toString("base64url")]] : [];
  });
  const jwk = {
    kty: String(key["kty"]).replace(/-HSM$/, ""),
    crv: key["crv"],
    ...Object.fromEntries(encoded),
  };
  return createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" }).toString();
}
