/** Any JSON value. Objects are read by their own properties only, so `__proto__` is a key like any other. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * What expressions compute with: JSON, in which a `number` is Go's float64 and a `bigint` is Go's int64.
 * Kyverno keeps the two apart (`elementIndex`, numbers of background resources and the literals inside a condition's
 * lists are int64; everything that came through an admission request or a variable is float64), and so do we: a
 * `bigint` never loses digits, and never equals a `number` inside an expression.
 */
export type Value = null | boolean | number | bigint | string | readonly Value[] | ValueObject;
export interface ValueObject {
  readonly [key: string]: Value;
}

/** True for maps, as opposed to lists and scalars. */
export function isObject(value: unknown): value is ValueObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for lists; unlike `Array.isArray` it keeps the element type of readonly lists. */
export function isList(value: unknown): value is readonly Value[] {
  return Array.isArray(value);
}

/** The own property, or `undefined`: never one that was inherited. */
export function own(object: ValueObject, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets an own property, also for the key `__proto__`, which plain assignment would take for the prototype. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}
