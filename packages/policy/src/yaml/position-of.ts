import type { Policy, PolicyException } from "../model.ts";
import { nodeAt, positionAt, type SourceNode } from "./source-node.ts";
import type { SourcePosition } from "./source-position.ts";

/** Keeps the tree of a policy beside it, out of sight of JSON, equality and iteration. */
const tree: unique symbol = Symbol("source");

/** Remembers where the fields of a policy stand. */
export function attachSource<P extends Policy | PolicyException>(policy: P, node: SourceNode): P {
  return Object.defineProperty(policy, tree, { value: node, enumerable: false });
}

/** The tree that a policy was read from. */
export function sourceOf(policy: Policy | PolicyException): SourceNode | undefined {
  return (policy as { readonly [tree]?: SourceNode })[tree];
}

/**
 * Where a field of a policy stands in its file: `spec.rules[0].verifyImages[0].attestations[1].conditions[0].all[2]`.
 * The nearest field above it where it was not written; undefined for policies that were not loaded from text.
 */
export function positionOf(policy: Policy | PolicyException, path: string): SourcePosition | undefined {
  const root = sourceOf(policy);
  return root === undefined ? undefined : positionIn(root, path);
}

/** Where a field of a document stands, or the nearest field above it. */
export function positionIn(root: SourceNode, path: string): SourcePosition {
  for (let known = path; known !== ""; known = parentPath(known)) {
    const node = nodeAt(root, known);
    if (node !== undefined) return positionAt(node.text, node.at);
  }
  return positionAt(root.text, root.at);
}

function parentPath(path: string): string {
  return path.replace(/(?:^|\.)[^.[\]]+$|\[[^\]]*\]$|.$/, "");
}
