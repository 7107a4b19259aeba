// Go maps case one code point to one; JavaScript maps `ß` to `SS` and minds the end of words.

/** `strings.ToUpper`: code points whose upper case is longer than one stay. */
export function toUpper(text: string): string {
  return mapPoints(text, (point) => point.toUpperCase());
}

/** `strings.ToLower`: `İ` becomes `i`, and a final `Σ` becomes `σ`. */
export function toLower(text: string): string {
  return mapPoints(text, (point) => (point === "İ" ? "i" : point.toLowerCase()));
}

function mapPoints(text: string, map: (point: string) => string): string {
  if (/^[\0-\x7f]*$/.test(text)) return map(text);
  let mapped = "";
  for (const point of text) {
    const other = map(point);
    mapped += isOnePoint(other) ? other : point;
  }
  return mapped;
}

function isOnePoint(text: string): boolean {
  return text.length === 1 || (text.length === 2 && text.codePointAt(0) !== text.charCodeAt(0));
}

/** `strings.EqualFold`: simple folding, so that `K` (Kelvin) is `k`, `ſ` is `s`, but `ß` is not `SS`. */
export function equalFold(left: string, right: string): boolean {
  const a = [...left];
  const b = [...right];
  return a.length === b.length && a.every((point, at) => fold(point) === fold(b[at] ?? ""));
}

function fold(point: string): string {
  // `İ` and `ı` fold to themselves only.
  if (point === "İ" || point === "ı") return point;
  return toLower(toUpper(point));
}
