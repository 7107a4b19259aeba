// `node:crypto` in the browser, as far as expressions need it (md5, sha1, sha256 of text).
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { Buffer } from "buffer";

const hashes = { md5, sha1, sha256, sha384, sha512 };

export function createHash(name: keyof typeof hashes) {
  const parts: Uint8Array[] = [];
  const hash = {
    update: (data: string | Uint8Array) => {
      parts.push(typeof data === "string" ? new TextEncoder().encode(data) : data);
      return hash;
    },
    digest: (encoding?: "hex" | "base64") => {
      const bytes = Buffer.from(hashes[name](Buffer.concat(parts)));
      return encoding === undefined ? bytes : bytes.toString(encoding);
    },
  };
  return hash;
}

export function hash(name: keyof typeof hashes, data: string | Uint8Array): string {
  return createHash(name).update(data).digest("hex") as string;
}
