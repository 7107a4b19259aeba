import { JSONPath } from "jsonpath-plus";
import type { JsonObject } from "../model.ts";

/** A value and where it stands (RFC 6901). */
export interface Selected {
  readonly pointer: string;
  readonly value: unknown;
}

const maxLength = 1024;
const maxSelected = 10_000;

/**
 * What a JSONPath finds, e.g. `$.spec.steps[*].image`. Filters and scripts are refused, since nothing of the path or the
 * document is ever evaluated as code, and lists of names, since `[0,0][0,0]…` finds twice as much with every step. Throws an
 * `Error` for paths that are not supported.
 */
export function selectJsonPath(path: string, document: JsonObject): readonly Selected[] {
  if (path.length > maxLength) throw new Error(`the path is longer than ${maxLength} characters`);
  if (/[?()@`^~,]/.test(path)) throw new Error("only names, indexes, slices, `*` and `..` are supported");
  // A chain of `..` visits every node anew for each: one is enough for any place.
  if ((path.match(/\.\./g)?.length ?? 0) > 1) throw new Error("`..` may stand once");
  const found: unknown = JSONPath({ path, json: document, eval: false, wrap: true, resultType: "all" });
  if (!Array.isArray(found)) return [];
  if (found.length > maxSelected) throw new Error(`it finds more than ${maxSelected} values`);
  return found.map(({ pointer, value }: Selected) => ({ pointer, value }));
}
