import type { Json, JsonObject } from "@assay/policy";
import { EngineError } from "../engine-error.ts";
import { isObject } from "../is-object.ts";
import type { EvaluationRequest } from "../verdict/verdict.ts";
import { checkRequest } from "./check-request.ts";

/** A request with its defaults filled in and the object's own facts read once. */
export interface ObjectFacts {
  readonly request: EvaluationRequest;
  readonly operation: NonNullable<EvaluationRequest["operation"]>;
  /** What is judged: the object, or on DELETE the old one. */
  readonly object: JsonObject;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly mutate: boolean;
}

/** Throws `EngineError` `invalidRequest` for what is no request, or is about no Kubernetes object. */
export function objectFacts(request: EvaluationRequest): ObjectFacts {
  checkRequest(request);
  const operation = request.operation ?? "CREATE";
  const object = operation === "DELETE" ? (request.oldResource ?? request.resource) : request.resource;
  if (!isObject(object)) {
    const bare = object === undefined && "kind" in request ? ": give the object as `{ resource: … }`" : "";
    throw new EngineError("invalidRequest", `the resource is not a JSON object${bare}`);
  }
  const kind = Object.hasOwn(object, "kind") ? object["kind"] : undefined;
  if (typeof kind !== "string" || kind === "") {
    throw new EngineError("invalidRequest", "the resource has no `kind`");
  }
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  // Whatever its kind and name, kubectl takes what has `items` for a list and applies those alone: a ConfigMap of which
  // no rule speaks may hide a Pod.
  if (Array.isArray(object["items"])) {
    throw new EngineError(
      "invalidRequest",
      `the resource is a list (\`${kind}\` with \`items\`): judge each of its \`items\``,
    );
  }
  checkKind(object, kind);
  return {
    request,
    operation,
    object,
    kind,
    name: text(metadata["name"]) || text(metadata["generateName"]),
    namespace: text(metadata["namespace"]),
    mutate: request.mutate ?? true,
  };
}

/**
 * No rule is about a `pod`, or about a `Pod` of no version where it says `v1/Pod`. Kinds of Kubernetes' own groups begin with a
 * capital letter; those of others are what their definitions may call them.
 */
function checkKind(object: JsonObject, kind: string): void {
  const apiVersion = Object.hasOwn(object, "apiVersion") ? object["apiVersion"] : undefined;
  if (typeof apiVersion !== "string" || !/^(?:[a-z0-9.-]+\/)?[a-z][a-z0-9-]*$/.test(apiVersion)) {
    throw new EngineError("invalidRequest", "the resource has no `apiVersion`, such as `v1` or `apps/v1`");
  }
  const group = apiVersion.slice(0, Math.max(apiVersion.indexOf("/"), 0));
  if ((group.includes(".") ? /^[a-z][a-z0-9-]*$/i : /^[A-Z][A-Za-z0-9]*$/).test(kind)) return;
  throw new EngineError("invalidRequest", `\`${apiVersion}\` has no kind \`${kind.slice(0, 100)}\``);
}

/**
 * The built-in variables of Kyverno's admission context that do not depend on the rule. What is not known, and what is
 * empty (roles of someone without any), is an unknown key, as there: a value that stands for nothing would be compared.
 */
export function builtInVariables(facts: ObjectFacts): JsonObject {
  const { request, operation, object } = facts;
  const { roles, clusterRoles, ...user } = request.userInfo ?? {};
  const account = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(user.username ?? "");
  return {
    request: {
      options: null,
      kind: groupVersionKind(object),
      ...(request.admission ?? saidOf(facts)),
      operation,
      userInfo: filled(user),
      ...filled({ roles, clusterRoles }),
      object,
      oldObject: request.oldResource ?? (operation === "DELETE" ? object : null),
    },
    serviceAccountNamespace: account?.[1] ?? "",
    serviceAccountName: account?.[2] ?? "",
  };
}

/** What can be told of an admission request without one. */
function saidOf({ name, namespace, request: { subresource: subResource, dryRun } }: ObjectFacts): JsonObject {
  return { ...filled({ name, namespace, subResource }), ...(dryRun === undefined ? {} : { dryRun }) };
}

/** As Go writes what is `omitempty`. */
function filled(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const isFilled = (value: Json | undefined): value is Json =>
    value !== undefined && value !== "" && (typeof value !== "object" || Object.keys(value ?? {}).length > 0);
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, Json] => isFilled(field[1])),
  );
}

function groupVersionKind(object: JsonObject): JsonObject {
  const apiVersion = text(object["apiVersion"]);
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind: text(object["kind"]),
  };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
