import { createHash } from "node:crypto";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import { refuse } from "../refusal.ts";

const maxCheckpointLength = 64 * 1024;
const maxNoteNames = 16;

/** Text of the checkpoint that came with an inclusion proof; empty where there is none. */
export function checkpointOf({ inclusionProof }: TransparencyLogEntry): string {
  const envelope = inclusionProof?.checkpoint?.envelope ?? "";
  // guard: checkpoint-length
  if (envelope.length > maxCheckpointLength) refuse("tooLarge", "checkpoint of the log entry is too long");
  return envelope;
}

/** Who signed the note, by its own account: lines of a dash, a name and a signature. */
export function noteNames(checkpoint: string): string[] {
  return checkpoint
    .slice(checkpoint.indexOf("\n\n") + 2)
    .split("\n")
    .filter((line) => line.startsWith("\u2014 "))
    .slice(0, maxNoteNames)
    .map((line) => line.slice(2, line.indexOf(" ", 2)));
}

/** C2SP signed-note: SHA-256 of name, newline, algorithm byte 1, and the 32 bytes of an Ed25519 key. */
export function noteKeyId(name: string, spki: Buffer): Buffer {
  return createHash("sha256").update(`${name}\n\x01`).update(spki.subarray(-32)).digest();
}

/**
 * Whether it is a text, an empty line, and lines of signatures, with nothing behind them (C2SP signed-note): of anything
 * else, programs differ in what was signed, and by whom.
 */
export function isSignedNote(checkpoint: string): boolean {
  const end = checkpoint.indexOf("\n\n");
  const lines = checkpoint.slice(end + 2).split("\n");
  return end > 0 && lines.pop() === "" && lines.length > 0 && lines.every((line) => signatureLine.test(line));
}

const signatureLine = /^\u2014 [^\s+]+ [A-Za-z0-9+/]+={0,2}$/;
