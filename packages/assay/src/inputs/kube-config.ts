import { readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { AssayError } from "../assay-error.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface KubeConfigPlace {
  readonly terminal: Terminal;
  /** Default: where `kubectl` looks, or the service account of the Pod. */
  readonly file?: string;
  /** How the user can name a cluster. */
  readonly hint: string;
}

/** Loads how to reach the cluster. The client library would take `http://localhost:8080` where it finds no configuration at all. */
export function loadKubeConfig(config: KubeConfig, place: KubeConfigPlace): void {
  const { terminal, file, hint } = place;
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(resolve(terminal.cwd, file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AssayError("usage", `${filesOf(place)} cannot be used: ${reason}`, { hint, cause });
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || server === "http://localhost:8080") {
    const where =
      file === undefined ? "there is no cluster: no kubeconfig names one" : `\`${file}\` names no cluster`;
    throw new AssayError("usage", where, { hint });
  }
}

/**
 * What tells one cluster from another: its address, and its authority, since from inside every API server has the same address.
 * INVARIANT: what was found in one cluster is not taken for what another one has.
 */
export function clusterIdentity(config: KubeConfig): string {
  const { server, caData, caFile } = config.getCurrentCluster() ?? {};
  try {
    const file = caData === undefined && caFile !== undefined ? readFileSync(caFile, "base64") : undefined;
    return JSON.stringify([server, caData ?? file]);
  } catch (cause) {
    throw new AssayError("usage", `the cluster's authority \`${caFile}\` cannot be read`, { cause });
  }
}

/** The files that the configuration was read from, in the client library's order. */
function filesOf({ terminal: { env }, file }: KubeConfigPlace): string {
  if (file !== undefined) return `kubeconfig \`${file}\``;
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((name) => name !== "");
  const [only, ...more] = listed.length > 0 ? listed : [join(env["HOME"] ?? "~", ".kube", "config")];
  const from = listed.length > 0 ? " (of $KUBECONFIG)" : "";
  if (more.length === 0) return `kubeconfig \`${only}\`${from}`;
  return `one of the kubeconfigs ${listed.map((name) => `\`${name}\``).join(", ")}${from}`;
}
