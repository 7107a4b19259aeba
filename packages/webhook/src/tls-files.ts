import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { WebhookError } from "./webhook-error.ts";

/** PEM files as cert-manager and Kubernetes mount them. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Reads both files and checks that they belong together. Throws `WebhookError` `badTls` naming the file. */
export function readTlsFiles(files: TlsFiles): TlsMaterial {
  if (typeof files?.certFile !== "string" || typeof files.keyFile !== "string") {
    throw new WebhookError(
      "badTls",
      "tls",
      "`tls` names no `certFile` and `keyFile`: files, so that rotated ones are read",
    );
  }
  return fitting(files, readPair(files));
}

function readPair({ certFile, keyFile }: TlsFiles): TlsMaterial {
  return { cert: read(certFile), key: read(keyFile) };
}

function fitting(files: TlsFiles, material: TlsMaterial): TlsMaterial {
  try {
    createSecureContext({ ...material });
    // OpenSSL itself compares the two only where both are of one kind (EC, RSA): with others every handshake would fail.
    if (!new X509Certificate(material.cert).checkPrivateKey(createPrivateKey(material.key)))
      throw new Error("another key's certificate");
    return material;
  } catch (cause) {
    throw new WebhookError(
      "badTls",
      files.certFile,
      `\`${files.certFile}\` and \`${files.keyFile}\` are no certificate with its key`,
      cause,
    );
  }
}

/** Why clients refuse a certificate, or one of its chain, and between which dates they would not. */
export interface OutOfTime {
  readonly problem: "has expired" | "is not valid yet";
  readonly subject: string;
  /** RFC 3339. */
  readonly validFrom: string;
  readonly validTo: string;
}

/** The first certificate of a PEM text that does not hold at `now`; undefined: all of them hold. */
export function outOfTime(pem: Buffer, now: number): OutOfTime | undefined {
  for (const { subject, validFrom, validTo } of certificatesIn(pem.toString("latin1"))) {
    const [from, to] = [new Date(validFrom), new Date(validTo)];
    const dates = { subject, validFrom: from.toISOString(), validTo: to.toISOString() };
    if (now > to.getTime()) return { problem: "has expired", ...dates };
    if (now < from.getTime()) return { problem: "is not valid yet", ...dates };
  }
  return undefined;
}

/** When the first certificate of a PEM text ends, in milliseconds since 1970: clients refuse it from then on. */
export function endOf(pem: Buffer): number {
  const ends = certificatesIn(pem.toString("latin1")).map(({ validTo }) => new Date(validTo).getTime());
  return Math.min(...ends);
}

/**
 * The authorities of a PEM text. Throws `WebhookError` `badTls` where there are none: OpenSSL would pass over what it
 * cannot read, and Node takes an empty text for "those that everybody trusts", so that anybody's certificate would do.
 */
export function checkAuthorities(pem: string): string {
  const refuse = (cause?: unknown): WebhookError =>
    new WebhookError(
      "badTls",
      "clientCa",
      "`clientCa` is not the PEM text of certificate authorities",
      cause,
    );
  let count: number;
  try {
    count = certificatesIn(pem).length;
  } catch (cause) {
    throw refuse(cause);
  }
  if (count === 0) throw refuse();
  return pem;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Who is told of the files. */
export interface TlsWatcher {
  readonly changed: (material: TlsMaterial) => void;
  /** The old pair stays. Once for each reason. */
  readonly failed: (error: unknown) => void;
  /** After each look. */
  readonly looked: () => void;
}

/**
 * Calls `changed` with the new material whenever the files hold something else than `current`, or than at the last look. Polls:
 * mounted Secrets are swapped by symbolic links, which file system events miss. A pair that does not fit (half written) is
 * reported and the old one kept. Returns a function that stops.
 */
export function watchTlsFiles(
  files: TlsFiles,
  current: TlsMaterial,
  { changed, failed, looked }: TlsWatcher,
  intervalMs = 5000,
): () => void {
  let [seen, problem] = [current, ""];
  const look = (): void => {
    try {
      const found = readPair(files);
      problem = "";
      if (found.cert.equals(seen.cert) && found.key.equals(seen.key)) return;
      seen = found;
      changed(fitting(files, found));
    } catch (error) {
      if (String(error) !== problem) failed(error);
      problem = String(error);
    } finally {
      looked();
    }
  };
  const timer = setInterval(look, intervalMs).unref();
  return () => clearInterval(timer);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const why = isMissing ? ": there is none" : "";
    throw new WebhookError("badTls", file, `TLS file \`${file}\` can't be read${why}`, cause);
  }
}
