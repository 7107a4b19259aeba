import { decodeBase64 } from "../encoding/base64.ts";
import { isJsonObject, own, parseStrictObject, readUtf8 } from "../encoding/strict-json.ts";
import { refuse } from "../refusal.ts";
import type { SignedContent } from "./signed-content.ts";

/** The payload type of in-toto statements, the only one that says anything about an image. */
export const inTotoPayloadType = "application/vnd.in-toto+json";

/** An envelope with its one signature. */
export interface DsseEnvelope {
  readonly content: Extract<SignedContent, { kind: "dsse" }>;
  readonly signature: Buffer;
}

/**
 * Reads a DSSE envelope as JSON (github.com/secure-systems-lab/dsse, envelope.md). Exactly one signature: with several,
 * cosign is content if any verifies, and a reader cannot tell whose statement it is.
 */
export function parseDsseEnvelope(bytes: Buffer): DsseEnvelope {
  const what = "dsse envelope";
  const { members } = parseStrictObject(readUtf8(bytes, what), { what });
  const payloadType = own(members, "payloadType");
  const payload = own(members, "payload");
  const signatures = own(members, "signatures");
  if (typeof payloadType !== "string" || typeof payload !== "string" || !Array.isArray(signatures)) {
    return refuse("malformed", `${what} lacks payloadType, payload or signatures`);
  }
  const [signature] = signatures;
  // guard: dsse-one-signature
  if (signatures.length !== 1)
    refuse("malformed", `${what} has ${signatures.length} signatures instead of one`);
  const sig = isJsonObject(signature) ? own(signature, "sig") : undefined;
  if (typeof sig !== "string" || sig === "")
    return refuse("malformed", `${what} has a signature without \`sig\``);
  return {
    content: {
      kind: "dsse",
      payloadType,
      payload: decodeBase64(payload, `payload of the ${what}`),
      envelope: bytes,
    },
    signature: decodeBase64(sig, `signature of the ${what}`),
  };
}
