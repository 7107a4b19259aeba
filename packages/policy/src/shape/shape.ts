/**
 * What a field may hold. One description serves the check at load and the JSON Schema for editors.
 * Semantic rules (exactly one of …, count ≤ entries) stand with the conversion of their field.
 */
export type Shape = TextShape | FlagShape | IntegerShape | AnyShape | ListShape | RecordShape | ObjectShape;

interface Described {
  /** For editors: what the field means, one sentence. */
  readonly says?: string;
  /** Kyverno's default, for editors. */
  readonly default?: string | number | boolean;
  /** Replaced by something else in Kyverno; still read. */
  readonly deprecated?: true;
}
export interface TextShape extends Described {
  readonly kind: "text";
  readonly oneOf?: readonly string[];
  readonly maxLength?: number;
}
export interface FlagShape extends Described {
  readonly kind: "flag";
}
export interface IntegerShape extends Described {
  readonly kind: "integer";
  readonly minimum?: number;
  readonly maximum?: number;
  /** Kyverno's words for a value outside. */
  readonly outside?: string;
}
/** Any JSON: read by another package, or by nobody. */
export interface AnyShape extends Described {
  readonly kind: "any";
}
export interface ListShape extends Described {
  readonly kind: "list";
  readonly of: Shape;
}
/** A map with keys of the author's choice. */
export interface RecordShape extends Described {
  readonly kind: "record";
  readonly of: Shape;
}
export interface ObjectShape extends Described {
  readonly kind: "object";
  /** A function where the shape contains itself. */
  readonly fields: Readonly<Record<string, Shape>> | (() => Readonly<Record<string, Shape>>);
  readonly required: readonly string[];
  /** Name under which a shape that contains itself is kept in the JSON Schema. */
  readonly name?: string;
}

type Extra<S> = Omit<Partial<S>, "kind">;

export const text = (says?: string, extra: Extra<TextShape> = {}): TextShape =>
  described("text", says, extra);
export const flag = (says?: string, extra: Extra<FlagShape> = {}): FlagShape =>
  described("flag", says, extra);
export const integer = (says?: string, extra: Extra<IntegerShape> = {}): IntegerShape =>
  described("integer", says, extra);
export const any = (says?: string): AnyShape => described("any", says, {});
export const list = (of: Shape, says?: string): ListShape => ({ ...described("list", says, {}), of });
export const record = (of: Shape, says?: string): RecordShape => ({ ...described("record", says, {}), of });
export const object = (
  fields: ObjectShape["fields"],
  extra: { required?: readonly string[]; says?: string; name?: string; deprecated?: true } = {},
): ObjectShape => ({ kind: "object", fields, required: [], ...extra });

/** The same shape with the word that it should not be used any more. */
export function deprecated<S extends Shape>(shape: S): S {
  return { ...shape, deprecated: true };
}

function described<K extends Shape["kind"], E extends object>(kind: K, says: string | undefined, extra: E) {
  return { kind, ...(says === undefined ? {} : { says }), ...extra };
}

/** The fields of an object shape. */
export function fieldsOf(shape: ObjectShape): Readonly<Record<string, Shape>> {
  return typeof shape.fields === "function" ? shape.fields() : shape.fields;
}
