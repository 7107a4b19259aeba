/**
 * Kyverno's wildcards: `*` is any run of characters (also none, also `/`, `:` and `@`), `?` exactly one code point,
 * everything else is itself, case-sensitive; the whole text must match. No classes, braces, escapes or negation.
 * Linear in practice and never exponential, whatever the pattern; Kyverno's own matcher (go-wildcard v1.0.3) is
 * exponential in the number of stars.
 */
export function wildcardMatch(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    const wanted = pattern[p];
    if (wanted === "*") {
      star = p++;
      resume = t;
    } else if (wanted === "?") {
      p++;
      t += codePointWidth(text, t);
    } else if (wanted !== undefined && wanted === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      // Only the last star is retried: what an earlier one matched can stay the shortest run.
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** True where the text holds `*` or `?`: it is a pattern rather than a name. */
export function hasWildcard(text: string): boolean {
  return text.includes("*") || text.includes("?");
}

function codePointWidth(text: string, at: number): 1 | 2 {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdbff) return 1;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 2 : 1;
}
