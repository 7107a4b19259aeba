import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, unwatchFile, watchFile } from "node:fs";
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
  const cert = read(files.certFile);
  const key = read(files.keyFile);
  try {
    createSecureContext({ cert, key });
    // OpenSSL itself compares the two only where both are of one kind (EC, RSA): with others every handshake would fail.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error("another key's certificate");
  } catch (cause) {
    throw new WebhookError(
      "badTls",
      files.certFile,
      `\`${files.certFile}\` and \`${files.keyFile}\` are no certificate with its key`,
      cause,
    );
  }
  return { cert, key };
}

/**
 * Calls `changed` with the new material whenever a file changes. Polls: mounted Secrets are swapped by symbolic
 * links, which file system events miss. A pair that does not fit (half written) is reported and the old one kept.
 * Returns a function that stops.
 */
export function watchTlsFiles(
  files: TlsFiles,
  changed: (material: TlsMaterial) => void,
  failed: (error: unknown) => void,
  intervalMs = 5000,
): () => void {
  const reload = (): void => {
    try {
      changed(readTlsFiles(files));
    } catch (error) {
      failed(error);
    }
  };
  const paths = [files.certFile, files.keyFile];
  for (const path of paths) watchFile(path, { interval: intervalMs, persistent: false }, reload);
  return () => {
    for (const path of paths) unwatchFile(path, reload);
  };
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
