import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";

/** What this thread did with bytes while it was watched. */
export interface ByteCounts {
  /** Hashed and copied in the busiest turn of the event loop. */
  readonly perTurn: number;
  readonly hashed: number;
  readonly copied: number;
  /** Decoded or parsed as text, at one go. */
  readonly read: number;
  /** Copied into one message for a thread: what is not given away with it. */
  readonly sent: number;
  readonly messages: number;
}

type Method = (this: unknown, ...given: unknown[]) => unknown;

/**
 * Counts bytes rather than time: what hashes, copies, decodes, parses and sends is replaced by what also counts, for as
 * long as `work` takes.
 */
export async function countingBytes(work: () => Promise<void>): Promise<ByteCounts> {
  const counts = { perTurn: 0, hashed: 0, copied: 0, read: 0, sent: 0, messages: 0 };
  let inTurn = 0;
  const add = (kind: "hashed" | "copied", bytes: number): void => {
    counts[kind] += bytes;
    inTurn += bytes;
    counts.perTurn = Math.max(counts.perTurn, inTurn);
  };
  const isRead = (bytes: number): void => {
    counts.read = Math.max(counts.read, bytes);
  };
  const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);
  const restore = [
    counted(Object.getPrototypeOf(createHash("sha256")), "update", (_, data) =>
      add("hashed", lengthOf(data)),
    ),
    counted(typedArray, "set", (_, data) => add("copied", lengthOf(data))),
    counted(typedArray, "slice", (self) => add("copied", lengthOf(self))),
    counted(Buffer, "concat", (_, list) =>
      add(
        "copied",
        (list as readonly unknown[]).reduce<number>((sum, one) => sum + lengthOf(one), 0),
      ),
    ),
    counted(Buffer.prototype, "toString", (self) => isRead(lengthOf(self))),
    counted(TextDecoder.prototype, "decode", (_, data) => isRead(lengthOf(data))),
    counted(JSON, "parse", (_, text) => isRead(lengthOf(text))),
    counted(Worker.prototype, "postMessage", (_, message, transferred) => {
      counts.messages++;
      counts.sent = Math.max(counts.sent, cloned(message, new Set(transferred as readonly object[])));
    }),
  ];
  let turn = setImmediate(function next() {
    inTurn = 0;
    turn = setImmediate(next);
  });
  try {
    await work();
  } finally {
    clearImmediate(turn);
    for (const undo of restore) undo();
  }
  return counts;
}

function counted(
  owner: object,
  name: string,
  count: (self: unknown, ...given: unknown[]) => void,
): () => void {
  const original = Reflect.get(owner, name) as Method;
  const replacement: Method = function (...given) {
    count(this, ...given);
    return original.apply(this, given);
  };
  const restored = Reflect.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { configurable: true, writable: true, value: replacement });
  return () => {
    if (restored === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, restored);
  };
}

function lengthOf(data: unknown): number {
  if (typeof data === "string") return data.length;
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer ? data.byteLength : 0;
}

/** What the structured clone of a message copies: everything once, but for what was seen before. */
function cloned(value: unknown, seen: Set<object>): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null || seen.has(value)) return 0;
  seen.add(value);
  if (value instanceof Uint8Array) return seen.has(value.buffer) ? 0 : value.byteLength;
  const parts: Iterable<unknown> = value instanceof Map ? [...value].flat() : Object.values(value);
  return [...parts].reduce<number>((sum, part) => sum + cloned(part, seen), 0);
}
