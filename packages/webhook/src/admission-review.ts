import type { EvaluationRequest, Verdict } from "@assay/engine";
import type { Json, JsonObject, Operation } from "@assay/policy";
import { denialText } from "./denial-text.ts";
import { WebhookError } from "./webhook-error.ts";

/** The parts of `admission.k8s.io/v1 AdmissionReview.request` that a verdict depends on. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly dryRun: boolean;
  readonly evaluation: EvaluationRequest;
}

/** `admission.k8s.io/v1 AdmissionReview` with a response, as the API server reads it. */
export interface AdmissionReviewResponse {
  readonly apiVersion: "admission.k8s.io/v1";
  readonly kind: "AdmissionReview";
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
    readonly warnings?: readonly string[];
    readonly patchType?: "JSONPatch";
    /** base64 of an RFC 6902 patch. */
    readonly patch?: string;
  };
}

const operations: readonly string[] = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

/**
 * Reads a review. Everything in it is the API server's word about what a user sent: shapes are checked here once,
 * the object itself is checked by whoever reads its fields.
 * Throws `WebhookError` `malformedReview` with the JSON path.
 */
export function parseAdmissionReview(body: unknown, mutate: boolean): AdmissionRequest {
  const review = object(body, "$");
  if (review["kind"] !== "AdmissionReview") throw malformed("$.kind", "is not `AdmissionReview`");
  if (review["apiVersion"] !== "admission.k8s.io/v1") {
    throw malformed("$.apiVersion", "is not `admission.k8s.io/v1`: list `v1` in admissionReviewVersions");
  }
  const request = object(own(review, "request"), "$.request");
  const uid = text(own(request, "uid"), "$.request.uid");
  if (uid === "") throw malformed("$.request.uid", "is empty");
  const operation = text(own(request, "operation"), "$.request.operation");
  if (!operations.includes(operation))
    throw malformed("$.request.operation", `\`${operation}\` is no operation`);
  const type = object(own(request, "kind"), "$.request.kind");
  const kind = text(own(type, "kind"), "$.request.kind.kind");
  const namespace = optionalText(own(request, "namespace"), "$.request.namespace");
  const current = optionalObject(own(request, "object"), "$.request.object");
  const old = optionalObject(own(request, "oldObject"), "$.request.oldObject");
  // The old object stands for the new one only where there is no new one: never where it would run.
  const resource = operation === "CREATE" || operation === "UPDATE" ? current : (current ?? old);
  if (resource === undefined) throw malformed("$.request.object", "is missing");
  const path = resource === current ? "object" : "oldObject";
  checkObject(resource, { kind, apiVersion: versionOf(type), namespace, path });
  const name = optionalText(own(request, "name"), "$.request.name");
  const subresource = optionalText(own(request, "subResource"), "$.request.subResource");
  const dryRun = own(request, "dryRun") === true;
  return {
    uid,
    kind,
    dryRun,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    evaluation: {
      resource: withNamespace(resource, namespace),
      operation: operation as Operation,
      mutate,
      ...(old === undefined || current === undefined ? {} : { oldResource: old }),
      ...(subresource ? { subresource } : {}),
      dryRun,
      userInfo: userInfo(own(request, "userInfo")),
      admission: restOf(request),
    },
  };
}

/** What expressions read beside the objects and the user. */
function restOf(request: JsonObject): JsonObject {
  const { object: _, oldObject: _old, userInfo: _user, ...rest } = request;
  return rest;
}

/** Undefined where the request does not say: then the object's own counts. */
function versionOf(type: JsonObject): string | undefined {
  const version = optionalText(own(type, "version"), "$.request.kind.version");
  const group = optionalText(own(type, "group"), "$.request.kind.group");
  return group ? `${group}/${version ?? ""}` : version;
}

/** Translates a verdict. Patches are sent only with an allowed, mutating answer. */
export function admissionResponse(request: AdmissionRequest, verdict: Verdict): AdmissionReviewResponse {
  const patches = verdict.allowed && request.evaluation.mutate !== false ? verdict.patches : [];
  return review({
    uid: request.uid,
    allowed: verdict.allowed,
    ...(verdict.allowed ? {} : { status: { code: 403, reason: "Forbidden", message: denialText(verdict) } }),
    ...(verdict.warnings.length > 0 ? { warnings: verdict.warnings.map(shortWarning) } : {}),
    ...(patches.length > 0
      ? {
          patchType: "JSONPatch" as const,
          patch: Buffer.from(JSON.stringify(patches), "utf8").toString("base64"),
        }
      : {}),
  });
}

/** The answer when no verdict could be reached: never allowed, whatever the reason. */
export function refusal(uid: string, code: number, message: string): AdmissionReviewResponse {
  const reason = code === 504 ? "Timeout" : code === 400 ? "BadRequest" : "InternalError";
  return review({ uid, allowed: false, status: { code, reason, message } });
}

function review(response: AdmissionReviewResponse["response"]): AdmissionReviewResponse {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

/** The API server drops warnings over 4096 bytes in all and asks for fewer than 120 characters each; 256 is its cut. */
function shortWarning(warning: string): string {
  const line = warning.replace(/[\r\n]+/g, " ");
  return line.length > 256 ? `${line.slice(0, 255)}…` : line;
}

/**
 * Rules are matched by the object's own kind and namespace, labels are looked up by the request's: an object that says
 * otherwise than the request (the API server never sends one) could be judged by the rules of another.
 */
function checkObject(
  resource: JsonObject,
  said: {
    readonly kind: string;
    readonly apiVersion: string | undefined;
    readonly namespace: string | undefined;
    readonly path: string;
  },
): void {
  const path = `$.request.${said.path}`;
  if (own(resource, "kind") !== said.kind) throw malformed(`${path}.kind`, `is not \`${said.kind}\``);
  if (said.apiVersion !== undefined && own(resource, "apiVersion") !== said.apiVersion)
    throw malformed(`${path}.apiVersion`, `is not \`${said.apiVersion}\``);
  const metadata = optionalObject(own(resource, "metadata"), `${path}.metadata`) ?? {};
  const namespace = optionalText(own(metadata, "namespace"), `${path}.metadata.namespace`);
  if (said.namespace && namespace && namespace !== said.namespace) {
    throw malformed(`${path}.metadata.namespace`, `is not \`${said.namespace}\``);
  }
}

/** On CREATE the object of a namespaced kind may not name its namespace yet: the request does. */
function withNamespace(resource: JsonObject, namespace: string | undefined): JsonObject {
  if (!namespace) return resource;
  const metadata = optionalObject(own(resource, "metadata"), "$.request.object.metadata") ?? {};
  if (typeof own(metadata, "namespace") === "string" && own(metadata, "namespace") !== "") return resource;
  return { ...resource, metadata: { ...metadata, namespace } };
}

function userInfo(value: Json | undefined): NonNullable<EvaluationRequest["userInfo"]> {
  const info = optionalObject(value, "$.request.userInfo") ?? {};
  const username = optionalText(own(info, "username"), "$.request.userInfo.username");
  const uid = optionalText(own(info, "uid"), "$.request.userInfo.uid");
  const extra = optionalObject(own(info, "extra"), "$.request.userInfo.extra");
  const groups = own(info, "groups") ?? [];
  // Who is in a group that got lost would be passed by the rules about it.
  if (!Array.isArray(groups)) throw malformed("$.request.userInfo.groups", "is not a list");
  return {
    ...(username === undefined ? {} : { username }),
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
    groups: groups.map((group, i) => text(group, `$.request.userInfo.groups[${i}]`)),
  };
}

function malformed(path: string, what: string): WebhookError {
  return new WebhookError("malformedReview", path, `malformed AdmissionReview: \`${path}\` ${what}`);
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function object(value: unknown, path: string): JsonObject {
  const found = optionalObject(value, path);
  if (found === undefined) throw malformed(path, "is missing");
  return found;
}

function optionalObject(value: unknown, path: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw malformed(path, "is not an object");
  return value as JsonObject;
}

function text(value: Json | undefined, path: string): string {
  if (typeof value !== "string") throw malformed(path, "is not a string");
  return value;
}

function optionalText(value: Json | undefined, path: string): string | undefined {
  return value === undefined || value === null ? undefined : text(value, path);
}
