import type { Json, JsonObject } from "@assay/policy";
import type { Random } from "./random.ts";

/** Changes foreign bytes the way their form suggests: JSON as JSON, base64 by what is inside, DER by its elements. */
export function mutateBytes(bytes: Buffer, rng: Random): Buffer {
  const text = bytes.toString("utf8");
  if (text.startsWith("{") || text.startsWith("[")) return Buffer.from(mutateJsonText(text, rng));
  if (text.startsWith("-----BEGIN ")) return Buffer.from(mutatePem(text, rng));
  return bytes[0] === 0x30 && rng.chance(0.8) ? mutateDer(bytes, rng) : mutateRaw(bytes, rng);
}

function mutateRaw(bytes: Buffer, rng: Random): Buffer {
  const at = rng.below(bytes.length + 1);
  const some = Buffer.from(Array.from({ length: 1 + rng.below(8) }, () => rng.below(256)));
  const kinds = [
    () => Buffer.concat([bytes.subarray(0, at), some, bytes.subarray(at)]),
    () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + rng.below(8))]),
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes, bytes.subarray(at)]),
    () => flip(bytes, at, rng),
  ] as const;
  return rng.pick(kinds)();
}

function flip(bytes: Buffer, at: number, rng: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << rng.below(8));
  return copy;
}

/** Works on one element somewhere in the tree; the lengths around it are put right, so that parsers get to see it. */
function mutateDer(bytes: Buffer, rng: Random): Buffer {
  const children = childrenOf(bytes);
  if (children === undefined || children.length === 0 || rng.chance(0.15)) {
    const inner = contentsOf(bytes);
    return inner === undefined ? mutateRaw(bytes, rng) : wrap(bytes[0] ?? 0x30, mutateRaw(inner, rng), rng);
  }
  const at = rng.below(children.length);
  const child = children[at] ?? bytes;
  const other = children[rng.below(children.length)] ?? child;
  const kinds = [
    () => children.toSpliced(at, 1),
    () => children.toSpliced(at, 0, other),
    () => children.toSpliced(at, 1, Buffer.concat([Buffer.from([rng.below(256)]), child.subarray(1)])),
    () => children.toSpliced(at, 1, mutateDer(child, rng)),
    () => children.toSpliced(at, 1, mutateDer(child, rng)),
    () => children.toSpliced(at, 1, mutateDer(child, rng)),
  ] as const;
  return wrap(bytes[0] ?? 0x30, Buffer.concat(rng.pick(kinds)()), rng);
}

function contentsOf(bytes: Buffer): Buffer | undefined {
  const first = bytes[1];
  if (first === undefined) return undefined;
  const width = first < 0x80 ? 0 : first & 0x7f;
  return width > 3 ? undefined : bytes.subarray(2 + width);
}

function childrenOf(bytes: Buffer): Buffer[] | undefined {
  const inner = contentsOf(bytes);
  if (inner === undefined || ((bytes[0] ?? 0) & 0x20) === 0) return undefined;
  const children: Buffer[] = [];
  for (let at = 0; at < inner.length; ) {
    const first = inner[at + 1];
    if (first === undefined) return undefined;
    const width = first < 0x80 ? 0 : first & 0x7f;
    if (width > 3 || at + 2 + width > inner.length) return undefined;
    const length = width === 0 ? first : inner.readUIntBE(at + 2, width);
    children.push(inner.subarray(at, at + 2 + width + length));
    at += 2 + width + length;
  }
  return children;
}

function wrap(tag: number, contents: Buffer, rng: Random): Buffer {
  const { length } = contents;
  const lie = rng.chance(0.03) ? rng.below(300) : length;
  const head =
    lie < 0x80
      ? [lie]
      : lie < 0x100
        ? [0x81, lie]
        : lie < 0x10000
          ? [0x82, lie >> 8, lie & 255]
          : [0x83, lie >> 16, (lie >> 8) & 255, lie & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), contents]);
}

function mutatePem(text: string, rng: Random): string {
  const found = /-----BEGIN ([^-]+)-----\n([^-]+)-----END/.exec(text);
  if (found === null || rng.chance(0.2)) return mutateRaw(Buffer.from(text), rng).toString("latin1");
  const der = mutateDer(Buffer.from(found[2] ?? "", "base64"), rng).toString("base64");
  return `-----BEGIN ${found[1]}-----\n${der.replace(/.{64}/g, "$&\n")}\n-----END ${found[1]}-----\n`;
}

function mutateJsonText(text: string, rng: Random): string {
  if (rng.chance(0.1)) return mutateRaw(Buffer.from(text), rng).toString("utf8");
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    return mutateRaw(Buffer.from(text), rng).toString("utf8");
  }
  const changed = JSON.stringify(mutateJson(json, rng));
  return rng.chance(0.1) ? repeatKey(changed, rng) : changed;
}

/** Puts a key in twice, which no serialiser does. */
function repeatKey(text: string, rng: Random): string {
  const keys = [...text.matchAll(/"([A-Za-z_.-]+)":/g)];
  const found = keys[rng.below(keys.length)];
  if (found === undefined) return text;
  const name = rng.chance(0.5) ? found[1] : found[1]?.toUpperCase();
  return `${text.slice(0, found.index)}"${name}":${rng.pick(['"x"', "1", "null", "{}"])},${text.slice(found.index)}`;
}

const oddities: readonly [Json, ...Json[]] = [
  null,
  true,
  0,
  -1,
  1e21,
  "",
  "x",
  "__proto__",
  [],
  {},
  ["x"],
  { constructor: 1 },
];

function mutateJson(value: Json, rng: Random): Json {
  if (rng.chance(0.04)) return rng.pick(oddities);
  if (typeof value === "string") return mutateText(value, rng);
  if (typeof value === "number")
    return rng.pick([value + 1, value - 1, -value, value * 1e9, value / 3, Number.MAX_SAFE_INTEGER]);
  if (Array.isArray(value)) return mutateList(value, rng);
  if (typeof value === "object" && value !== null) return mutateObject(value as JsonObject, rng);
  return rng.pick(oddities);
}

function mutateList(list: readonly Json[], rng: Random): Json {
  const at = rng.below(list.length);
  const one = list[at];
  if (one === undefined) return [rng.pick(oddities)];
  if (rng.chance(0.15)) return list.toSpliced(at, 1);
  if (rng.chance(0.15)) return [...list, ...Array.from({ length: rng.pick([1, 1, 2, 40]) }, () => one)];
  return list.toSpliced(at, 1, mutateJson(one, rng));
}

function mutateObject(object: JsonObject, rng: Random): Json {
  const keys = Object.keys(object);
  const key = keys[rng.below(keys.length)];
  if (key === undefined) return { x: rng.pick(oddities) };
  const { [key]: value = null, ...rest } = object;
  if (rng.chance(0.08)) return rest;
  if (rng.chance(0.04)) return { ...object, [`${key}X`]: value };
  if (rng.chance(0.04)) return { ...rest, [key.toUpperCase()]: value };
  return { ...object, [key]: mutateJson(value, rng) };
}

/** Base64 is opened, changed inside, and closed again, sometimes in another spelling. */
function mutateText(text: string, rng: Random): string {
  if (/^[A-Za-z0-9+/]{16,}={0,2}$/.test(text) && text.length % 4 === 0 && rng.chance(0.9)) {
    const changed = mutateBytes(Buffer.from(text, "base64"), rng);
    return changed.toString(rng.chance(0.05) ? "base64url" : "base64");
  }
  if (text.startsWith("{") || text.startsWith("-----BEGIN "))
    return mutateBytes(Buffer.from(text), rng).toString("utf8");
  if (/^\d+$/.test(text))
    return rng.pick([
      String(Number(text) + 1),
      "0",
      "-1",
      "1e3",
      "99999999999999999999",
      `0${text}`,
      ` ${text}`,
    ]);
  return rng.pick([
    text.toUpperCase(),
    `${text} `,
    `${text}\u0000`,
    text.slice(1),
    `${text}/../x`,
    text.repeat(2),
    "\u212a",
    "",
  ]);
}
