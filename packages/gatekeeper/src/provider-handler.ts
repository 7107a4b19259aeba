import type { EvaluationRequest, Evaluator, Logger, Verdict } from "@assay/engine";
import {
  checkOptions,
  inTime,
  type OptionCheck,
  readJsonBody,
  serverOptions,
  WebhookError,
} from "@assay/webhook";

export interface ProviderOptions {
  /** Longest time for one request's keys together, in milliseconds. Default 2,500 (Gatekeeper's own default is 3 s). */
  readonly timeoutMs?: number;
  /** Most keys in one request. Default 100. */
  readonly maxKeys?: number;
  readonly maxBodyBytes?: number;
  /** Namespace that the images are judged in: Gatekeeper sends none. Default `default`. */
  readonly namespace?: string;
  readonly logger?: Logger;
}

/** One answer of `externaldata.gatekeeper.sh/v1beta1 ProviderResponse`. */
export interface ProviderItem {
  readonly key: string;
  /** The image pinned to the digest that was judged. */
  readonly value: string;
  /** Empty where the image is allowed. */
  readonly error: string;
}

/**
 * Answers Gatekeeper's `ProviderRequest`s. A key is an image reference; its value is the reference pinned to the digest
 * that was verified, its error why the image may not run. Each image is judged as the only container of a Pod, so the
 * policies that match Pods apply. What can't be decided is an item's error, never a value alone. Throws `WebhookError`
 * `badOptions` for an option that does not exist or is none.
 */
export function providerHandler(
  assay: Evaluator,
  options: ProviderOptions = {},
): (request: Request) => Promise<Response> {
  checkOptions(options, providerOptions);
  return providerRoute(assay, options);
}

/** The same for a server that has checked its options beside its own. */
export function providerRoute(
  assay: Evaluator,
  options: ProviderOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const keys = parseKeys(
        await readJsonBody(request, options.maxBodyBytes ?? 1024 * 1024),
        options.maxKeys ?? 100,
      );
      const items = await Promise.all(keys.map((key) => judge(assay, key, options)));
      return answer({ idempotent: true, items });
    } catch (error) {
      const message =
        error instanceof WebhookError ? error.message : "internal error, see the provider's log";
      options.logger?.error({ error: String(error) }, "image verification could not be decided");
      return answer({ systemError: message });
    }
  };
}

const amount: OptionCheck = [
  (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  "a number of at least 0",
];

/** In another namespace than the one that was meant, its policies do not apply. */
export const providerOptions: Readonly<Record<keyof ProviderOptions, OptionCheck>> = {
  timeoutMs: amount,
  maxKeys: amount,
  maxBodyBytes: amount,
  namespace: [
    (value) => typeof value === "string" && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(value),
    "the name of one",
  ],
  logger: serverOptions.logger,
};

async function judge(assay: Evaluator, key: string, options: ProviderOptions): Promise<ProviderItem> {
  // A Pod whose container names no image would be allowed: nothing was judged.
  if (/^[\s\u0085]*$/.test(key))
    return { key, value: key, error: "badImageReference: the key names no image" };
  try {
    const request = { resource: podOf(key, options.namespace), mutate: true };
    // Each key by itself, though all have the same time: an evaluation that does not heed it costs its own item alone.
    const verdict = await inTime(options.timeoutMs ?? 2500, (signal) => assay.evaluate(request, { signal }));
    options.logger?.info(
      { image: key, allowed: verdict.allowed, outcome: verdict.outcome },
      "image verification",
    );
    // An error that is empty says that the image may run: a denial without reasons has one of ours.
    const error = verdict.allowed ? "" : reasons(verdict) || "denied: no reason was given";
    return { key, value: pinned(key, verdict), error };
  } catch (error) {
    options.logger?.error({ image: key, error: String(error) }, "image verification could not be decided");
    const timeout = error instanceof Error && error.name === "TimeoutError";
    return {
      key,
      value: key,
      error: timeout ? "timeout: the provider ran out of time" : "internal: could not be decided",
    };
  }
}

function podOf(image: string, namespace = "default"): EvaluationRequest["resource"] {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "external-data", namespace },
    spec: { containers: [{ name: "image", image }] },
  };
}

function pinned(key: string, verdict: Verdict): string {
  const patch = verdict.patches.find(({ path }) => path === "/spec/containers/0/image");
  return typeof patch?.value === "string" ? patch.value : key;
}

function reasons(verdict: Verdict): string {
  return verdict.results
    .filter(({ outcome }) => outcome === "fail" || outcome === "error")
    .map(({ policy, rule, code, message }) => `${policy}/${rule}: ${code}: ${message}`)
    .join("; ");
}

function parseKeys(body: unknown, maxKeys: number): readonly string[] {
  const review = body as { apiVersion?: unknown; kind?: unknown; request?: { keys?: unknown } } | null;
  if (review?.kind !== "ProviderRequest") throw malformed("$.kind", "is not `ProviderRequest`");
  if (review.apiVersion !== "externaldata.gatekeeper.sh/v1beta1") {
    throw malformed("$.apiVersion", "is not `externaldata.gatekeeper.sh/v1beta1`");
  }
  const keys = review.request?.keys;
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
    throw malformed("$.request.keys", "is not a list of strings");
  }
  if (keys.length > maxKeys) throw malformed("$.request.keys", `has more than ${maxKeys} keys`);
  return keys;
}

function malformed(path: string, what: string): WebhookError {
  return new WebhookError("malformedReview", path, `malformed ProviderRequest: \`${path}\` ${what}`);
}

function answer(response: object): Response {
  const body = { apiVersion: "externaldata.gatekeeper.sh/v1beta1", kind: "ProviderResponse", response };
  return new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
}
