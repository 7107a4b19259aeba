import type { ContextSource } from "@assay/engine";

export interface KmsOptions {
  /** Reads the Secrets that `k8s://namespace/name` names. */
  readonly context?: ContextSource;
  /** `VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_NAMESPACE`, `TRANSIT_SECRET_ENGINE_PATH`, `AWS_REGION`. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For Vault. Default: Node's HTTP client, as for registries. */
  readonly fetch?: typeof globalThis.fetch;
  /** Loads a cloud's package by name. Default: `import`, which needs it installed. */
  readonly load?: (name: string, purpose: string) => Promise<unknown>;
  /** How long a key is used before it is asked for again. Default 5 minutes. */
  readonly keepMs?: number;
}

/** Fetches the public key behind a reference. Throws `SourceError`. */
export type KeyReader = (reference: string, options: KmsOptions, signal: AbortSignal) => Promise<string>;

/** Milliseconds after which a service that does not answer counts as unavailable. */
export const kmsTimeoutMs = 10_000;
