export { admissionHandler } from "./admission-handler.ts";
export type { AdmissionHandlerOptions } from "./admission-handler-options.ts";
export type { AdmissionReviewResponse } from "./admission-review.ts";
export { checkOptions, type OptionCheck, serverOptions } from "./check-options.ts";
export { inTime } from "./in-time.ts";
export { type WebhookMetrics, webhookMetrics } from "./metrics.ts";
export { observedSources } from "./observed-sources.ts";
export { readJsonBody } from "./read-json-body.ts";
export type { TlsFiles } from "./tls-files.ts";
export { createTlsServer, type Routes, type TlsServer, type TlsServerOptions } from "./tls-server.ts";
export {
  type WebhookClient,
  type WebhookConfiguration,
  type WebhookConfigurationOptions,
  webhookConfigurations,
} from "./webhook-configurations.ts";
export { WebhookError } from "./webhook-error.ts";
export { isSentAnyway } from "./webhook-rules.ts";
export { createWebhookServer, type WebhookServerOptions } from "./webhook-server.ts";
