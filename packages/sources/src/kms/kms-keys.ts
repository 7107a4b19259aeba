import { createPublicKey } from "node:crypto";
import type { Answer, FetchOptions, KeyLookup, KeySource } from "@assay/engine";
import { LRUCache } from "lru-cache";
import { amount, type Check, callable, checkOptions, object } from "../check-options.ts";
import { abortable, withTimeout } from "../registry/deadline.ts";
import { singleFlight } from "../registry/single-flight.ts";
import { failureOf, SourceError, shown } from "../source-error.ts";
import { awsKey } from "./aws-key.ts";
import { azureKey } from "./azure-key.ts";
import { googleKey } from "./google-key.ts";
import { type KeyReader, type KmsOptions, kmsTimeoutMs } from "./key-reader.ts";
import { secretKey } from "./secret-key.ts";
import { vaultKey } from "./vault-key.ts";

const known: Readonly<Record<keyof KmsOptions, Check>> = {
  ...{ context: object, env: object, fetch: callable, load: callable, keepMs: amount },
};

const readers: ReadonlyMap<string, KeyReader> = new Map([
  ["awskms", awsKey],
  ["azurekms", azureKey],
  ["gcpkms", googleKey],
  ["hashivault", vaultKey],
  ["k8s", secretKey],
]);

/**
 * Public keys by reference, in cosign's spelling: `awskms://…`, `azurekms://…`, `gcpkms://…`, `hashivault://…`,
 * `k8s://namespace/secret`. Only the public key is ever asked for; it was parsed as one when it is answered. The
 * clouds' packages are optional and loaded when the first reference of their kind comes. Throws `SourceError` `misuse` for an
 * option that does not exist or is none: without its `env` another Vault is asked.
 */
export function kmsKeys(options: KmsOptions = {}): KeySource {
  checkOptions(options, known);
  const kept = new LRUCache<string, string>({ max: 500, ttl: options.keepMs ?? 300_000 });
  const flights = singleFlight<string>();

  async function pemOf(reference: string, signal: AbortSignal): Promise<string> {
    const known = kept.get(reference);
    if (known !== undefined) return known;
    const { value } = await flights(reference, { signal }, async ({ signal: shared }) => {
      const pem = await readKey(reference, options, shared);
      kept.set(reference, pem);
      return pem;
    });
    return value;
  }

  return {
    async fetch({ reference }: KeyLookup, { signal }: FetchOptions): Promise<Answer<"kmsKey">> {
      signal.throwIfAborted();
      try {
        return { ok: true, value: { pem: await pemOf(reference, signal) } };
      } catch (error) {
        signal.throwIfAborted();
        return { ok: false, failure: failureOf(error) };
      }
    },
  };
}

async function readKey(reference: string, options: KmsOptions, signal: AbortSignal): Promise<string> {
  const scheme = reference.slice(0, Math.max(reference.indexOf("://"), 0));
  const reader = readers.get(scheme);
  if (reader === undefined) {
    const message = `\`${shown(reference)}\` is no key reference; known are ${[...readers.keys()].map((name) => `${name}://`).join(", ")}`;
    throw new SourceError("unsupported", message, { origin: shown(reference) });
  }
  let pem: string;
  try {
    // The clouds' packages have limits of their own, and do not heed ours everywhere.
    pem = await withTimeout({ signal, milliseconds: kmsTimeoutMs, origin: scheme }, (within) =>
      abortable(reader(reference, options, within), within),
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceError) throw cause;
    // What the clouds' packages throw: their words are the best there are.
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError("unavailable", `key \`${shown(reference)}\`: ${shown(why)}`, {
      origin: scheme,
      cause,
    });
  }
  return normalized(pem, reference);
}

/** The key as PEM, proven to be a public key. */
function normalized(pem: string, reference: string): string {
  try {
    if (pem.includes("PRIVATE KEY")) throw new Error("it is a private key");
    return createPublicKey(pem).export({ type: "spki", format: "pem" }).toString();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `what \`${shown(reference)}\` names is no public key: ${shown(why)}`;
    throw new SourceError("malformed", message, { origin: shown(reference), cause });
  }
}
