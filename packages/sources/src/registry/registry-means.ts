import { lookup as resolveName } from "node:dns/promises";
import type { BytesCache } from "../cache/bytes-cache.ts";
import { memoryCache } from "../cache/memory-cache.ts";
import type { CredentialProvider } from "../credentials/credential.ts";
import { byteTurns } from "../oci/byte-turns.ts";
import { candidateMemory } from "../oci/candidate-memory.ts";
import { type Limits, limitsOf } from "../oci/limits.ts";
import { authenticator } from "./authenticator.ts";
import { checkRegistryOptions } from "./check-registry-options.ts";
import { type Clock, systemClock } from "./deadline.ts";
import { digestMemory } from "./digest-memory.ts";
import type { ExchangeOptions, RequestEvent } from "./exchange.ts";
import { hostsOf } from "./host-names.ts";
import { listingMemory } from "./listing-memory.ts";
import type { Mirror } from "./mirrors.ts";
import type { RepositoryOptions } from "./registry-repository.ts";
import type { RetryOptions } from "./retry.ts";
import { transport } from "./transport.ts";
import { publicWireOf, wireOf } from "./wires.ts";

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

/** Milliseconds for which a repository is known to have no referrers API. */
const noReferrersMs = 60_000;

/** Everything that lookups share, made once of the options. Throws `SourceError` `misuse` for options and hosts that are none. */
export function registryMeans(options: RegistryOptions): RepositoryOptions {
  checkRegistryOptions(options);
  const clock = options.clock ?? systemClock;
  const resolve = options.resolve ?? addressesOf;
  const turns = byteTurns();
  const insecureHosts = hostsOf(options.insecureHosts, "insecureHosts");
  const tlsHosts = hostsOf(options.tlsHosts, "tlsHosts");
  const exchange: ExchangeOptions = {
    wire: wireOf(options.fetch),
    publicWire: publicWireOf(options.fetch, resolve),
    timeoutMs: options.timeoutMs ?? 15_000,
    now: clock.now,
    turns,
    onRequest: options.onRequest,
    borders: {
      allowPrivateHosts: hostsOf(options.allowPrivateHosts, "allowPrivateHosts"),
      insecureHosts,
      resolve,
    },
  };
  return {
    limits: limitsOf(options.limits),
    cache: options.cache ?? memoryCache(),
    turns,
    tagPrefix: options.tagPrefix,
    listings: listingMemory(options.listingTtlMs ?? 0),
    candidates: candidateMemory(),
    referrersMemory: digestMemory<true>({ maxBytes: 1024 * 1024, sizeOf: () => 0, ttlMs: noReferrersMs }),
    transport: transport({
      exchange,
      clock,
      schemes: { insecureHosts, tlsHosts },
      retry: options.retry ?? {},
      concurrency: options.concurrency ?? 16,
      authenticator: authenticator({
        exchange,
        credentials: options.credentials ?? [],
        tokenHosts: tokenHostsOf(options.tokenHosts),
      }),
    }),
  };
}

function tokenHostsOf(given: RegistryOptions["tokenHosts"] = {}): ReadonlyMap<string, readonly string[]> {
  const [registries, hosts] = [Object.keys(given), Object.values(given)];
  const lists = hosts.map((list) => hostsOf(list, "tokenHosts"));
  return new Map(hostsOf(registries, "tokenHosts").map((registry, i) => [registry, lists[i] ?? []]));
}

async function addressesOf(hostname: string): Promise<readonly string[]> {
  const found = await resolveName(hostname, { all: true });
  return found.map(({ address }) => address);
}
