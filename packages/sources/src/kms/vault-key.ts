import { fieldOf, parseObject, text } from "../oci/manifest.ts";
import { directExchange } from "../registry/direct-exchange.ts";
import { exchange, type Incoming } from "../registry/exchange.ts";
import { SourceError } from "../source-error.ts";
import { badReference } from "./bad-reference.ts";
import { type KeyReader, type KmsOptions, kmsTimeoutMs } from "./key-reader.ts";

const maxBytes = 1024 * 1024;

/**
 * `hashivault://KEY`: the newest version of a key of Vault's (or OpenBao's) transit engine, by
 * `GET $VAULT_ADDR/v1/transit/keys/KEY`.
 */
export const vaultKey: KeyReader = async (reference, options, signal) => {
  const match = /^hashivault:\/\/([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,254}[A-Za-z0-9_])?)$/.exec(reference);
  if (match === null) throw badReference(reference, "hashivault://KEY");
  const env = options.env ?? process.env;
  const address = env["VAULT_ADDR"] ?? "";
  if (!URL.canParse(address)) {
    throw new SourceError("unavailable", `\`${reference}\` needs the address of Vault in VAULT_ADDR`, {
      origin: reference,
    });
  }
  const engine = env["TRANSIT_SECRET_ENGINE_PATH"] ?? "transit";
  const url = new URL(`/v1/${engine}/keys/${match[1]}`, address);
  const headers: Record<string, string> = { accept: "application/json" };
  if (env["VAULT_TOKEN"]) headers["x-vault-token"] = env["VAULT_TOKEN"];
  if (env["VAULT_NAMESPACE"]) headers["x-vault-namespace"] = env["VAULT_NAMESPACE"];
  return newestKey(await send(url, headers, options, signal), reference);
};

function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: KmsOptions,
  signal: AbortSignal,
): Promise<Incoming> {
  const outgoing = { url, headers, limit: maxBytes, signal, count: () => undefined };
  // A standby node may redirect to the active one; the token is not sent along, so that ends in 403 with these words.
  return exchange(
    outgoing,
    directExchange({ fetch: options.fetch, timeoutMs: kmsTimeoutMs, host: url.host }),
  );
}

function newestKey(incoming: Incoming, reference: string): string {
  const origin = incoming.url.host;
  const answer = parseObject(incoming.bytes);
  if (incoming.status !== 200) {
    const errors = fieldOf(answer, "errors");
    const said = Array.isArray(errors) ? incoming.said(errors.join(", ")) : "";
    const message = `Vault \`${origin}\` answered ${incoming.status} for \`${reference}\`${said === "" ? "" : `: ${said}`}`;
    throw new SourceError(codeOf(incoming.status), message, { origin, status: incoming.status });
  }
  const data = fieldOf(answer, "data");
  const keys = fieldOf(data, "keys");
  const latest = String(fieldOf(data, "latest_version"));
  const key = fieldOf(keys, latest);
  const pem = text(fieldOf(key, "public_key"));
  if (pem !== undefined && pem !== "") return pem;
  throw new SourceError("malformed", `Vault \`${origin}\` has no public key for \`${reference}\``, {
    origin,
  });
}

function codeOf(status: number): SourceError["code"] {
  if (status === 404) return "notFound";
  if (status === 429) return "rateLimited";
  return status >= 500 ? "unavailable" : "unauthorized";
}
