import { lookup as resolveName } from "node:dns/promises";
import { memoryCache } from "../cache/memory-cache.ts";
import { byteTurns } from "../oci/byte-turns.ts";
import { candidateMemory } from "../oci/candidate-memory.ts";
import { limitsOf } from "../oci/limits.ts";
import { authenticator } from "./authenticator.ts";
import { checkRegistryOptions } from "./check-registry-options.ts";
import { systemClock } from "./deadline.ts";
import { digestMemory } from "./digest-memory.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { hostsOf } from "./host-names.ts";
import { listingMemory } from "./listing-memory.ts";
import type { RegistryOptions } from "./registry-options.ts";
import type { RepositoryOptions } from "./registry-repository.ts";
import { transport } from "./transport.ts";
import { publicWireOf, wireOf } from "./wires.ts";

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
