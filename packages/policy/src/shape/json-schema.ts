import type { Json, JsonObject } from "../model.ts";
import { fieldsOf, type ObjectShape, type Shape } from "./shape.ts";
import { exceptionShape, policyV1, policyV2beta1 } from "./shape-policy.ts";

/**
 * JSON Schema (draft 7) of the policy dialect, for editors: the same description that policies are checked by at load,
 * so that what an editor accepts has the fields and types that `loadPolicies` takes. Rules between fields (exactly one
 * of …) are for the loader and the linter.
 */
export function policyJsonSchema(): JsonObject {
  const definitions: Record<string, Json> = {};
  const kinds = (shape: ObjectShape, apiVersions: readonly string[], names: readonly string[]): Json => {
    const schema = objectSchema(shape, definitions);
    const properties = {
      ...(schema["properties"] as JsonObject),
      apiVersion: { enum: apiVersions },
      kind: { enum: names },
    };
    return { ...schema, properties };
  };
  const policies = ["ClusterPolicy", "Policy"];
  const anyOf = [
    kinds(policyV1, ["kyverno.io/v1"], policies),
    kinds(policyV2beta1, ["kyverno.io/v2beta1"], policies),
    kinds(exceptionShape, ["kyverno.io/v2", "kyverno.io/v2beta1"], ["PolicyException"]),
  ];
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Kyverno image verification policies, as assay reads them",
    type: "object",
    anyOf,
    definitions,
  };
}

type Definitions = Record<string, Json>;

function schemaOf(shape: Shape, definitions: Definitions): JsonObject {
  return { ...bare(shape, definitions), ...described(shape) };
}

function described(shape: Shape): JsonObject {
  const { says } = shape;
  return {
    ...(says === undefined ? {} : { description: says }),
    ...(shape.default === undefined ? {} : { default: shape.default }),
    ...(shape.deprecated === undefined ? {} : { deprecated: true, deprecationMessage: says ?? "deprecated" }),
  };
}

function bare(shape: Shape, definitions: Definitions): JsonObject {
  switch (shape.kind) {
    case "any":
      return {};
    case "text":
      return {
        type: "string",
        ...(shape.oneOf === undefined ? {} : { enum: shape.oneOf }),
        ...(shape.maxLength === undefined ? {} : { maxLength: shape.maxLength }),
      };
    case "flag":
      return { type: "boolean" };
    case "integer":
      return {
        type: "integer",
        ...(shape.minimum === undefined ? {} : { minimum: shape.minimum }),
        ...(shape.maximum === undefined ? {} : { maximum: shape.maximum }),
      };
    case "list":
      return { type: "array", items: schemaOf(shape.of, definitions) };
    case "record":
      return { type: "object", additionalProperties: schemaOf(shape.of, definitions) };
    case "object":
      return shape.name === undefined
        ? objectSchema(shape, definitions)
        : reference(shape, shape.name, definitions);
  }
}

/** A shape that contains itself is kept once and referred to. */
function reference(shape: ObjectShape, name: string, definitions: Definitions): JsonObject {
  if (!Object.hasOwn(definitions, name)) {
    definitions[name] = {};
    definitions[name] = objectSchema(shape, definitions);
  }
  return { $ref: `#/definitions/${name}` };
}

function objectSchema(shape: ObjectShape, definitions: Definitions): JsonObject {
  const properties: Record<string, Json> = {};
  for (const [name, field] of Object.entries(fieldsOf(shape)))
    properties[name] = schemaOf(field, definitions);
  return {
    type: "object",
    properties,
    additionalProperties: false,
    ...(shape.required.length === 0 ? {} : { required: shape.required }),
  };
}
