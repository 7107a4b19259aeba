import type { Json } from "../model.ts";
import type { Spot } from "../report.ts";
import { childPath, setOwn, toJson } from "../yaml/source-node.ts";

// Readers for nodes whose shape was checked: what has another type counts as absent.

/** The field of a map; undefined where absent or null. */
export function field(spot: Spot | undefined, key: string): Spot | undefined {
  if (spot?.node.kind !== "map") return undefined;
  const node = spot.node.entries.get(key)?.node;
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return undefined;
  return { node, path: childPath(spot.path, key) };
}

export function items(spot: Spot | undefined): readonly Spot[] {
  if (spot?.node.kind !== "list") return [];
  return spot.node.items.map((node, index) => ({ node, path: childPath(spot.path, index) }));
}

export function entries(spot: Spot | undefined): readonly (readonly [string, Spot])[] {
  if (spot?.node.kind !== "map") return [];
  return [...spot.node.entries].map(([key, { node }]) => [key, { node, path: childPath(spot.path, key) }]);
}

export function textOf(spot: Spot | undefined): string | undefined {
  return spot?.node.kind === "scalar" && typeof spot.node.value === "string" ? spot.node.value : undefined;
}

/** Empty text counts as absent, as Go's `omitempty` has it. */
export function filledText(spot: Spot | undefined): string | undefined {
  const text = textOf(spot);
  return text === "" ? undefined : text;
}

export function flagOf(spot: Spot | undefined): boolean | undefined {
  return spot?.node.kind === "scalar" && typeof spot.node.value === "boolean" ? spot.node.value : undefined;
}

export function integerOf(spot: Spot | undefined): number | undefined {
  return spot?.node.kind === "scalar" && typeof spot.node.value === "number" ? spot.node.value : undefined;
}

export function jsonOf(spot: Spot | undefined): Json | undefined {
  return spot === undefined ? undefined : toJson(spot.node);
}

export function textsOf(spot: Spot | undefined): readonly string[] {
  return items(spot).flatMap((item) => textOf(item) ?? []);
}

export function textRecord(spot: Spot | undefined): Readonly<Record<string, string>> {
  const record: Record<string, string> = {};
  for (const [key, value] of entries(spot)) setOwn(record, key, textOf(value) ?? "");
  return record;
}

/** `{ [key]: value }`, or nothing where the value is absent: for optional fields of the model. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V });
}
