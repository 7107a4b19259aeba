import type { Scalar } from "yaml";

/** What our parser (YAML 1.2) and Kubernetes' (go-yaml v2, YAML 1.1) read each in its own way, and where. */
export interface Ambiguity {
  readonly message: string;
  /** Offset in the text. */
  readonly at: number;
}

/**
 * A line break to one parser and none to the other, by which a comment could hide what Kubernetes reads: a lone carriage
 * return, NEL, LS, PS, or a byte order mark inside the text (Kubernetes skips one at the start of each document) or before
 * a space, which counts as indentation or does not.
 */
export function ambiguousBreak(text: string): Ambiguity | undefined {
  const at = text.search(/\r(?!\n)|[\u0085\u2028\u2029]|(?!^)\ufeff|^\ufeff(?= )/);
  if (at < 0) return undefined;
  const point = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  return { message: `Kubernetes reads U+${point} otherwise: write \`\\u${point}\` in double quotes`, at };
}

/** go-yaml ends an anchor's name before `:` or `.`, and refuses it or reads the rest as text. */
export function isAnchorName(name: string): boolean {
  return /^[0-9A-Za-z_-]+$/.test(name);
}

/** A scalar that Kubernetes would read otherwise, or as the end of another. `inFlow`: inside `{…}` or `[…]`. */
export function ambiguousScalar(scalar: Scalar, text: string, inFlow: boolean): Ambiguity | undefined {
  const [start, end] = scalar.range ?? [0, 0];
  const raw = text.slice(start, end);
  if (scalar.type === "QUOTE_DOUBLE") {
    if (/\p{Surrogate}/u.test(String(scalar.value))) return loneSurrogate(start);
    const fold = raw.search(/(?<!\\)(?:\\\\)*\\\r?\n[ \t]*\r?\n/);
    return fold < 0 ? undefined : otherwise("an empty line after an escaped line break", start + fold);
  }
  if (raw.startsWith("|") || raw.startsWith(">")) return ambiguousBlockEnd(text, start, end);
  if (scalar.type !== "PLAIN" || !inFlow) return undefined;
  // `{?spec: x}` has the key `spec` there: an indicator needs no space after it.
  const indicator = raw.search(/(?<!\S)[?:]/);
  if (indicator >= 0) return otherwise(`\`${raw.charAt(indicator)}\``, start + indicator);
  // `{name:}` has the key `name:` there, and `[!!str,]` no comma.
  const tightColon = /\s*:[,[\]{}]/y;
  tightColon.lastIndex = end;
  const isCut = tightColon.test(text) || (scalar.tag !== undefined && raw === "");
  return isCut ? otherwise(`\`${text.charAt(end)}\``, end) : undefined;
}

/**
 * Lines of nothing but spaces at the end of a block: text to go-yaml where the indentation is given (`|2`), and one more
 * line of a block whose end is kept (`|+`) where the file ends in spaces.
 */
function ambiguousBlockEnd(text: string, start: number, end: number): Ambiguity | undefined {
  const header = text.slice(start, start + 3);
  const isIndented = /[1-9]/.test(header);
  if (!isIndented && !header.includes("+")) return undefined;
  let last = end;
  while (" \r\n".includes(text.charAt(last - 1))) last--;
  const spaces = isIndented ? /\s*?\n +(?=\r?\n|$)/y : /\s*\n +$/y;
  spaces.lastIndex = last;
  if (!spaces.test(text)) return undefined;
  return {
    message: "Kubernetes reads spaces at the end of this block as text: delete them",
    at: spaces.lastIndex,
  };
}

/** YAML refuses it, JSON makes U+FFFD of it, so that two keys may become one. */
function loneSurrogate(at: number): Ambiguity {
  return { message: "Kubernetes reads half a surrogate pair otherwise: write the whole character", at };
}

function otherwise(what: string, at: number): Ambiguity {
  return {
    message: `Kubernetes reads ${what} otherwise here: write quotes around the text, or a space after it`,
    at,
  };
}
