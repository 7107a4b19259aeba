import { type JsonObject, type JsonProblem, jsonProblem, type Operation } from "@assay/policy";
import { EngineError } from "../engine-error.ts";
import { isObject } from "../is-object.ts";
import type { EvaluationRequest } from "../verdict/verdict.ts";

type Check = readonly [holds: (value: unknown) => boolean, wanted: string];

const operations: Readonly<Record<Operation, true>> = {
  CREATE: true,
  UPDATE: true,
  DELETE: true,
  CONNECT: true,
};

const text: Check = [(value) => typeof value === "string", "text"];
const texts: Check = [
  (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  "a list of texts",
];
const flag: Check = [(value) => typeof value === "boolean", "true or false"];
const isMap = (value: unknown): value is JsonObject => isObject(value) && !(value instanceof Date);
const object: Check = [isMap, "an object"];
const labels: Check = [
  (value) => isMap(value) && Object.values(value).every((label) => typeof label === "string"),
  "an object of texts",
];

const requestFields: Readonly<Record<keyof EvaluationRequest, Check>> = {
  // `objectFacts` says what it should be.
  resource: [() => true, "an object"],
  operation: [
    (value) => typeof value === "string" && Object.hasOwn(operations, value),
    `one of ${Object.keys(operations).join(", ")}`,
  ],
  oldResource: object,
  subresource: text,
  userInfo: object,
  admission: object,
  namespaceLabels: labels,
  dryRun: flag,
  mutate: flag,
};

/** Beside ours those of Kubernetes' UserInfo, which may be handed on as it came. */
const userFields: Readonly<Record<string, Check>> = {
  uid: text,
  extra: object,
  username: text,
  groups: texts,
  roles: texts,
  clusterRoles: texts,
};

/** What rules match by. */
const metadataFields: Readonly<Record<string, Check>> = {
  name: text,
  generateName: text,
  namespace: text,
  labels,
  annotations: labels,
};

/**
 * Throws `EngineError` `invalidRequest` for a part of a request that is not what its type says, or that does not exist:
 * programs without types come here too, no rule is about an operation `create`, and `opration` would be passed over.
 */
export function checkRequest(request: unknown): void {
  if (!isObject(request)) throw new EngineError("invalidRequest", "the request is not `{ resource: … }`");
  const problem = jsonProblem(request);
  if (problem !== undefined) throw notJson(problem);
  if (!Object.hasOwn(request, "resource") && "kind" in request) {
    throw new EngineError(
      "invalidRequest",
      "the resource is not a JSON object: give the object as `{ resource: … }`",
    );
  }
  checkNames(request, requestFields, "");
  checkFields(request, requestFields, "");
  if (isObject(request["userInfo"])) {
    checkNames(request["userInfo"], userFields, "userInfo.");
    checkFields(request["userInfo"], userFields, "userInfo.");
  }
  for (const name of ["resource", "oldResource"]) checkObject(request[name], name);
}

function notJson({ path, is }: JsonProblem): EngineError {
  const where = path === "" ? "the request" : `\`${path}\``;
  return new EngineError("invalidRequest", `${where} is ${is}, which is no JSON`);
}

function checkNames(
  given: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Check>>,
  prefix: string,
): void {
  const known = Object.keys(fields);
  const unknown = Object.keys(given).find((name) => given[name] !== undefined && !known.includes(name));
  if (unknown === undefined) return;
  const message = `a request has no \`${prefix}${unknown.slice(0, maxShown)}\`; known here: ${known.join(", ")}`;
  throw new EngineError("invalidRequest", message);
}

/** An object that says by another type than Kubernetes' what it is called and where it is would be matched by no name. */
function checkObject(object: unknown, path: string): void {
  const metadata = isObject(object) ? object["metadata"] : undefined;
  if (metadata === undefined || metadata === null) return;
  if (!isMap(metadata)) throw wrongType(`${path}.metadata`, metadata, "an object");
  const given = Object.entries(metadata).filter(([, value]) => value !== null);
  checkFields(Object.fromEntries(given), metadataFields, `${path}.metadata.`);
}

function checkFields(
  given: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Check>>,
  prefix: string,
): void {
  for (const [name, [holds, wanted]] of Object.entries(fields)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || holds(value)) continue;
    throw wrongType(`${prefix}${name}`, value, wanted);
  }
}

function wrongType(path: string, value: unknown, wanted: string): EngineError {
  return new EngineError("invalidRequest", `\`${path}\` is \`${shown(value)}\`, not ${wanted}`);
}

const maxShown = 100;

function shown(value: unknown): string {
  const json = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value);
  return json.length <= maxShown ? json : `${json.slice(0, maxShown)}…`;
}
