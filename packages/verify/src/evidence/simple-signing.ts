import type { Digest } from "@assay/image";
import type { JsonObject } from "@assay/policy";
import { isJsonObject, own, parseStrictObject, readUtf8 } from "../encoding/strict-json.ts";
import { refuse } from "../refusal.ts";

/** Larger than any claim: its parts are a name, a digest and annotations. */
const maxClaimBytes = 1024 * 1024;

/**
 * Reads the claim of a *verified* legacy signature (cosign specs/SIGNATURE_SPEC.md, "Simple Signing") and binds it to
 * the image: its digest must be the image's, letter by letter. The name in it proves nothing and is not compared.
 * Returns the signed annotations.
 */
export function checkSimpleSigningClaim(payload: Buffer, digest: Digest): JsonObject {
  const what = "claim";
  // guard: claim-size
  if (payload.length > maxClaimBytes) refuse("tooLarge", `${what} is larger than ${maxClaimBytes} bytes`);
  const { members } = parseStrictObject(readUtf8(payload, what), { what });
  const critical = own(members, "critical");
  const image = isJsonObject(critical) ? own(critical, "image") : undefined;
  const claimed = isJsonObject(image) ? own(image, "docker-manifest-digest") : undefined;
  if (typeof claimed !== "string") return refuse("malformed", `${what} names no image digest`);
  // guard: claim-digest
  if (claimed !== digest) {
    refuse("claimMismatch", "invalid or missing digest in claim: it was signed for another image", {
      expected: digest,
      received: claimed,
    });
  }
  const optional = own(members, "optional") ?? null;
  if (optional === null) return {};
  return isJsonObject(optional)
    ? optional
    : refuse("malformed", `${what} has annotations that are no object`);
}
