import type { Json, JsonObject } from "@assay/policy";
import type { TransparencyLogEntry } from "@sigstore/bundle";
import { decodeBase64 } from "../encoding/base64.ts";
import { isJsonObject, own, parseStrictJson, readUtf8 } from "../encoding/strict-json.ts";
import { refuse } from "../refusal.ts";

/** A log entry as it came, with its body read once, when somebody asks for it. */
export interface LogEntry {
  readonly entry: TransparencyLogEntry;
  readonly readBody: () => Json;
}

/** The entry with a reader of its body that remembers. */
export function logEntry(entry: TransparencyLogEntry, known?: Json): LogEntry {
  let body = known;
  return {
    entry,
    readBody: () => {
      body ??= readLogBody(entry.canonicalizedBody);
      return body;
    },
  };
}

/** The body of an entry: what the log recorded. */
function readLogBody(bytes: Buffer): Json {
  return parseStrictJson(readUtf8(bytes, "log entry body"), "log entry body");
}

/**
 * Reads an entry in the form of Rekor v1: `{body, integratedTime, logIndex, logID}` (sigstore/rekor openapi.yaml,
 * `LogEntry`; cosign keeps it in an annotation). It is not verified, and has no inclusion proof.
 */
export function readRekorEntry(
  payload: JsonObject,
  { what, promise }: { readonly what: string; readonly promise: Json | undefined },
): LogEntry {
  const [body, logId] = [own(payload, "body"), own(payload, "logID")];
  const [integratedTime, logIndex] = [own(payload, "integratedTime"), own(payload, "logIndex")];
  if (typeof body !== "string" || typeof logId !== "string" || !/^[0-9a-f]{64}$/.test(logId)) {
    return refuse("malformed", `${what} has a bad body or log id`);
  }
  if (!isCount(integratedTime) || !isCount(logIndex))
    return refuse("malformed", `${what} has a bad time or index`);
  if (promise !== undefined && typeof promise !== "string")
    return refuse("malformed", `${what} has a bad promise`);
  const canonicalizedBody = decodeBase64(body, `body of the ${what}`);
  const recorded = readLogBody(canonicalizedBody);
  const entry = {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logId, "hex") },
    kindVersion: kindOf(recorded),
    integratedTime: String(integratedTime),
    inclusionPromise:
      promise === undefined
        ? undefined
        : { signedEntryTimestamp: decodeBase64(promise, `promise of the ${what}`) },
    inclusionProof: undefined,
    canonicalizedBody,
  };
  return logEntry(entry, recorded);
}

/** Whether a number can be a time, an index or a size. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function kindOf(json: Json): { kind: string; version: string } {
  const [kind, version] = isJsonObject(json) ? [own(json, "kind"), own(json, "apiVersion")] : [];
  if (typeof kind !== "string" || typeof version !== "string")
    return refuse("malformed", "log entry body has no kind");
  return { kind, version };
}
