import { X509Certificate } from "node:crypto";
import { fieldOf, text } from "../oci/manifest.ts";

/** Something that stops to hold. */
export interface Expiry {
  readonly what: string;
  /** RFC 3339. */
  readonly when: string;
  /** What it means for who verifies with this trust root. */
  readonly means: string;
}

const keys = [
  ["tlogs", "transparency log"],
  ["ctlogs", "certificate transparency log"],
] as const;
const authorities = [
  ["certificateAuthorities", "certificate authority"],
  ["timestampAuthorities", "timestamp authority"],
] as const;

/**
 * When the parts of a `trusted_root.json` end: the ends of their validity periods, and of the certificates. What was
 * signed before stays verifiable; what is signed later needs a newer trust root. The first is at the top. What cannot
 * be read is left out: whether the root is sound is for the kernel to say.
 */
export function trustExpiries(json: string): readonly Expiry[] {
  const root: unknown = JSON.parse(json);
  const found = [
    ...keys.flatMap(([part, name]) => entriesOf(root, part).flatMap((entry) => keyEnd(entry, name))),
    ...authorities.flatMap(([part, name]) =>
      entriesOf(root, part).flatMap((entry) => authorityEnds(entry, name)),
    ),
  ];
  return found.sort((a, b) => (a.when < b.when ? -1 : 1));
}

function keyEnd(entry: unknown, name: string): readonly Expiry[] {
  const end = endOf(fieldOf(entry, "publicKey"));
  const where = text(fieldOf(entry, "baseUrl")) ?? "";
  return end === undefined ? [] : [expiry(`key of ${name} \`${where}\``, end)];
}

function authorityEnds(entry: unknown, name: string): readonly Expiry[] {
  const where = text(fieldOf(entry, "uri")) ?? "";
  const end = endOf(entry);
  const certificates = entriesOf(fieldOf(entry, "certChain"), "certificates").flatMap((one) =>
    certificateEnd(one),
  );
  const first = [...certificates, ...(end === undefined ? [] : [end])].sort()[0];
  return first === undefined ? [] : [expiry(`${name} \`${where}\``, first)];
}

function expiry(what: string, when: string): Expiry {
  return { what, when, means: "signatures made later need a newer trust root" };
}

function certificateEnd(entry: unknown): readonly string[] {
  try {
    const raw = Buffer.from(text(fieldOf(entry, "rawBytes")) ?? "", "base64");
    return [new Date(new X509Certificate(raw).validTo).toISOString()];
  } catch {
    return [];
  }
}

function endOf(entry: unknown): string | undefined {
  const end = text(fieldOf(fieldOf(entry, "validFor"), "end"));
  const time = Date.parse(end ?? "");
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

function entriesOf(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name);
  return Array.isArray(list) ? list : [];
}
