import type { Evaluator } from "@assay/engine";
import { createTlsServer, type TlsServer, type TlsServerOptions } from "@assay/webhook";
import { type ProviderOptions, providerHandler } from "./provider-handler.ts";

/** Serves the provider at `/validate` over TLS; Gatekeeper demands TLS, and `clientCa` lets only Gatekeeper in. */
export async function createProviderServer(
  assay: Evaluator,
  options: TlsServerOptions & ProviderOptions,
): Promise<TlsServer> {
  const { timeoutMs, maxKeys, maxBodyBytes, namespace, ...server } = options;
  const provider = { timeoutMs, maxKeys, maxBodyBytes, namespace, logger: options.logger };
  const given = Object.entries(provider).filter(([, value]) => value !== undefined);
  return createTlsServer({ "/validate": providerHandler(assay, Object.fromEntries(given)) }, server);
}
