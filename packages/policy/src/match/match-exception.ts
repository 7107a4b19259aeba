import { type ImageReference, matchesDigestForm, wildcardMatch } from "@assay/image";
import type { Policy, PolicyException } from "../model.ts";
import { type MatchRequest, whyNoFilter } from "./match-rule.ts";

export type ExceptionMatch =
  | { readonly matched: true }
  | { readonly matched: false; readonly reason: string };

/**
 * Whether an exception is about this rule and request at this time. Its `conditions` (`@assay/conditions`) and image
 * patterns (`exceptsImage`) are the caller's to ask: only all of them together except an image.
 */
export function matchException(
  exception: PolicyException,
  about: { readonly policy: Policy; readonly rule: string; readonly now: Date },
  request: MatchRequest,
): ExceptionMatch {
  const { policy, rule, now } = about;
  const policyName = policy.namespace === undefined ? policy.name : `${policy.namespace}/${policy.name}`;
  const named = exception.exceptions.filter((one) => one.policyName === policyName);
  if (named.length === 0) return { matched: false, reason: `it is not about policy \`${policyName}\`` };
  if (!named.some((one) => one.ruleNames.some((pattern) => wildcardMatch(pattern, rule)))) {
    return { matched: false, reason: `it is not about rule \`${rule}\`` };
  }
  if (exception.expires !== undefined && !(now.getTime() < Date.parse(exception.expires))) {
    return { matched: false, reason: `it expired at ${exception.expires}` };
  }
  const reason = whyNoFilter(exception.match, request);
  return reason === undefined ? { matched: true } : { matched: false, reason };
}

/** Whether the exception covers the image: one of its patterns must match the digest form; without patterns all are. */
export function exceptsImage(exception: PolicyException, image: ImageReference): boolean {
  const { imageReferences } = exception;
  return (
    imageReferences === undefined || imageReferences.some((pattern) => matchesDigestForm(pattern, image))
  );
}
