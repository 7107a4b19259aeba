import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Role {
  readonly key: KeyObject;
  readonly id: string;
  readonly description: object;
}

/** A TUF repository on loopback whose operator we are, honest or not. */
export interface TestTufRepository {
  readonly url: string;
  /** The first root. */
  readonly root: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  /** Called before a request is answered. */
  beforeAnswer: (path: string) => Promise<void>;
  /** Files by path, for tampering. */
  readonly files: Map<string, Buffer>;
  /** Publishes a new version of everything; `expires` of the timestamp. */
  publish(trustedRoot: string, options?: { readonly version?: number; readonly expires?: string }): void;
  /** Rotates the root key, signed by the old and the new one (or only by the new one: an attack). */
  rotateRoot(honest: boolean): void;
  /** No more answers. */
  goDown(): void;
  close(): Promise<void>;
}

const far = "2126-01-01T00:00:00Z";

export async function tufRepository(): Promise<TestTufRepository> {
  const roles = { root: role(), online: role() };
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  let down = false;
  let rootVersion = 1;
  let rootRole = roles.root;
  let version = 0;

  const rootDocument = (signers: readonly Role[]): Buffer =>
    signed(
      {
        _type: "root",
        spec_version: "1.0.31",
        version: rootVersion,
        expires: far,
        consistent_snapshot: true,
        keys: { [rootRole.id]: rootRole.description, [roles.online.id]: roles.online.description },
        roles: Object.fromEntries(
          ["root", "targets", "snapshot", "timestamp"].map((name) => [
            name,
            { keyids: [name === "root" ? rootRole.id : roles.online.id], threshold: 1 },
          ]),
        ),
      },
      signers,
    );
  const firstRoot = rootDocument([roles.root]);
  files.set("1.root.json", firstRoot);

  const server = createServer(async (incoming, outgoing) => {
    const path = (incoming.url ?? "/").slice(1);
    requests.push(path);
    await repository.beforeAnswer(path);
    if (down) return void outgoing.destroy();
    const file = files.get(path);
    outgoing.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const repository: TestTufRepository = {
    beforeAnswer: async () => undefined,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    root: firstRoot.toString(),
    requests,
    files,
    publish(trustedRoot, options = {}) {
      version = options.version ?? version + 1;
      const bytes = Buffer.from(trustedRoot);
      const hash = createHash("sha256").update(bytes).digest("hex");
      const common = { spec_version: "1.0.31", version, expires: far };
      const target = { length: bytes.length, hashes: { sha256: hash } };
      const sign = (document: object): Buffer => signed(document, [roles.online]);
      const targets = sign({ _type: "targets", ...common, targets: { "trusted_root.json": target } });
      const snapshot = sign({ _type: "snapshot", ...common, meta: { "targets.json": { version } } });
      const meta = { "snapshot.json": { version } };
      files.set(`targets/${hash}.trusted_root.json`, bytes);
      files.set(`${version}.targets.json`, targets);
      files.set(`${version}.snapshot.json`, snapshot);
      files.set(
        "timestamp.json",
        sign({ _type: "timestamp", ...common, expires: options.expires ?? far, meta }),
      );
    },
    rotateRoot(honest) {
      const old = rootRole;
      rootRole = role();
      rootVersion++;
      files.set(`${rootVersion}.root.json`, rootDocument(honest ? [old, rootRole] : [rootRole]));
    },
    goDown: () => {
      down = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return repository;
}

function role(): Role {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
  const description = { keytype: "ed25519", scheme: "ed25519", keyval: { public: raw } };
  const id = createHash("sha256").update(canonical(description)).digest("hex");
  return { key: privateKey, id, description };
}

function signed(document: object, signers: readonly Role[]): Buffer {
  const bytes = Buffer.from(canonical(document));
  const signatures = signers.map(({ id, key }) => ({
    keyid: id,
    sig: sign(null, bytes, key).toString("hex"),
  }));
  return Buffer.from(JSON.stringify({ signatures, signed: document }));
}

/** OLPC's canonical JSON, for the values used here. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
}
