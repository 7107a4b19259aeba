import type { SignedArtifact } from "@assay/testkit";

/** Evidence as JSON. */
type Tree = string | number | boolean | null | readonly Tree[] | { readonly [name: string]: Tree };

/** A number below `limit`. */
export type Draw = (limit: number) => number;

/** Always the same numbers for a seed (mulberry32). */
export function drawing(seed: number): Draw {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

/**
 * The first artifact, of which some values, at any depth, are those of the others (of its kind): members, items of lists,
 * whole parts. What a text holds (the body of a log's entry, a payload) is put together as well.
 */
export function composed(
  [first, ...others]: readonly [SignedArtifact, ...SignedArtifact[]],
  draw: Draw,
): SignedArtifact {
  const trees = [first, ...others.filter(({ kind }) => kind === first.kind)].map(treeOf);
  const rarity = [4, 16, 64][draw(3)] ?? 4;
  return artifactOf(first, mixed(trees, { draw, seldom: () => draw(rarity) === 0 }));
}

function treeOf(artifact: SignedArtifact): Tree {
  if (artifact.kind === "bundle") return JSON.parse(Buffer.from(artifact.bytes).toString());
  const { payload, annotations } = artifact;
  return { payload: Buffer.from(payload).toString("base64"), annotations };
}

function artifactOf(like: SignedArtifact, tree: Tree): SignedArtifact {
  if (like.kind === "bundle") return { ...like, bytes: Buffer.from(JSON.stringify(tree)) };
  // INVARIANT: what `treeOf` made of such an artifact, some of its values another one's.
  const { payload = "", annotations = {} } = tree as {
    payload?: string;
    annotations?: Record<string, string>;
  };
  return { ...like, payload: Buffer.from(payload, "base64"), annotations };
}

interface Chance {
  readonly draw: Draw;
  readonly seldom: () => boolean;
}

function mixed(trees: readonly Tree[], chance: Chance): Tree {
  const [home = null] = trees;
  if (trees.length < 2) return home;
  if (chance.seldom()) return trees[chance.draw(trees.length)] ?? home;
  if (Array.isArray(home)) return mixedList(trees.filter(Array.isArray), chance);
  if (isObject(home)) return mixedObject(trees.filter(isObject), chance);
  return typeof home === "string" ? mixedText(home, trees, chance) : home;
}

function mixedList(lists: readonly (readonly Tree[])[], chance: Chance): Tree {
  const [home = []] = lists;
  if (chance.seldom()) return lists.slice(0, 3).flat();
  return home.map((item) => mixed([item, ...lists.flat()], chance));
}

function mixedObject(objects: readonly { readonly [name: string]: Tree }[], chance: Chance): Tree {
  const [home = {}] = objects;
  const names = chance.seldom() ? [...new Set(objects.flatMap(Object.keys))] : Object.keys(home);
  const kept = names.filter(() => !(chance.seldom() && chance.seldom()));
  const valuesOf = (name: string): Tree[] =>
    objects.flatMap((object) => (Object.hasOwn(object, name) ? [object[name] ?? null] : []));
  return Object.fromEntries(kept.map((name) => [name, mixed(valuesOf(name), chance)]));
}

function mixedText(home: string, trees: readonly Tree[], chance: Chance): Tree {
  const form = [plain, encoded].find(({ open }) => open(home) !== undefined);
  if (form === undefined) return home;
  const opened = trees.flatMap((tree) => (typeof tree === "string" ? (form.open(tree) ?? []) : []));
  return form.close(mixed(opened, chance));
}

/** A text that holds a JSON object. */
interface Form {
  readonly open: (text: string) => Tree | undefined;
  readonly close: (tree: Tree) => string;
}

const plain: Form = {
  open: (text) => {
    try {
      return text.startsWith("{") ? JSON.parse(text) : undefined;
    } catch {
      return undefined;
    }
  },
  close: (tree) => JSON.stringify(tree),
};

const encoded: Form = {
  open: (text) => (text.startsWith("ey") ? plain.open(Buffer.from(text, "base64").toString()) : undefined),
  close: (tree) => Buffer.from(plain.close(tree)).toString("base64"),
};

function isObject(tree: Tree): tree is { readonly [name: string]: Tree } {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}
