/** Foreign JSON that is an object. */
export type Fields = Readonly<Record<string, unknown>>;

/** What in JSON text matters for its keys: keys, other strings, and what objects begin and end with. */
const tokens = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]/g;

/**
 * Whether an object in well-formed JSON text has a key twice. `JSON.parse` takes the last one; programs in Go put both
 * together, so that a node would run what nobody here has seen.
 */
export function hasKeyTwice(text: string): boolean {
  // Most objects have few keys, and hostile text has millions of objects: a set is made for those that need it.
  const open: (readonly string[] | Set<string>)[] = [];
  for (const [token, raw = "", colon] of text.matchAll(tokens)) {
    if (token === "{") open.push(none);
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = raw.includes("\\") ? String(JSON.parse(`"${raw}"`)) : raw;
      const keys = open.at(-1) ?? none;
      if (keys instanceof Set ? keys.has(key) : keys.includes(key)) return true;
      if (keys instanceof Set) keys.add(key);
      else open[open.length - 1] = keys.length < maxCompared ? [...keys, key] : new Set([...keys, key]);
    }
  }
  return false;
}

const none: readonly string[] = [];
/** So many keys of an object are compared one by one. */
const maxCompared = 8;

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
