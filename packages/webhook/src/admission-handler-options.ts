import type { Logger } from "@assay/engine";
import type { WebhookMetrics } from "./metrics.ts";

export interface AdmissionHandlerOptions {
  /**
   * `mutate`: digests are pinned by patch. `validate`: tags are refused where the policy wants digests. Default: by path,
   * `mutate` where a segment of it begins so (`/mutate`, `/hooks/mutate`), and otherwise `validate`, which lets less through.
   */
  readonly mode?: "mutate" | "validate";
  /**
   * Largest review, in bytes. Default 20 MiB: etcd's objects are at most 1.5 MiB, a review carries two, and the API server
   * writes `<`, `>`, `&` and control characters as six bytes each. What is larger has no uid to answer to, so that a
   * webhook with `failurePolicy: Ignore` would be passed by.
   */
  readonly maxBodyBytes?: number;
  /** Longest evaluation, in milliseconds, when the API server does not say (`?timeout=`, at most 30 s). Default 10,000. */
  readonly timeoutMs?: number;
  /** Subtracted from the API server's timeout, so that our answer arrives before it gives up. Default 500; 200 of it are left for the verdict. */
  readonly timeoutMarginMs?: number;
  /** Labels of a namespace, for `namespaceSelector`. Default: unknown. */
  readonly namespaceLabels?: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly logger?: Logger;
  readonly metrics?: WebhookMetrics;
}
