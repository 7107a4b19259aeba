import { optionalPeer } from "../credentials/optional-peer.ts";
import { SourceError } from "../source-error.ts";
import { badReference } from "./bad-reference.ts";
import { type KeyReader, kmsTimeoutMs } from "./key-reader.ts";

// What we use of @google-cloud/kms, which is optional: its types cannot be imported.
interface Client {
  getPublicKey(
    input: { name: string },
    options: { timeout: number },
  ): Promise<readonly [{ readonly pem?: string | null }]>;
  listCryptoKeyVersions(
    input: { parent: string; filter: string },
    options: { timeout: number },
  ): Promise<readonly [readonly { readonly name?: string | null }[]]>;
  close(): Promise<void>;
}
interface Sdk {
  readonly KeyManagementServiceClient: new () => Client;
}

const form =
  /^gcpkms:\/\/(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+)(?:\/(?:cryptoKeyVersions|versions)\/(\d+))?$/;

/** `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/versions/N]`; without version the newest enabled one. */
export const googleKey: KeyReader = async (reference, options) => {
  const match = form.exec(reference);
  if (match === null)
    throw badReference(reference, "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/versions/N]");
  const [, key = "", version] = match;
  const sdk = (await (options.load ?? optionalPeer)("@google-cloud/kms", "gcpkms://")) as Sdk; // its documented exports
  const client = new sdk.KeyManagementServiceClient();
  try {
    const name =
      version === undefined ? await newestVersion(client, key) : `${key}/cryptoKeyVersions/${version}`;
    const [{ pem }] = await client.getPublicKey({ name }, { timeout: kmsTimeoutMs });
    return pem ?? "";
  } finally {
    await client.close(); // its channel would stay open
  }
};

async function newestVersion(client: Client, key: string): Promise<string> {
  const [versions] = await client.listCryptoKeyVersions(
    { parent: key, filter: "state=ENABLED" },
    { timeout: kmsTimeoutMs },
  );
  const numbers = versions.map(({ name }) => Number(name?.split("/").at(-1))).filter(Number.isSafeInteger);
  if (numbers.length === 0) {
    throw new SourceError("notFound", `\`gcpkms://${key}\` has no enabled version`, { origin: "gcpkms" });
  }
  return `${key}/cryptoKeyVersions/${Math.max(...numbers)}`;
}
