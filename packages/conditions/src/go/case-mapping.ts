// Go maps case one code point to one; JavaScript maps `ß` to `SS` and minds the end of words.

/**
 * Letters that have a case since Unicode 15.1 or later, which Go does not know yet. Without them the answers would
 * depend on the version of Node.
 */
const newer =
  /[\u019B\u0264\u1C89\u1C8A\uA7CB-\uA7CF\uA7D2-\uA7D5\uA7DA-\uA7DC\u{10D50}-\u{10D85}\u{16EA0}-\u{16ED3}]/u;

/** `strings.ToUpper`: code points whose upper case is longer than one stay, or have a title case, as `ᾳ` has `ᾼ`. */
export function toUpper(text: string): string {
  return mapPoints(text, (point) => titleCase(point) ?? point.toUpperCase());
}

/** Greek letters with a iota below. */
function titleCase(point: string): string | undefined {
  const code = point.charCodeAt(0);
  if (/[\u1F80-\u1F87\u1F90-\u1F97\u1FA0-\u1FA7]/.test(point)) return String.fromCharCode(code + 8);
  return /[\u1FB3\u1FC3\u1FF3]/.test(point) ? String.fromCharCode(code + 9) : undefined;
}

/** `strings.ToLower`: `İ` becomes `i`, and a final `Σ` becomes `σ`. */
export function toLower(text: string): string {
  return mapPoints(text, (point) => (point === "İ" ? "i" : point.toLowerCase()));
}

function mapPoints(text: string, map: (point: string) => string): string {
  if (/^[\0-\x7f]*$/.test(text)) return map(text);
  let mapped = "";
  for (const point of text) {
    const other = newer.test(point) ? point : map(point);
    mapped += isOnePoint(other) ? other : point;
  }
  return mapped;
}

function isOnePoint(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0) !== text.charCodeAt(0));
}

/** `strings.EqualFold`: simple folding, so that `K` (Kelvin) is `k`, `ſ` is `s`, but `ß` is not `SS`. */
export function equalFold(left: string, right: string): boolean {
  const others = right[Symbol.iterator]();
  for (const point of left) {
    const other = others.next();
    if (other.done || (point !== other.value && fold(point) !== fold(other.value))) return false;
  }
  return others.next().done === true;
}

function fold(point: string): string {
  // `İ` and `ı` fold to themselves only.
  if (point === "İ" || point === "ı") return point;
  return toLower(toUpper(point));
}
