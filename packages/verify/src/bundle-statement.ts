import { inTotoPayloadType } from "./dsse-envelope.ts";
import { type InTotoStatement, parseInTotoStatement } from "./in-toto-statement.ts";
import { refuse, shown } from "./refusal.ts";
import type { SignedContent } from "./signed-content.ts";

/** The statement inside a DSSE envelope; undefined where the content is no envelope. Proven only with its signature. */
export function parseDsseStatement(content: SignedContent): InTotoStatement | undefined {
  if (content.kind !== "dsse") return undefined;
  // guard: payload-type
  if (content.payloadType !== inTotoPayloadType) {
    refuse(
      "malformed",
      `dsse envelope holds the payload type \`${shown(content.payloadType)}\`, not in-toto`,
    );
  }
  return parseInTotoStatement(content.payload);
}
