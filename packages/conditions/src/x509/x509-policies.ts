import type { Json, JsonObject } from "../json.ts";
import { exceeded } from "../limits.ts";
import { isDone, malformed, read, readerOf } from "./der.ts";

/** Certificate policies: as text, and as lists of the numbers that fit in 31 bits. */
export function policies(value: Uint8Array): JsonObject {
  const row = readerOf(read(readerOf(value), 0x30, "policies"));
  const texts = new Set<string>();
  const lists: Json[] = [];
  while (!isDone(row)) {
    const content = read(readerOf(read(row, 0x30, "policy")), 0x06, "policy");
    if (!isIdentifier(content)) throw malformed("policy");
    const numbers = numbersOf(content);
    const text = dotted(numbers);
    if (texts.has(text)) throw malformed("a policy stands there twice");
    texts.add(text);
    if (numbers.every((number) => number < 2n ** 31n)) lists.push(arcs(numbers).map(Number));
  }
  return { Policies: texts.size === 0 ? null : [...texts], PolicyIdentifiers: lists };
}

/** Pairs of policies, which Go does not look into. */
export function policyMappings(value: Uint8Array): JsonObject {
  const row = readerOf(read(readerOf(value), 0x30, "policy mappings"));
  const mappings: Json[] = [];
  while (!isDone(row)) {
    const pair = readerOf(read(row, 0x30, "policy mapping"));
    const [issuer, subject] = [read(pair, 0x06, "policy"), read(pair, 0x06, "policy")];
    mappings.push({
      IssuerDomainPolicy: dotted(numbersOf(issuer)),
      SubjectDomainPolicy: dotted(numbersOf(subject)),
    });
  }
  return { PolicyMappings: mappings.length === 0 ? null : mappings };
}

/** Whether each number is written in as few bytes as it needs, and the last one ends. */
function isIdentifier(content: Uint8Array): boolean {
  const starts = content.every((byte, at) => byte !== 0x80 || (content[at - 1] ?? 0) >= 0x80);
  return starts && content.length > 0 && (content.at(-1) ?? 0x80) < 0x80;
}

/** The numbers as they are encoded, of any size; one that does not end is left out. */
function numbersOf(content: Uint8Array): readonly bigint[] {
  // Go has no limit here, but takes time by the square of the length.
  if (content.length > 256) throw exceeded("a policy of the certificate has more than 256 bytes");
  const numbers: bigint[] = [];
  let value = 0n;
  for (const byte of content) {
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0n;
  }
  return numbers;
}

/** The first number holds two. */
function arcs([first, ...rest]: readonly bigint[]): readonly bigint[] {
  if (first === undefined) return [];
  return first < 80n ? [first / 40n, first % 40n, ...rest] : [2n, first - 80n, ...rest];
}

function dotted(numbers: readonly bigint[]): string {
  return arcs(numbers).join(".");
}
