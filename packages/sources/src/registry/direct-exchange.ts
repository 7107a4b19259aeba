import { byteTurns } from "../oci/byte-turns.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { wireOf } from "./wires.ts";

interface Direct {
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly timeoutMs: number;
  /** `host[:port]` that may be private, and asked by plain http: settings name it. */
  readonly host?: string;
}

/** How a host that settings name is asked: a log, a key store, a token service. */
export function directExchange({ fetch, timeoutMs, host }: Direct): ExchangeOptions {
  const wire = wireOf(fetch);
  const hosts = host === undefined ? [] : [host];
  return {
    wire,
    publicWire: wire,
    timeoutMs,
    borders: { allowPrivateHosts: hosts, insecureHosts: hosts, resolve: async () => [] },
    turns: byteTurns(),
    now: Date.now,
    onRequest: undefined,
  };
}
