import { json } from "@sigstore/core";
import type { Handler } from "../registry/host-fetch.ts";
import { utf8 } from "../signing/encoding.ts";
import { createKey, hashBytes, type SigningKey, signBytes } from "../signing/signing-key.ts";

/** A file that a repository is about, and what the metadata says of it beside its hash. */
export interface TufTarget {
  readonly bytes: Uint8Array;
  readonly custom?: object;
}

/** How one version is published. */
export interface PublishOptions {
  /** Default: the next one. */
  readonly version?: number;
  /** When its timestamp expires, as ISO 8601. Default: in a hundred years, like everything else. */
  readonly expires?: string;
}

/** A TUF repository in memory whose operator we are, honest or not. Nothing is published at first but its root. */
export interface TufRepository {
  /** Text of the first `root.json`, by which clients trust the rest. */
  readonly root: string;
  /** What is served, by the path below the mirror's address; for tampering. */
  readonly files: Map<string, Uint8Array>;
  /** The mirror. */
  readonly handle: Handler;
  /** Publishes a version with these targets, by name. */
  publish(targets: Readonly<Record<string, TufTarget>>, options?: PublishOptions): void;
  /** Another root key, signed by the old and the new one, or only by the new one: an attack. */
  rotateRoot(honest: boolean): void;
}

const FAR = "2126-01-01T00:00:00Z";

/** A throwaway repository: one key for its roots, another one for everything else. */
export function createTufRepository(): TufRepository {
  const files = new Map<string, Uint8Array>();
  const online = createSigner();
  let [rootKey, rootVersion, version] = [createSigner(), 1, 0];
  const addRoot = (signers: readonly TufSigner[]): Uint8Array => {
    const root = signed(rootDocument(rootKey, online, rootVersion), signers);
    files.set(`${rootVersion}.root.json`, root);
    return root;
  };
  const root = Buffer.from(addRoot([rootKey])).toString("utf8");
  return {
    ...{ root, files },
    handle: async (request) => {
      const file = files.get(new URL(request.url).pathname.slice(1));
      return new Response(file, { status: file === undefined ? 404 : 200 });
    },
    publish(targets, options = {}) {
      version = options.version ?? version + 1;
      const add = (type: string, more: object): Uint8Array =>
        signed({ ...header(type, version), ...more }, [online]);
      const described = Object.entries(targets).map(([name, target]) => {
        files.set(`targets/${sha256(target.bytes)}.${name}`, target.bytes);
        return [name, description(target)] as const;
      });
      files.set(`${version}.targets.json`, add("targets", { targets: Object.fromEntries(described) }));
      files.set(`${version}.snapshot.json`, add("snapshot", { meta: { "targets.json": { version } } }));
      const meta = { "snapshot.json": { version } };
      files.set("timestamp.json", add("timestamp", { expires: options.expires ?? FAR, meta }));
    },
    rotateRoot(honest) {
      const old = rootKey;
      rootKey = createSigner();
      rootVersion++;
      addRoot(honest ? [old, rootKey] : [rootKey]);
    },
  };
}

/**
 * A target by which clients that read no `trusted_root.json` find a PEM text: Fulcio's certificates, a key of Rekor or of the
 * CT log (`CTFE`).
 */
export function tufKey(
  pem: string,
  usage: "Fulcio" | "Rekor" | "CTFE",
  status: "Active" | "Expired" = "Active",
): TufTarget {
  return { bytes: utf8(pem), custom: { sigstore: { status, usage } } };
}

interface TufSigner {
  readonly key: SigningKey;
  /** SHA-256 of the description, hex. */
  readonly id: string;
  /** The key, as root metadata names it. */
  readonly description: object;
}

function createSigner(): TufSigner {
  const key = createKey("ed25519");
  const keyval = { public: hex(key.spki.slice(-32)) };
  const description = { keytype: "ed25519", scheme: "ed25519", keyval };
  return { key, id: sha256(canonical(description)), description };
}

function header(type: string, version: number): object {
  return { _type: type, spec_version: "1.0.31", version, expires: FAR };
}

function rootDocument(root: TufSigner, online: TufSigner, version: number): object {
  const names = ["root", "targets", "snapshot", "timestamp"];
  const role = (name: string): object => ({ keyids: [(name === "root" ? root : online).id], threshold: 1 });
  return {
    ...header("root", version),
    consistent_snapshot: true,
    keys: { [root.id]: root.description, [online.id]: online.description },
    roles: Object.fromEntries(names.map((name) => [name, role(name)])),
  };
}

function description({ bytes, custom }: TufTarget): object {
  const file = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
  return custom === undefined ? file : { ...file, custom };
}

function signed(document: object, signers: readonly TufSigner[]): Uint8Array {
  const bytes = canonical(document);
  const signatures = signers.map(({ id, key }) => ({ keyid: id, sig: hex(signBytes(key, bytes)) }));
  return utf8(JSON.stringify({ signatures, signed: document }));
}

/** TUF's canonical JSON is not RFC 8785's, but for plain texts and whole numbers the same. */
function canonical(value: object): Uint8Array {
  return utf8(json.canonicalize(value as never));
}

function sha256(bytes: Uint8Array): string {
  return hex(hashBytes(bytes));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
