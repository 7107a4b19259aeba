/** The ways from the root of a document to one of its nodes. */
export type Path = readonly (string | number)[];

/** A document with one thing lost, misspelt or mistyped in it: JSON text, which may have keys twice. */
export interface Loss {
  readonly how: string;
  readonly path: Path;
  readonly text: string;
}

type Node = unknown;
type Fields = readonly (readonly [string, Node])[];

/** Stands for an object whose keys are these, in this order, also where one is there twice. */
class Keys {
  readonly fields: Fields;
  constructor(fields: Fields) {
    this.fields = fields;
  }
}

/** Every node of `document` lost, emptied, mistyped, its key misspelt or there twice: one at a time. */
export function* losses(document: Node): Generator<Loss> {
  for (const [path, node] of nodes(document, [])) {
    for (const [how, instead] of Object.entries(instances(node))) {
      yield { how, path, text: emit(put(document, path, instead)) };
    }
    const key = path.at(-1);
    const above = path.slice(0, -1);
    const holder = at(document, above);
    if (typeof key !== "string" || !isObject(holder)) continue;
    const fields = Object.entries(holder);
    const others = fields.filter(([name]) => name !== key);
    const put1 = (how: string, made: Fields): Loss => ({
      how,
      path,
      text: emit(put(document, above, new Keys(made))),
    });
    for (const name of [key.slice(0, -1), `${key}s`, `${key}\u200b`, otherCase(key)])
      yield put1(`called ${JSON.stringify(name)}`, [...others, [name, node]]);
    yield put1("twice, then null", [...fields, [key, null]]);
    yield put1("twice, first empty", [[key, Array.isArray(node) ? [] : ""], ...fields]);
  }
}

function instances(node: Node): Readonly<Record<string, Node>> {
  const empties = { null: null, empty: "", blank: " ", "an empty list": [], "an empty map": {} };
  const types = { "a number": 7, "a flag": true, "in a list": [node], "in a map": { value: node } };
  if (Array.isArray(node))
    return { ...empties, ...types, unlisted: node[0], "with a null": [...(node as Node[]), null] };
  return typeof node === "string"
    ? { ...empties, ...types, "with what nobody sees": `${node}\u200b` }
    : { ...empties, ...types };
}

function otherCase(key: string): string {
  const [first = ""] = key;
  return (first === first.toLowerCase() ? first.toUpperCase() : first.toLowerCase()) + key.slice(1);
}

function* nodes(node: Node, path: Path): Generator<readonly [Path, Node]> {
  if (path.length > 0) yield [path, node];
  if (Array.isArray(node)) for (const [i, item] of node.entries()) yield* nodes(item, [...path, i]);
  else if (isObject(node)) for (const [key, item] of Object.entries(node)) yield* nodes(item, [...path, key]);
}

function isObject(node: Node): node is Readonly<Record<string, Node>> {
  return typeof node === "object" && node !== null && !Array.isArray(node);
}

function at(node: Node, path: Path): Node {
  return path.reduce<Node>((holder, step) => (holder as Readonly<Record<string | number, Node>>)[step], node);
}

function put(node: Node, [step, ...rest]: Path, instead: Node): Node {
  if (step === undefined) return instead;
  if (Array.isArray(node)) return node.map((item, i) => (i === step ? put(item, rest, instead) : item));
  const fields = Object.entries(node as object).map(([key, item]): [string, Node] => [
    key,
    key === step ? put(item, rest, instead) : item,
  ]);
  return Object.fromEntries(fields);
}

function emit(node: Node): string {
  if (Array.isArray(node)) return `[${node.map(emit).join(",")}]`;
  if (node instanceof Keys || isObject(node)) {
    const fields = node instanceof Keys ? node.fields : Object.entries(node);
    return `{${fields.map(([key, value]) => `${JSON.stringify(key)}: ${emit(value)}`).join(",")}}`;
  }
  return JSON.stringify(node);
}
