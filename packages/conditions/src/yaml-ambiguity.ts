import type { Scalar } from "yaml";

/** What our parser (YAML 1.2) and Kubernetes' (go-yaml v2, YAML 1.1) read each in its own way, and where. */
export interface Ambiguity {
  readonly message: string;
  /** Offset in the text. */
  readonly at: number;
}

/**
 * A line break to one parser and none to the other, by which a comment could hide what Kubernetes reads: a lone carriage
 * return, NEL, LS, PS, or a byte order mark inside the text (Kubernetes skips one at the start of each document).
 */
export function ambiguousBreak(text: string): Ambiguity | undefined {
  const at = text.search(/\r(?!\n)|[\u0085\u2028\u2029]|(?!^)\ufeff/);
  if (at < 0) return undefined;
  const point = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  return { message: `Kubernetes reads U+${point} otherwise: write \`\\u${point}\` in double quotes`, at };
}

/** A scalar that Kubernetes would read otherwise, or as the end of another. `inFlow`: inside `{…}` or `[…]`. */
export function ambiguousScalar(scalar: Scalar, text: string, inFlow: boolean): Ambiguity | undefined {
  const [start, end] = scalar.range ?? [0, 0];
  const raw = text.slice(start, end);
  if (scalar.type === "QUOTE_DOUBLE") {
    const fold = raw.search(/(?<!\\)(?:\\\\)*\\\r?\n[ \t]*\r?\n/);
    return fold < 0 ? undefined : otherwise("an empty line after an escaped line break", start + fold);
  }
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

function otherwise(what: string, at: number): Ambiguity {
  return {
    message: `Kubernetes reads ${what} otherwise here: write quotes around the text, or a space after it`,
    at,
  };
}
