import { Buffer } from "node:buffer";
import { createHash, X509Certificate } from "node:crypto";
import { AssayError } from "./assay-error.ts";

/** One entry of a transparency log, as the log tells it: nothing here is verified. */
export interface RekorEntry {
  readonly uuid: string;
  readonly logIndex: number;
  /** RFC 3339. */
  readonly integratedTime: string;
  readonly kind: string;
  /** What was signed, e.g. `sha256:…`. */
  readonly hash?: string;
  /** Subject names of the certificate, or the id of the key. */
  readonly signers: readonly string[];
}

export interface RekorOptions {
  /** Default `https://rekor.sigstore.dev`. */
  readonly url?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
  /** Most entries that are read. Default 20. */
  readonly limit?: number;
}

export interface RekorFindings {
  readonly entries: readonly RekorEntry[];
  /** How many entries the index named; more than were read where `limit` was reached. */
  readonly total: number;
}

const PUBLIC_REKOR = "https://rekor.sigstore.dev";
const MAX_BODY = 8 * 1024 * 1024;
const UUID = /^[0-9a-f]{64}([0-9a-f]{16})?$/;

/** Asks a Rekor v1 log which entries speak about a SHA-256 digest (`sha256:…` or plain hex). */
export async function searchRekor(digest: string, options: RekorOptions = {}): Promise<RekorFindings> {
  const hash = digest.replace(/^sha256:/, "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw new AssayError("usage", `\`${digest}\` is not a SHA-256 digest`, {
      hint: "64 hexadecimal digits, with or without `sha256:` before them",
    });
  }
  const found = await ask("/api/v1/index/retrieve", options, { hash: `sha256:${hash}` });
  const uuids = (Array.isArray(found) ? found : []).filter(
    (uuid) => typeof uuid === "string" && UUID.test(uuid),
  );
  const limit = options.limit ?? 20;
  const entries: RekorEntry[] = [];
  for (const uuid of uuids.slice(0, limit)) {
    entries.push(...readEntries(await ask(`/api/v1/log/entries/${uuid}`, options)));
  }
  return { entries: entries.sort((a, b) => a.logIndex - b.logIndex), total: uuids.length };
}

/** The entry at one index of the log. */
export async function rekorEntryAt(logIndex: number, options: RekorOptions = {}): Promise<RekorFindings> {
  const entries = readEntries(await ask(`/api/v1/log/entries?logIndex=${logIndex}`, options));
  return { entries, total: entries.length };
}

/**
 * Where to look for a file that has to do with a signature: a Sigstore bundle names its own log indexes; anything else
 * (the payload that cosign signed, a blob) is found by its digest.
 */
export function rekorQueryOf(
  bytes: Uint8Array,
): { readonly digest: string } | { readonly logIndexes: readonly number[] } {
  const logIndexes = bundleLogIndexes(bytes);
  if (logIndexes.length > 0) return { logIndexes };
  return { digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

function bundleLogIndexes(bytes: Uint8Array): readonly number[] {
  const material = own(parseOrUndefined(Buffer.from(bytes).toString("utf8")), "verificationMaterial");
  const entries = own(material, "tlogEntries");
  if (!Array.isArray(entries)) return [];
  return entries
    .map((entry) => Number(own(entry, "logIndex")))
    .filter((index) => Number.isSafeInteger(index) && index >= 0);
}

async function ask(path: string, options: RekorOptions, body?: object): Promise<unknown> {
  const request = {
    url: options.url ?? PUBLIC_REKOR,
    path,
    signal: options.signal ?? new AbortController().signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const { askRekor } = await import("@assay/sources/rekor");
  try {
    const { value } = await askRekor(request, {
      maxBytes: MAX_BODY,
      timeoutMs: 30_000,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    });
    return value;
  } catch (error) {
    const { SourceError } = await import("@assay/sources");
    if (!(error instanceof SourceError)) throw error;
    throw new AssayError("unavailable", error.message, {
      hint: "check the address and the network, or name another log with --rekor-url",
      cause: error,
    });
  }
}

function readEntries(answer: unknown): readonly RekorEntry[] {
  if (typeof answer !== "object" || answer === null) return [];
  return Object.entries(answer).map(([uuid, entry]) => {
    const body = parseOrUndefined(Buffer.from(String(own(entry, "body") ?? ""), "base64").toString("utf8"));
    const hash = hashOf(own(body, "spec"));
    return {
      uuid,
      logIndex: Number(own(entry, "logIndex")),
      integratedTime: timeText(Number(own(entry, "integratedTime"))),
      kind: String(own(body, "kind") ?? "unknown"),
      signers: signersOf(own(body, "spec")),
      ...(hash === undefined ? {} : { hash }),
    };
  });
}

/** A log may say any number, also one that is no time. */
function timeText(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? "unknown" : time.toISOString();
}

/** hashedrekord: data.hash; dsse: payloadHash; intoto: content.payloadHash. */
function hashOf(spec: unknown): string | undefined {
  const hash =
    own(own(spec, "data"), "hash") ?? own(spec, "payloadHash") ?? own(own(spec, "content"), "payloadHash");
  const value = own(hash, "value");
  return typeof value === "string" ? `${String(own(hash, "algorithm") ?? "sha256")}:${value}` : undefined;
}

/** hashedrekord: signature.publicKey.content; dsse: signatures[].verifier; intoto: publicKey or content.envelope. */
function signersOf(spec: unknown): readonly string[] {
  const signatures = own(spec, "signatures");
  const envelope = own(own(own(spec, "content"), "envelope"), "signatures");
  const keys = [
    own(own(own(spec, "signature"), "publicKey"), "content"),
    own(spec, "publicKey"),
    ...(Array.isArray(signatures) ? signatures.map((signature) => own(signature, "verifier")) : []),
    ...(Array.isArray(envelope) ? envelope.map((signature) => own(signature, "publicKey")) : []),
  ];
  return keys.flatMap((key) =>
    typeof key === "string" ? [signerName(Buffer.from(key, "base64").toString("utf8"))] : [],
  );
}

function signerName(pem: string): string {
  if (!pem.includes("BEGIN CERTIFICATE")) {
    return `key sha256:${createHash("sha256")
      .update(pem.replace(/-----[^-]+-----|\s/g, ""), "base64")
      .digest("hex")}`;
  }
  try {
    const certificate = new X509Certificate(pem);
    return certificate.subjectAltName ?? certificate.subject;
  } catch {
    return "unreadable certificate";
  }
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
