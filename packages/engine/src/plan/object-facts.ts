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

/** The built-in variables of Kyverno's admission context that do not depend on the rule. */
export function builtInVariables(facts: ObjectFacts): JsonObject {
  const { request, operation, object } = facts;
  const user = request.userInfo ?? {};
  const username = user.username ?? "";
  const account = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(username);
  return {
    request: {
      // Kyverno's admission request always has these; what is absent is null, not an unknown key.
      uid: "",
      kind: groupVersionKind(object),
      resource: {
        group: groupVersionKind(object)["group"] ?? "",
        version: groupVersionKind(object)["version"] ?? "",
        resource: "",
      },
      operation,
      userInfo: { username, groups: user.groups ?? [] },
      roles: user.roles ?? [],
      clusterRoles: user.clusterRoles ?? [],
      object,
      oldObject: request.oldResource ?? (operation === "DELETE" ? object : null),
      options: null,
      ...(facts.name === "" ? {} : { name: facts.name }),
      ...(facts.namespace === "" ? {} : { namespace: facts.namespace }),
      ...(request.subresource === undefined ? {} : { subResource: request.subresource }),
      ...(request.dryRun === undefined ? {} : { dryRun: request.dryRun }),
    },
    serviceAccountNamespace: account?.[1] ?? "",
    serviceAccountName: account?.[2] ?? "",
  };
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
