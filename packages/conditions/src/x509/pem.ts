import { Buffer } from "node:buffer";

/** A block of PEM: what its first line names, and the bytes. */
export interface PemBlock {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const BEGIN = "-----BEGIN ";
const END = "\n-----END ";
const DASHES = "-----";

/** The first block as Go's encoding/pem reads it; `undefined` when there is none. */
export function firstPemBlock(text: string): PemBlock | undefined {
  // INVARIANT: every search begins behind the last end, so that the text is read once.
  for (let from = 0; ; ) {
    const end = text.indexOf(END, from);
    if (end < 0) return undefined;
    const found = blockBetween(text, from, end);
    if (found !== "skip") return found;
    from = end + END.length;
  }
}

/** The block that ends there, `skip` when it is none, `undefined` when there can be no other behind it. */
function blockBetween(text: string, from: number, end: number): PemBlock | "skip" | undefined {
  const begin = text.slice(from, end).lastIndexOf(BEGIN);
  if (begin < 0 || (begin > 0 && text.charAt(from + begin - 1) !== "\n")) return "skip";
  const first = lineAt(text, from + begin + BEGIN.length);
  if (!first.line.endsWith(DASHES)) return "skip";
  const type = first.line.slice(0, -DASHES.length);
  const body = behindHeaders(text, first.next);
  const trailer = end + END.length;
  if (body === undefined || (body > trailer && body > first.next)) return undefined;
  if (body > end && body > first.next) return "skip";
  const last = text.slice(trailer, trailer + type.length + DASHES.length);
  if (last !== type + DASHES || lineAt(text, trailer + last.length).line !== "") return "skip";
  const compact = text.slice(body, Math.max(body, end)).replace(/[ \t\r\n]/g, "");
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return "skip";
  return { type, bytes: Buffer.from(compact, "base64") };
}

/** Where the lines with a colon end; `undefined` when nothing follows them. */
function behindHeaders(text: string, from: number): number | undefined {
  for (let at = from; at < text.length; ) {
    const { line, next } = lineAt(text, at);
    if (!line.includes(":")) return at;
    at = next;
  }
  return undefined;
}

function lineAt(text: string, at: number): { line: string; next: number } {
  const newline = text.indexOf("\n", at);
  const end = newline < 0 ? text.length : newline;
  const line = text.slice(at, newline > at && text.charAt(newline - 1) === "\r" ? end - 1 : end);
  return { line: trimRight(line), next: newline < 0 ? end : end + 1 };
}

function trimRight(line: string): string {
  let end = line.length;
  while (end > 0 && (line.charAt(end - 1) === " " || line.charAt(end - 1) === "\t")) end--;
  return line.slice(0, end);
}
