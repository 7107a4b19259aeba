import type { Evaluator } from "@assay/engine";
import {
  checkOptions,
  createTlsServer,
  serverOptions,
  type TlsServer,
  type TlsServerOptions,
} from "@assay/webhook";
import { type ProviderOptions, providerOptions, providerRoute } from "./provider-handler.ts";

/** Serves the provider at `/validate` over TLS; Gatekeeper demands TLS, and `clientCa` lets only Gatekeeper in. Rejects as `providerHandler` throws. */
export async function createProviderServer(
  assay: Evaluator,
  options: TlsServerOptions & ProviderOptions,
): Promise<TlsServer> {
  checkOptions(options, { ...serverOptions, ...providerOptions });
  return createTlsServer({ "/validate": providerRoute(assay, options) }, options);
}
