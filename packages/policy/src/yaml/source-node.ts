import type { Json } from "../model.ts";
import type { SourcePosition } from "./source-position.ts";

/**
 * A document as a tree in which every node knows where it stands. Aliases share nodes, `size` counts them expanded.
 * INVARIANT: `size` of a document's root is within the limit it was read with, so walks need no limit of their own.
 */
export type SourceNode = ScalarNode | ListNode | MapNode;

interface Located {
  readonly text: SourceText;
  /** Offset in the text, and where the node ends. */
  readonly at: number;
  readonly end: number;
  readonly size: number;
}
export interface ScalarNode extends Located {
  readonly kind: "scalar";
  readonly value: null | boolean | number | string;
}
export interface ListNode extends Located {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
}
export interface MapNode extends Located {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, MapEntry>;
}
export interface MapEntry {
  /** Offset of the key. */
  readonly keyAt: number;
  readonly node: SourceNode;
}

/** A file's name and where its lines begin. */
export interface SourceText {
  readonly file: string;
  readonly content: string;
  readonly lineStarts: readonly number[];
}

/** Prepares a file's text for position look-ups. */
export function sourceText(file: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { file, content: text, lineStarts };
}

/** Line and column of an offset, by binary search. */
export function positionAt({ file, lineStarts }: SourceText, offset: number): SourcePosition {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file, line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

/** The value of a node, deeply frozen. Keys become own properties, `__proto__` too. */
export function toJson(node: SourceNode): Json {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return Object.freeze(node.items.map(toJson));
    case "map": {
      const object: Record<string, Json> = {};
      for (const [key, { node: child }] of node.entries) setOwn(object, key, toJson(child));
      return Object.freeze(object);
    }
  }
}

/** Assignment that cannot reach a prototype. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** The child at a path of keys and indexes; undefined where there is none. */
export function nodeAt(node: SourceNode, path: string): SourceNode | undefined {
  let current: SourceNode | undefined = node;
  for (const step of pathSteps(path)) {
    if (current?.kind === "map" && typeof step === "string") current = current.entries.get(step)?.node;
    else if (current?.kind === "list" && typeof step === "number") current = current.items[step];
    else return undefined;
  }
  return current;
}

/** `spec.rules[0]["a.b"]` as its steps. Anything malformed ends the path. */
function pathSteps(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, name, index, quoted] of path.matchAll(/([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(String(JSON.parse(quoted)));
  }
  return steps;
}

/** The path of a child: `spec` + `rules` → `spec.rules`; keys that would be ambiguous are quoted. */
export function childPath(path: string, step: string | number): string {
  if (typeof step === "number") return `${path}[${step}]`;
  if (!/^[\w$/-]+$/.test(step)) return `${path}[${JSON.stringify(step)}]`;
  return path === "" ? step : `${path}.${step}`;
}
