import type { BytesCache } from "../cache/bytes-cache.ts";
import type { Limits } from "../oci/limits.ts";
import type { CredentialProvider } from "./credential.ts";
import type { Clock } from "./deadline.ts";
import type { RequestEvent } from "./exchange.ts";
import type { Mirror } from "./mirrors.ts";
import type { RetryOptions } from "./retry.ts";

/** How registries are asked. Everything has a safe default. */
export interface RegistryOptions {
  /**
   * Default: Node's HTTP client, or the global `fetch` where the process has put another one, or a dispatcher, in its
   * place. Own CAs, client certificates and proxies come in here, see `registryFetch`. Any other one connects as it likes:
   * whether a host that a registry sends us to is private is then asked only before.
   */
  readonly fetch?: typeof globalThis.fetch;
  /** Asked in order for each registry; none: anonymous. See `dockerConfigCredentials` and `pullSecretCredentials`. */
  readonly credentials?: readonly CredentialProvider[];
  /** Token servers that may receive a registry's credentials though they are another host: registry → hosts. */
  readonly tokenHosts?: Readonly<Record<string, readonly string[]>>;
  /** Hosts (`host[:port]`) that may be asked by plain http. Loopback always may. */
  readonly insecureHosts?: readonly string[];
  /** Loopback hosts (`host[:port]`) that speak TLS all the same. */
  readonly tlsHosts?: readonly string[];
  /** Hosts on private networks that registries may redirect to or use as token server. Default none. */
  readonly allowPrivateHosts?: readonly string[];
  readonly mirrors?: readonly Mirror[];
  /** Put before the tags of signatures and attestations (`<prefix>sha256-<hex>.sig`). Default none. */
  readonly tagPrefix?: string;
  /**
   * Milliseconds for which it is remembered what hangs on an image: a signature or attestation that is made (or removed)
   * counts that much later. That nothing hangs there is remembered 5 s at most. What an image's own tag points to is never
   * among it. Default 0: nothing is. For servers that judge the same images again and again, say 30,000.
   */
  readonly listingTtlMs?: number;
  readonly limits?: Partial<Limits>;
  /** Bytes by digest. Default: 64 MiB in memory. */
  readonly cache?: BytesCache;
  /** Requests under way per host. Default 16. */
  readonly concurrency?: number;
  /** Milliseconds that one request may take, with its body. Default 15 s. */
  readonly timeoutMs?: number;
  readonly retry?: RetryOptions;
  /** Told of each HTTP request; for counts, metrics and debugging. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** How names of hosts that a registry sends us to are resolved, to check and to connect. Default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  /** Default: the system's clock and randomness. */
  readonly clock?: Clock;
}
