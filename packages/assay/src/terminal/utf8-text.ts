import type { Buffer } from "node:buffer";
import { AssayError } from "../assay-error.ts";

/**
 * The text that `bytes` are in UTF-8, without a byte order mark. Throws where they are something else: letters that were
 * replaced would make other names and patterns of them.
 */
export function utf8Text(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const mark = bytes.toString("hex", 0, 2);
    const hint =
      mark === "fffe" || mark === "feff"
        ? "it is UTF-16, as `>` of Windows PowerShell writes it: save it as UTF-8"
        : "save it as UTF-8";
    throw new AssayError("fileUnreadable", `${where} is not UTF-8 text`, { hint, cause });
  }
}
