import { resolve } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { AssayError } from "./assay-error.ts";
import type { Terminal } from "./terminal.ts";

export interface KubeConfigPlace {
  readonly terminal: Terminal;
  /** Default: where `kubectl` looks, or the service account of the Pod. */
  readonly file?: string;
  /** How the user can name a cluster. */
  readonly hint: string;
}

/** Loads how to reach the cluster. The client library would take `http://localhost:8080` where it finds no configuration at all. */
export function loadKubeConfig(config: KubeConfig, { terminal, file, hint }: KubeConfigPlace): void {
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(resolve(terminal.cwd, file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const which = file === undefined ? "the kubeconfig" : `\`${file}\``;
    throw new AssayError("usage", `${which} cannot be used: ${reason}`, { hint, cause });
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || server === "http://localhost:8080") {
    throw new AssayError("usage", "there is no cluster: no kubeconfig names one", { hint });
  }
}
