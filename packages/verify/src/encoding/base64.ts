import { refuse } from "../refusal.ts";

/**
 * Decodes standard base64 in its one canonical form (RFC 4648 §3.5, §4): padding, no white space, no URL alphabet, no
 * stray bits in the last digit. Two spellings of one signature would be two identities of one thing.
 */
export function decodeBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  // guard: base64-canonical
  if (!isCanonicalBase64(text, bytes)) refuse("malformed", `${what} is not canonical base64`);
  return bytes;
}

/** Are these bytes what the text spells, in the only way there is? */
export function isCanonicalBase64(text: string, bytes: Buffer): boolean {
  if (text.length < shortLength) return bytes.toString("base64") === text;
  if (text.length % 4 !== 0) return false;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  // Long text is not spelled anew. Node skips what is no digit and stops at a `=` in the middle, so that fewer bytes come
  // out than the length says; what it lets pass is the URL alphabet, letters outside ASCII, and stray bits at the end.
  return (
    bytes.length === (text.length / 4) * 3 - padding &&
    Buffer.byteLength(text) === text.length &&
    !text.includes("-") &&
    !text.includes("_") &&
    bytes.subarray(bytes.length - (bytes.length % 3 || 3)).toString("base64") === text.slice(-4)
  );
}

const shortLength = 32 * 1024;
