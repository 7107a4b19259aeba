import type { EvaluationRequest, Evaluator, EvaluatorOptions, Logger, Verdict } from "@assay/engine";
import type { AdmissionHandlerOptions } from "./admission-handler-options.ts";
import {
  type AdmissionRequest,
  type AdmissionReviewResponse,
  admissionResponse,
  parseAdmissionReview,
  refusal,
} from "./admission-review.ts";
import { checkHandlerOptions } from "./check-options.ts";
import { inTime } from "./in-time.ts";
import { judgingSpans } from "./judging-spans.ts";
import { type RequestBody, readJsonBody } from "./read-json-body.ts";
import { inSpan } from "./tracing.ts";
import { WebhookError } from "./webhook-error.ts";

/**
 * A web-standard handler for `AdmissionReview` POSTs; mount it anywhere. It is closed in every failure: what can't be
 * read, decided in time, or is our own bug is answered `allowed: false` with the reason. Throws `WebhookError` `badOptions` for
 * an option that does not exist or is none.
 */
export function admissionHandler(
  assay: Evaluator,
  options: AdmissionHandlerOptions = {},
): (request: Request) => Promise<Response> {
  checkHandlerOptions(options);
  const route = admissionRoute(assay, options);
  // Servers call handlers with arguments of their own behind the request.
  return (request) => route(request);
}

/** The same for a server that has a cheaper way to a request's body. */
export function admissionRoute(
  assay: Evaluator,
  options: AdmissionHandlerOptions,
): (request: Request, body?: RequestBody) => Promise<Response> {
  return async (request, given) => {
    if (request.method !== "POST") return plain(405, "admission reviews are sent by POST");
    const started = performance.now();
    let uid = "";
    try {
      const body = await readJsonBody(request, options.maxBodyBytes ?? 20 * 1024 * 1024, given);
      uid = claimedUid(body);
      const admission = parseAdmissionReview(body, modeOf(request, options) === "mutate");
      const answer = await inSpan("image verification", spanFields(admission), (span) =>
        inTime(deadline(request, options), (signal) =>
          decide(assay, admission, { signal, ...judgingSpans(span) }, options),
        ),
      );
      options.metrics?.admission(
        admission.kind,
        answer.response.allowed,
        (performance.now() - started) / 1000,
      );
      return json(200, answer);
    } catch (error) {
      return failed(error, uid, options);
    }
  };
}

async function decide(
  assay: Evaluator,
  admission: AdmissionRequest,
  run: EvaluatorOptions,
  options: AdmissionHandlerOptions,
): Promise<AdmissionReviewResponse> {
  const started = performance.now();
  const verdict = await assay.evaluate(withLabels(admission, options), run);
  log(admission, verdict, performance.now() - started, options.logger);
  return admissionResponse(admission, verdict);
}

function withLabels(admission: AdmissionRequest, options: AdmissionHandlerOptions): EvaluationRequest {
  const labels =
    admission.namespace === undefined ? undefined : options.namespaceLabels?.(admission.namespace);
  return labels === undefined ? admission.evaluation : { ...admission.evaluation, namespaceLabels: labels };
}

function modeOf(request: Request, options: AdmissionHandlerOptions): "mutate" | "validate" {
  if (options.mode !== undefined) return options.mode;
  // A validating webhook's patch is dropped: the tag would stay, and be pulled anew after it was judged.
  const segments = new URL(request.url).pathname.split("/");
  const has = (word: string): boolean => segments.some((segment) => segment.startsWith(word));
  return has("mutate") && !has("validate") ? "mutate" : "validate";
}

/** The longest `timeoutSeconds` that a webhook can have: who names more is no API server. */
const maxTimeoutMs = 30_000;

/** The API server names its own timeout in the query, e.g. `?timeout=10s`; a whole number of seconds. */
function deadline(request: Request, options: AdmissionHandlerOptions): number {
  const said = /^(\d{1,3})s$/.exec(new URL(request.url).searchParams.get("timeout") ?? "")?.[1];
  const own = options.timeoutMs ?? 10_000;
  const margin = options.timeoutMarginMs ?? 500;
  return said === undefined ? own : Math.max(Math.min(Number(said) * 1000, maxTimeoutMs) - margin, 100);
}

function log(admission: AdmissionRequest, verdict: Verdict, ms: number, logger: Logger | undefined): void {
  if (logger === undefined) return;
  const { kind, namespace, name } = verdict.resource;
  const fields = {
    kind,
    namespace,
    name,
    operation: admission.evaluation.operation,
    dryRun: admission.dryRun,
    allowed: verdict.allowed,
    outcome: verdict.outcome,
    milliseconds: Math.round(ms),
    results: verdict.results.map(({ policy, rule, image, digest, outcome, code, message }) => ({
      policy,
      rule,
      image,
      digest,
      outcome,
      code,
      message,
    })),
  };
  if (verdict.allowed) logger.info(fields, "image verification passed");
  else logger.warn(fields, "image verification failed");
}

function failed(error: unknown, uid: string, options: AdmissionHandlerOptions): Response {
  if (error instanceof WebhookError) {
    options.metrics?.refused(error.code);
    options.logger?.warn(
      { code: error.code, path: error.path },
      `image verification refused: ${error.message}`,
    );
    const status = error.code === "bodyTooLarge" ? 413 : 400;
    return uid === "" ? plain(status, error.message) : json(200, refusal(uid, status, error.message));
  }
  if (isInvalidRequest(error)) {
    options.metrics?.refused("malformedReview");
    options.logger?.warn({ code: error.code }, `image verification refused: ${error.message}`);
    return json(200, refusal(uid, 400, `image verification: the request cannot be judged: ${error.message}`));
  }
  const timeout = error instanceof Error && error.name === "TimeoutError";
  options.metrics?.refused(timeout ? "timeout" : "internal");
  options.logger?.error({ error: String(error) }, "image verification could not be decided");
  const message = timeout
    ? "image verification: webhookTimeoutSeconds exceeded"
    : "image verification could not be decided: internal error, see the webhook's log";
  return json(200, refusal(uid, timeout ? 504 : 500, message));
}

/** What the engine calls no request: an object that no API server takes, or labels that are none. */
function isInvalidRequest(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && error.code === "invalidRequest";
}

/** So that even a malformed review is answered to the request that sent it. */
function claimedUid(body: unknown): string {
  const request = (body as { request?: { uid?: unknown } } | null)?.request;
  return typeof request?.uid === "string" ? request.uid.slice(0, 256) : "";
}

function spanFields(admission: AdmissionRequest): Record<string, string> {
  return {
    "k8s.resource.kind": admission.kind,
    "k8s.namespace.name": admission.namespace ?? "",
    "assay.operation": admission.evaluation.operation ?? "CREATE",
  };
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
