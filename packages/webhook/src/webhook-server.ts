import type { Evaluator } from "@assay/engine";
import { admissionRoute } from "./admission-handler.ts";
import type { AdmissionHandlerOptions } from "./admission-handler-options.ts";
import { checkServerOptions } from "./check-options.ts";
import { webhookMetrics } from "./metrics.ts";
import { createTlsServer, type TlsServer, type TlsServerOptions } from "./tls-server.ts";

export type WebhookServerOptions = TlsServerOptions & Omit<AdmissionHandlerOptions, "mode">;

/**
 * Serves `/mutate` and `/validate` (AdmissionReview over TLS), `/healthz`, `/readyz` and `/metrics`. Rejects with `WebhookError`
 * `badOptions` for an option that does not exist or is none.
 */
export async function createWebhookServer(
  assay: Evaluator,
  options: WebhookServerOptions,
): Promise<TlsServer> {
  checkServerOptions(options);
  const metrics = options.metrics ?? webhookMetrics();
  return createTlsServer(
    {
      "/mutate": admissionRoute(assay, { ...options, mode: "mutate", metrics }),
      "/validate": admissionRoute(assay, { ...options, mode: "validate", metrics }),
    },
    { ...options, metrics },
  );
}
