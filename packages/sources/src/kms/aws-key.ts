import { optionalPeer } from "../credentials/optional-peer.ts";
import { badReference } from "./bad-reference.ts";
import type { KeyReader } from "./key-reader.ts";

// What we use of @aws-sdk/client-kms, which is optional: its types cannot be imported.
interface Sdk {
  readonly KMSClient: new (options: {
    region?: string;
    endpoint?: string;
  }) => {
    send(
      command: object,
      options: { abortSignal: AbortSignal },
    ): Promise<{ readonly PublicKey?: Uint8Array }>;
    destroy(): void;
  };
  readonly GetPublicKeyCommand: new (input: { KeyId: string }) => object;
}

const form =
  /^awskms:\/\/([^/]*)\/((?:arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:)?(?:key\/|alias\/)?[A-Za-z0-9/_-]{1,256})$/;

/** `awskms://[endpoint]/(id | alias/name | arn)`: the process's own identity, region from the ARN or `AWS_REGION`. */
export const awsKey: KeyReader = async (reference, options, signal) => {
  const match = form.exec(reference);
  if (match === null) throw badReference(reference, "awskms://[endpoint]/(key id | alias/name | ARN)");
  const [, endpoint = "", keyId = "", arnRegion] = match;
  const sdk = (await (options.load ?? optionalPeer)("@aws-sdk/client-kms", "awskms://")) as Sdk; // its documented exports
  const env = options.env ?? process.env;
  const region = arnRegion ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const client = new sdk.KMSClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === "" ? {} : { endpoint: `https://${endpoint}` }),
  });
  try {
    const command = new sdk.GetPublicKeyCommand({ KeyId: keyId });
    const { PublicKey } = await client.send(command, { abortSignal: signal });
    return pemOf(PublicKey ?? new Uint8Array());
  } finally {
    client.destroy(); // its connections would stay open
  }
};

/** DER as PEM. */
function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}
