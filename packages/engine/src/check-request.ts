import type { Operation } from "@assay/policy";
import { EngineError } from "./engine-error.ts";
import { isObject } from "./is-object.ts";

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
const object: Check = [isObject, "an object"];
const labels: Check = [
  (value) => isObject(value) && Object.values(value).every((label) => typeof label === "string"),
  "an object of texts",
];

const requestFields: Readonly<Record<string, Check>> = {
  operation: [
    (value) => typeof value === "string" && Object.hasOwn(operations, value),
    `one of ${Object.keys(operations).join(", ")}`,
  ],
  oldResource: object,
  subresource: text,
  userInfo: object,
  namespaceLabels: labels,
  dryRun: flag,
  mutate: flag,
};

const userFields: Readonly<Record<string, Check>> = {
  username: text,
  groups: texts,
  roles: texts,
  clusterRoles: texts,
};

/**
 * Throws `EngineError` `invalidRequest` for a part of a request that is not what its type says: programs without types
 * come here too, and no rule is about an operation `create`, while `mutate: "false"` is true.
 */
export function checkRequest(request: unknown): void {
  if (!isObject(request)) throw new EngineError("invalidRequest", "the request is not `{ resource: … }`");
  checkFields(request, requestFields, "");
  if (isObject(request["userInfo"])) checkFields(request["userInfo"], userFields, "userInfo.");
}

function checkFields(
  given: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Check>>,
  prefix: string,
): void {
  for (const [name, [holds, wanted]] of Object.entries(fields)) {
    const value = given[name];
    if (value === undefined || holds(value)) continue;
    throw new EngineError("invalidRequest", `\`${prefix}${name}\` is \`${shown(value)}\`, not ${wanted}`);
  }
}

const maxShown = 100;

function shown(value: unknown): string {
  const json = typeof value === "object" || typeof value === "string" ? JSON.stringify(value) : String(value);
  return json.length <= maxShown ? json : `${json.slice(0, maxShown)}…`;
}
