import { refuse, shown } from "../refusal.ts";
import { inTotoPayloadType } from "./dsse-envelope.ts";
import { type InTotoStatement, parseInTotoStatement } from "./in-toto-statement.ts";
import type { SignedContent } from "./signed-content.ts";

/** An envelope must hold a statement: what has another payload type was never meant to say anything about an image. */
export function checkPayloadType(content: SignedContent): void {
  // guard: payload-type
  if (content.kind === "dsse" && content.payloadType !== inTotoPayloadType) {
    refuse(
      "malformed",
      `dsse envelope holds the payload type \`${shown(content.payloadType)}\`, not in-toto`,
    );
  }
}

/** The statement inside a DSSE envelope; undefined where the content is no envelope. Proven only with its signature. */
export function parseDsseStatement(content: SignedContent): InTotoStatement | undefined {
  if (content.kind !== "dsse") return undefined;
  checkPayloadType(content);
  return parseInTotoStatement(content.payload);
}
