import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ended, run } from "./processes.ts";

/** How cosign stores what it signs. */
export type CosignFormat = "legacy" | "bundle";

/** `ecdsa` is what `cosign generate-key-pair` makes; the others are imported. */
export type CosignKeyKind = "ecdsa" | "rsa" | "p384" | "p521" | "ed25519";

/** The real cosign, with a home of its own, offline. */
export interface Cosign {
  /** Makes a key pair and returns the path without `.key` and `.pub`. */
  readonly createKey: (name: string, kind: CosignKeyKind) => string;
  readonly sign: (image: string, key: string, format: CosignFormat, more?: readonly string[]) => void;
  /** Signs with a key that cosign reads by its URI, as the environment says. */
  readonly signWith: (image: string, uri: string, env: Readonly<Record<string, string>>) => Ended;
  /** Signs a file's bytes. Returns the bundle's path. */
  readonly signBlob: (file: string, key: string) => string;
  readonly attest: (image: string, key: string, attestation: CosignAttestation) => void;
  readonly verify: (image: string, key: string, more?: readonly string[]) => Ended;
  readonly run: (...args: readonly string[]) => Ended;
  readonly verifyAttestation: (image: string, key: string, type: string) => Ended;
}

export interface CosignAttestation {
  /** One of cosign's short names, or a URI. */
  readonly type: string;
  readonly predicate: unknown;
  readonly format: CosignFormat;
  readonly more?: readonly string[];
}

/** Flags by which cosign logs what it signs. */
export function loggedAt(url: string): readonly string[] {
  return ["--tlog-upload=true", "--rekor-url", url];
}

/** Flags without which cosign asks the public instances, which an offline machine cannot reach. */
const OFFLINE = ["-y", "--tlog-upload=false", "--use-signing-config=false"];

/** The binary, with its keys and predicates in `directory`. */
export function cosignAt(binary: string, directory: string): Cosign {
  mkdirSync(directory, { recursive: true });
  const env = { COSIGN_PASSWORD: "", HOME: directory, COSIGN_YES: "true" };
  const cosignIn = (more: Readonly<Record<string, string>>, args: readonly string[]): Ended =>
    run(binary, args, { env: { ...env, ...more }, cwd: directory });
  const cosign = (...args: readonly string[]): Ended => cosignIn({}, args);
  const must = (...args: readonly string[]): void => {
    const { status, output } = cosign(...args);
    if (status !== 0) throw new Error(`cosign ${args.join(" ")} ended with ${status}: ${output}`);
  };
  let files = 0;
  return {
    run: cosign,
    createKey(name, kind) {
      const path = join(directory, name);
      if (kind === "ecdsa") must("generate-key-pair", "--output-key-prefix", name);
      else {
        writeFileSync(`${path}.pem`, newPrivateKey(kind));
        must("import-key-pair", "-y", "--key", `${path}.pem`, "--output-key-prefix", name);
      }
      return path;
    },
    sign(image, key, format, more = []) {
      must("sign", ...OFFLINE, bundleFlag(format), "--key", `${key}.key`, ...more, image);
    },
    signWith: (image, uri, more) =>
      cosignIn(more, ["sign", ...OFFLINE, bundleFlag("legacy"), "--key", uri, image]),
    signBlob(file, key) {
      const bundle = join(directory, `bundle-${files++}.json`);
      must("sign-blob", ...OFFLINE, "--key", `${key}.key`, "--bundle", bundle, file);
      return bundle;
    },
    attest(image, key, { type, predicate, format, more = [] }) {
      const file = join(directory, `predicate-${files++}.json`);
      writeFileSync(file, typeof predicate === "string" ? predicate : JSON.stringify(predicate));
      const what = ["--type", type, "--predicate", file];
      must("attest", ...OFFLINE, bundleFlag(format), "--key", `${key}.key`, ...what, ...more, image);
    },
    verify: (image, key, more = []) =>
      cosign("verify", "--insecure-ignore-tlog=true", "--key", `${key}.pub`, ...more, image),
    verifyAttestation: (image, key, type) =>
      cosign(
        "verify-attestation",
        "--insecure-ignore-tlog=true",
        "--key",
        `${key}.pub`,
        "--type",
        type,
        image,
      ),
  };
}

function newPrivateKey(kind: Exclude<CosignKeyKind, "ecdsa">): string {
  return newKeyPair(kind).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function newKeyPair(kind: Exclude<CosignKeyKind, "ecdsa">): { readonly privateKey: KeyObject } {
  switch (kind) {
    case "rsa":
      return generateKeyPairSync("rsa", { modulusLength: 3072 });
    case "p384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" });
    case "p521":
      return generateKeyPairSync("ec", { namedCurve: "P-521" });
    case "ed25519":
      return generateKeyPairSync("ed25519");
  }
}

function bundleFlag(format: CosignFormat): string {
  return `--new-bundle-format=${format === "bundle"}`;
}
