import type { MapNode, SourceNode } from "../yaml/source-node.ts";
import type { TextEdit } from "./finding.ts";

// Edits of YAML text that need no knowledge of the rest of the file. Where the text around is not what they expect,
// they make no edit: the finding stands without one.

type Edits = { readonly edits?: readonly TextEdit[] };

/** Writes a plain word in place of a scalar. */
export function replaceScalar(node: SourceNode, text: string): Edits {
  const { content } = node.text;
  const quote = node.at === node.end ? "" : content.charAt(node.at);
  const space = content.charAt(node.at - 1) === ":" ? " " : ""; // `key:` with nothing behind it
  const quoted = quote === '"' || quote === "'" ? `${quote}${text}${quote}` : `${space}${text}`;
  return { edits: [{ file: node.text.file, start: node.at, end: node.end, text: quoted }] };
}

/** Gives a field another name. */
export function renameKey(map: MapNode, from: string, to: string): Edits {
  const entry = map.entries.get(from);
  if (entry === undefined) return {};
  const { content, file } = map.text;
  const start = ['"', "'"].includes(content.charAt(entry.keyAt)) ? entry.keyAt + 1 : entry.keyAt;
  if (content.slice(start, start + from.length) !== from) return {};
  return { edits: [{ file, start, end: start + from.length, text: to }] };
}

/** Removes a field that stands on a line of its own. */
export function removeField(map: MapNode, name: string): Edits {
  const entry = map.entries.get(name);
  if (entry === undefined) return {};
  const { content, file } = map.text;
  const start = content.lastIndexOf("\n", entry.keyAt - 1) + 1;
  const newline = content.indexOf("\n", entry.node.end);
  const end = newline < 0 ? content.length : newline + 1;
  const before = content.slice(start, entry.keyAt);
  const behind = content.slice(entry.node.end, newline < 0 ? content.length : newline);
  const alone =
    before.trim() === "" &&
    /^\s*(?:#.*)?$/.test(behind) &&
    !content.slice(entry.keyAt, entry.node.end).includes("\n");
  return alone && map.entries.size > 1 ? { edits: [{ file, start, end, text: "" }] } : {};
}

/** Puts a field in front of a map's first one. */
export function insertField(map: MapNode | undefined, field: string): Edits {
  if (map === undefined || map.entries.size === 0) return {};
  const { content, file } = map.text;
  if (content.charAt(map.at) === "{") {
    return { edits: [{ file, start: map.at + 1, end: map.at + 1, text: `${field}, ` }] };
  }
  const column = map.at - (content.lastIndexOf("\n", map.at - 1) + 1);
  return { edits: [{ file, start: map.at, end: map.at, text: `${field}\n${" ".repeat(column)}` }] };
}
