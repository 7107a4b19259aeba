import type { Fields } from "./manifest.ts";

/** What in JSON text matters for its keys: strings, and what objects and lists begin and end with. */
const tokens = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;

/**
 * Whether an object in well-formed JSON text has a key twice. `JSON.parse` takes the last one; programs in Go put both
 * together, so that a node would run what nobody here has seen.
 */
export function hasKeyTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (colon !== undefined) {
      const key = String(JSON.parse(token.slice(0, -colon.length)));
      const keys = open.at(-1);
      if (keys?.has(key)) return true;
      keys?.add(key);
    }
  }
  return false;
}

/**
 * A key that programs in Go take for one of `names` though it is written otherwise: `Config` for `config`. Of two such keys
 * they read the later one.
 */
export function misspelt(fields: Fields, names: ReadonlySet<string>): string | undefined {
  return Object.keys(fields).find((key) => !names.has(key) && namesFolded(names).has(folded(key)));
}

/** Two keys of one object that programs in Go take for the same one. */
export function hasKeyInTwoCases(fields: Fields): boolean {
  const keys = Object.keys(fields);
  return new Set(keys.map(folded)).size < keys.length;
}

const known = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

function namesFolded(names: ReadonlySet<string>): ReadonlySet<string> {
  const found = known.get(names) ?? new Set([...names].map(folded));
  known.set(names, found);
  return found;
}

/** As Go's decoder folds: `K` (Kelvin) is `k`, `ſ` is `s`. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}
