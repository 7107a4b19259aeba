import { shown } from "../refusal.ts";
import { isCanonicalBase64 } from "./base64.ts";

/** One `-----BEGIN LABEL-----` block. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
}

/** What is wrong with a PEM text, in words; or its blocks. */
export type PemResult = { readonly blocks: readonly PemBlock[] } | { readonly problem: string };

const begin = "-----BEGIN ";
const block =
  /^-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?\n((?:[A-Za-z0-9+/=]+[ \t]*\r?\n)+)-----END \1-----[ \t]*$/;

/**
 * Splits PEM text (RFC 7468, without headers). Between blocks only white space and lines that start with `#` may stand:
 * a block with a typing error is refused, not overlooked.
 */
export function parsePem(text: string, maxBlocks: number): PemResult {
  const blocks: PemBlock[] = [];
  let rest = text;
  for (;;) {
    const start = rest.indexOf(begin);
    const between = start < 0 ? rest : rest.slice(0, start);
    if (!isBlank(between))
      return { problem: `has text outside its PEM blocks (\`${shown(firstLine(between))}\`)` };
    if (start < 0) break;
    const end = rest.indexOf("-----END ", start);
    const stop = end < 0 ? -1 : rest.indexOf("-----", end + 9);
    const found = stop < 0 ? null : block.exec(trimLines(rest.slice(start, stop + 5)));
    if (found === null) return { problem: "has a PEM block that is not well-formed" };
    if (blocks.length === maxBlocks) return { problem: `has more than ${maxBlocks} PEM blocks` };
    const base64 = (found[2] ?? "").replace(/\s/g, "");
    const der = Buffer.from(base64, "base64");
    if (!isCanonicalBase64(base64, der)) return { problem: "has a PEM block that is not canonical base64" };
    blocks.push({ label: found[1] ?? "", der });
    rest = rest.slice(stop + 5);
  }
  return blocks.length === 0 ? { problem: "holds no PEM block" } : { blocks };
}

/** One block, in the usual spelling. */
export function writePem(label: string, der: Buffer): Buffer {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return Buffer.from(`-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`);
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => !isBlank(line)) ?? "").trim().slice(0, 40);
}

function isBlank(text: string): boolean {
  return text.split("\n").every((line) => line.trim() === "" || line.trimStart().startsWith("#"));
}

/** YAML block scalars and shell quoting leave indentation behind. */
function trimLines(text: string): string {
  if (!/[ \t]\r?\n|\n[ \t]/.test(text)) return text;
  return text
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
}
