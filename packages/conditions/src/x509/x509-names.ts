import type { Json, JsonObject } from "../json.ts";
import {
  childrenOf,
  type Der,
  isDone,
  malformed,
  readAny,
  readElement,
  readerOf,
  readIdentifier,
} from "./der.ts";

/** Go's field by the last number of 2.5.4.x. */
const nameFields: Readonly<Record<number, string>> = {
  6: "Country",
  10: "Organization",
  11: "OrganizationalUnit",
  7: "Locality",
  8: "Province",
  9: "StreetAddress",
  17: "PostalCode",
};

/** Go's `pkix.Name`; `toJson` says what the value of an attribute is. */
export function distinguishedName(name: Uint8Array, toJson: (value: Der) => Json): JsonObject {
  const lists: Record<string, string[] | null> = Object.fromEntries(
    Object.values(nameFields).map((field) => [field, null]),
  );
  let serialNumber = "";
  let commonName = "";
  const names: JsonObject[] = [];
  for (const { type, value } of attributesOf(name, toJson)) {
    names.push({ Type: [...type], Value: value });
    if (typeof value !== "string" || type.length !== 4 || type.slice(0, 3).join(".") !== "2.5.4") continue;
    const last = type[3] ?? 0;
    const field = nameFields[last];
    if (field !== undefined) addTo(lists, field, value);
    else if (last === 3) commonName = value;
    else if (last === 5) serialNumber = value;
  }
  return {
    ...lists,
    SerialNumber: serialNumber,
    CommonName: commonName,
    Names: names.length === 0 ? null : names,
    ExtraNames: null,
  };
}

function addTo(lists: Record<string, string[] | null>, field: string, value: string): void {
  const list = lists[field] ?? [];
  list.push(value);
  lists[field] = list;
}

interface Attribute {
  readonly type: readonly number[];
  readonly value: Json;
}

function* attributesOf(name: Uint8Array, toJson: (value: Der) => Json): Generator<Attribute> {
  const sets = readerOf(name);
  while (!isDone(sets)) {
    const set = readElement(sets, 0x31, "name");
    for (const { content } of childrenOf(set.content, 0x30, "name")) yield attributeOf(content, toJson);
  }
}

/** A type with its value. */
export function attributeOf(content: Uint8Array, toJson: (value: Der) => Json): Attribute {
  const row = readerOf(content);
  const type = readIdentifier(row);
  if (isDone(row)) throw malformed("attribute");
  return { type, value: toJson(readAny(row)) };
}
