import { ConditionError } from "../condition-error.ts";
import type { JsonObject } from "../json.ts";
import {
  bits,
  type Der,
  type DerReader,
  integer,
  isDone,
  malformed,
  onlyElement,
  read,
  readAny,
  readerOf,
  readIdentifier,
  smallInteger,
} from "./der.ts";

/** Kyverno takes RSA keys only, and writes the modulus as decimal text. */
export function rsaKey(information: Uint8Array): JsonObject {
  const fields = readerOf(information);
  const algorithm = algorithmOf(read(fields, 0x30, "public key"));
  const { bytes, padding } = bits(read(fields, 0x03, "public key"));
  if (algorithm.oid !== "1.2.840.113549.1.1.1") {
    throw new ConditionError("the certificate should use RSA", { code: "badText" });
  }
  if (!isNull(algorithm.parameters) || padding > 0) throw malformed("public key");
  const key = readerOf(onlyElement(bytes, 0x30, "public key").content);
  const modulus = integer(read(key, 0x02, "modulus"));
  const exponent = smallInteger(read(key, 0x02, "exponent"));
  if (modulus <= 0n || exponent <= 0 || exponent >= 2 ** 31) throw malformed("public key");
  return { N: String(modulus), E: exponent };
}

interface Algorithm {
  readonly oid: string;
  readonly parameters: Der | undefined;
}

function algorithmOf(content: Uint8Array): Algorithm {
  const row = readerOf(content);
  const oid = readIdentifier(row).join(".");
  return { oid, parameters: isDone(row) ? undefined : readAny(row) };
}

function isNull(parameters: Der | undefined): boolean {
  return parameters?.tag === 0x05 && parameters.content.length === 0;
}

/** Go's numbers for signature algorithms. */
const signatureAlgorithms: ReadonlyMap<string, number> = new Map([
  ["1.2.840.113549.1.1.4", 2],
  ["1.2.840.113549.1.1.5", 3],
  ["1.3.14.3.2.29", 3],
  ["1.2.840.113549.1.1.11", 4],
  ["1.2.840.113549.1.1.12", 5],
  ["1.2.840.113549.1.1.13", 6],
  ["1.2.840.10040.4.3", 7],
  ["2.16.840.1.101.3.4.3.2", 8],
  ["1.2.840.10045.4.1", 9],
  ["1.2.840.10045.4.3.2", 10],
  ["1.2.840.10045.4.3.3", 11],
  ["1.2.840.10045.4.3.4", 12],
  ["1.3.101.112", 16],
]);

/** The number of the algorithm that a row names; 0 for one that Go does not know. */
export function signatureAlgorithm(content: Uint8Array): number {
  const { oid, parameters } = algorithmOf(content);
  if (oid === "1.3.101.112" && parameters !== undefined) return 0;
  if (oid !== "1.2.840.113549.1.1.10") return signatureAlgorithms.get(oid) ?? 0;
  try {
    return parameters?.tag === 0x30 ? pssAlgorithm(parameters.content) : 0;
  } catch (error) {
    // Parameters that do not parse are an algorithm that nobody knows.
    if (error instanceof ConditionError) return 0;
    throw error;
  }
}

/** PSS: the hash, and the salt length that Go wants with it. */
const pssHashes: readonly (readonly [hash: string, salt: number, algorithm: number])[] = [
  ["2.16.840.1.101.3.4.2.1", 32, 13],
  ["2.16.840.1.101.3.4.2.2", 48, 14],
  ["2.16.840.1.101.3.4.2.3", 64, 15],
];

function pssAlgorithm(parameters: Uint8Array): number {
  const row = readerOf(parameters);
  const hash = algorithmOf(explicit(row, 0xa0, 0x30));
  const mask = algorithmOf(explicit(row, 0xa1, 0x30));
  const salt = smallInteger(explicit(row, 0xa2, 0x02));
  const trailer = isDone(row) ? 1 : smallInteger(explicit(row, 0xa3, 0x02));
  if (mask.parameters?.tag !== 0x30) return 0;
  const maskHash = algorithmOf(mask.parameters.content);
  const plain = [hash, maskHash].every(({ parameters: own }) => own === undefined || isNull(own));
  if (!plain || mask.oid !== "1.2.840.113549.1.1.8" || maskHash.oid !== hash.oid || trailer !== 1) return 0;
  return pssHashes.find(([oid, length]) => oid === hash.oid && length === salt)?.[2] ?? 0;
}

function explicit(row: DerReader, outer: number, inner: number): Uint8Array {
  return read(readerOf(read(row, outer, "parameters")), inner, "parameters");
}
