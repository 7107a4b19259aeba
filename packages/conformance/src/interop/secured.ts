import { mkdirSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { assayWith, freshImage, type Interop } from "./agreement.ts";
import { run, startSecuredRegistry } from "./processes.ts";

const PORT = 5003;
/** `htpasswd -B` of `assay:assay-interop`. */
const HTPASSWD = "assay:$2b$05$abcdefghijklmnopqrstuujA0aWifSw4EvrAl8oL7RqD6xNKIWUhq\n";

/** Loopback is spoken to over plain http, so this registry needs another of the machine's addresses. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

/**
 * The same storage behind TLS by a certificate authority of its own, and a password: who may not read gets `error`
 * with its reason, never "not signed".
 */
export async function checkSecured(
  interop: Interop,
  {
    binary,
    storage,
    directory,
  }: { readonly binary: string; readonly storage: string; readonly directory: string },
): Promise<void> {
  const { checks, cosign, keys } = interop;
  const address = ownAddress();
  if (address === undefined) return;
  const host = `${address}:${PORT}`;
  mkdirSync(directory, { recursive: true });
  const image = await freshImage(interop, "secured");
  cosign.sign(image.byDigest, keys.ecdsa, "legacy");
  const ca = makeCertificates(directory, address);
  writeFileSync(join(directory, "htpasswd"), HTPASSWD);
  const registry = await startSecuredRegistry(binary, { host, directory, storage });
  try {
    const rows = [
      ["the right password", "assay-interop", ca, 0, ""],
      ["a wrong password", "nonsense", ca, 2, "unauthorized"],
      ["no password", undefined, ca, 2, "unauthorized"],
      ["an unknown certificate authority", "assay-interop", undefined, 2, "certificate"],
    ] as const;
    for (const [sentence, password, authority, status, reason] of rows) {
      const config = dockerConfig(directory, host, password);
      const env: Readonly<Record<string, string>> =
        authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority };
      const flags = ["--key", `${keys.ecdsa}.pub`, "--insecure-ignore-tlog", "--registry-config", config];
      const ended = assayWith(env, "verify", `${host}/${image.name}@${image.digest}`, ...flags);
      const holds =
        ended.status === status &&
        ended.output.includes(reason) &&
        !/no matching signatures/.test(status === 0 ? "" : ended.output);
      checks.that(
        `registry with TLS and password: ${sentence}: exit status ${status}${reason && ` (${reason})`}`,
        holds,
        `exit status ${ended.status}: ${ended.output}`,
      );
    }
  } finally {
    registry.stop();
  }
}

/** An authority and a server certificate for the address. Returns the authority's file. */
function makeCertificates(directory: string, address: string): string {
  const authority = [
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=assay interop CA",
    "-addext",
    "basicConstraints=critical,CA:TRUE",
  ];
  const leaf = [
    "-keyout",
    "server.key",
    "-out",
    "server.crt",
    "-subj",
    `/CN=${address}`,
    "-addext",
    `subjectAltName=IP:${address}`,
  ];
  const common = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  for (const args of [
    [...common, ...authority],
    [
      ...common,
      ...leaf,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    ],
  ]) {
    const { status, output } = run("openssl", args, { cwd: directory });
    if (status !== 0) throw new Error(`openssl ended with ${status}: ${output}`);
  }
  return join(directory, "ca.crt");
}

function dockerConfig(directory: string, host: string, password: string | undefined): string {
  const path = join(directory, "config.json");
  const auth = Buffer.from(`assay:${password}`).toString("base64");
  writeFileSync(path, JSON.stringify({ auths: password === undefined ? {} : { [host]: { auth } } }));
  return path;
}
