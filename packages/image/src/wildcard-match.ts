/**
 * Kyverno's wildcards: `*` is any run of characters (also none, also `/`, `:` and `@`), `?` exactly one code point,
 * everything else is itself, case-sensitive; the whole text must match. No classes, braces, escapes or negation.
 * Kyverno's own matcher (go-wildcard v1.0.3) is exponential in the number of stars; here time is linear in the text
 * (times a 32nd of the longest run between stars at worst), whoever wrote pattern and text.
 */
export function wildcardMatch(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  // What comes back to the last star this often was made to: go on with the method that never goes back.
  let retries = 4 * (pattern.length + text.length) + 1024;
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
    } else if (star < 0) {
      return false;
    } else {
      // Only the last star is retried: what an earlier one matched can stay the shortest run.
      retries -= p - star;
      if (retries < 0) return matchSegments(pattern, text);
      p = star + 1;
      t = ++resume;
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

/** The runs between stars, each found at its leftmost place; the first and last are bound to the ends of the text. */
function matchSegments(pattern: string, text: string): boolean {
  const points = Array.from(text);
  const segments = pattern.split("*").map((segment) => Array.from(segment));
  const first = segments[0] ?? [];
  const last = segments.at(-1) ?? [];
  const end = points.length - last.length;
  if (end < first.length || !standsAt(first, points, 0) || !standsAt(last, points, end)) return false;
  let at = first.length;
  for (const segment of segments.slice(1, -1)) {
    at = findSegment(segment, points, at);
    if (at > end) return false;
  }
  return true;
}

function standsAt(segment: readonly string[], points: readonly string[], at: number): boolean {
  return segment.every((wanted, index) => wanted === "?" || wanted === points[at + index]);
}

/** Where the first match of the segment at or after `from` ends; infinite where there is none. Bit-parallel Shift-And. */
function findSegment(segment: readonly string[], points: readonly string[], from: number): number {
  if (segment.length === 0) return from;
  const words = Math.ceil(segment.length / 32);
  const masks = segmentMasks(segment, words);
  const any = masks.get("?") ?? new Uint32Array(words);
  const state = new Uint32Array(words);
  const lastBit = (segment.length - 1) % 32;
  for (let at = from; at < points.length; at++) {
    const mask = masks.get(points[at] ?? "") ?? any;
    let carry = 1;
    for (let word = 0; word < words; word++) {
      const bits = state[word] ?? 0;
      state[word] = ((bits << 1) | carry) & (mask[word] ?? 0);
      carry = bits >>> 31;
    }
    if ((((state[words - 1] ?? 0) >>> lastBit) & 1) === 1) return at + 1;
  }
  return Infinity;
}

/** For each character of the segment, at which places it fits; under `?` the places where any character does. */
function segmentMasks(segment: readonly string[], words: number): ReadonlyMap<string, Uint32Array> {
  const any = new Uint32Array(words);
  for (const [place, wanted] of segment.entries()) if (wanted === "?") setBit(any, place);
  const masks = new Map<string, Uint32Array>([["?", any]]);
  for (const [place, wanted] of segment.entries()) {
    if (wanted === "?") continue;
    const mask = masks.get(wanted) ?? any.slice();
    masks.set(wanted, mask);
    setBit(mask, place);
  }
  return masks;
}

function setBit(mask: Uint32Array, place: number): void {
  const word = place >>> 5;
  mask[word] = (mask[word] ?? 0) | (1 << (place & 31));
}
