import { wildcardMatch } from "@assay/image";
import { type Asked, type Claim, failurePolicyOf } from "./comparison.ts";
import { imagesOf, type Workload } from "./generate/objects.ts";
import type { Review } from "./generate/reviews.ts";
import { judgedImages, leavesAnImage, ruleOf, rulesOf, specOf, wasVerified } from "./recognise.ts";

// The same, about what policies make of each other's images, and about what an object's past makes of a request.

/** Whether Kyverno misses what it found itself, because its webhook for the other failure policy has written over that. */
export function isWrittenOver(claim: Claim, asked: Asked): boolean {
  const own = failurePolicyOf(claim.rule, asked.policies);
  const isMixed = asked.policies.some(
    ({ metadata }) => failurePolicyOf(metadata.name, asked.policies) !== own,
  );
  return isMixed && isUnverified(claim) && (wasVerified(claim.rule, asked.assay) || isSkipped(claim, asked));
}

function isUnverified({ says }: Claim): boolean {
  return /unverified image/.test(says);
}

function isSkipped(claim: Claim, asked: Asked): boolean {
  const [, image = ""] = /unverified image ([^\s']+)/.exec(claim.says) ?? [];
  const entries = ruleOf(claim, asked)?.verifyImages ?? [];
  return entries.some(({ skipImageReferences = [] }) =>
    skipImageReferences.some((pattern) => wildcardMatch(pattern, image)),
  );
}

/** Whether an entry of the rule that is about an image gives it the digest by which it was verified. */
export function mayPin(rule: string, image: string, asked: Asked): boolean {
  const entries = ruleOf({ rule }, asked)?.verifyImages;
  const names = (pattern: string): boolean => wildcardMatch(pattern, image);
  return (
    entries === undefined ||
    entries.some(
      ({ imageReferences = ["*"], mutateDigest = true }) => mutateDigest && imageReferences.some(names),
    )
  );
}

/** Whether an image that lacks a digest has one by the time when Kyverno asks for it, by whatever rule. */
export function isPinnedInKyverno({ code, says }: Claim, { kyverno }: Asked): boolean {
  const images = [...imagesOf(kyverno.object).values()];
  return code === "digestRequired" && images.every((image) => !says.includes(` ${image}:`));
}

/** Whether the webhook for the other failure policy has given an image its digest before Kyverno comes to the rule. */
export function wasPinnedBefore({ rule, says }: Claim, asked: Asked): boolean {
  const isEarlier = asked.policies.some(
    ({ metadata }) => failurePolicyOf(metadata.name, asked.policies) === "Ignore",
  );
  const stored = [...imagesOf(asked.kyverno.object).values()];
  return (
    isEarlier &&
    failurePolicyOf(rule, asked.policies) === "Fail" &&
    judgedImages(asked.review).some(
      (image) => says.includes(` ${image}:`) && stored.some((one) => one.startsWith(`${image}@`)),
    )
  );
}

/** Whether Kyverno looks for the verification of a digest that another rule gave the image only afterwards. */
export function wasPinnedLater(claim: Claim, { review }: Asked): boolean {
  const digest = /unverified image \S+@(sha256:\w+)/.exec(claim.says)?.[1];
  return digest !== undefined && judgedImages(review).every((image) => !image.endsWith(digest));
}

/** Whether a pattern of the rule is about digests, and an image has got one from another rule. */
export function selectsPinned(claim: Claim, asked: Asked): boolean {
  const entries = ruleOf(claim, asked)?.verifyImages ?? [];
  const stored = [...imagesOf(asked.kyverno.object).values()];
  return (
    entries.some(({ imageReferences = [] }) => imageReferences.some((one) => one.includes("@"))) &&
    asked.assay.failures[claim.rule] === undefined &&
    judgedImages(asked.review).some((image) => stored.some((one) => one.startsWith(`${image}@`)))
  );
}

/** Whether the first rule that applies is another one to Kyverno, which passes over what that one verified before. */
export function comesAfterAnother({ rule, says }: Claim, asked: Asked): boolean {
  const policy = rule.split("/")[0] ?? "";
  const isLate = /unverified image|missing digest/.test(says) || leavesAnImage(asked.review);
  if (specOf(rule, asked)["applyRules"] !== "One" || !isLate) return false;
  const others = asked.policies.filter(({ metadata }) => metadata.name === policy).flatMap(rulesOf);
  const isApplied = ({ name }: { readonly name: string }): boolean =>
    ["", "autogen-", "autogen-cronjob-"].some((prefix) => {
      const other = `${policy}/${prefix}${name}`;
      return other !== rule && (wasVerified(other, asked.assay) || asked.assay.failures[other] !== undefined);
    });
  return others.some(isApplied);
}

/** Whether an update leaves the image that a claim is about; any, where it is about none. */
export function leavesItsImage({ says }: Claim, review: Review): boolean {
  const names = (image: string): boolean => image !== "" && says.includes(` ${image}:`);
  const about = [...imagesOf(review.object)].filter(([, image]) => names(image));
  return about.length === 0 ? leavesAnImage(review) : about.some(([where]) => stays(where, review));
}

/** Whether an update leaves the image of that place. */
export function stays(where: string, { operation, object, oldObject }: Review): boolean {
  return operation === "UPDATE" && imagesOf(object).get(where) === imagesOf(oldObject).get(where);
}

/** Whether no more runs after an update than before. */
export function windsDown({ operation, object, oldObject }: Review): boolean {
  if (operation !== "UPDATE" || object === null || oldObject === null) return false;
  const { phase } = (oldObject.status ?? {}) as { readonly phase?: string };
  const isOver = oldObject.kind === "Pod" && (phase === "Succeeded" || phase === "Failed");
  if (isOver || oldObject.metadata.deletionTimestamp !== undefined) return true;
  return replicas(object) < replicas(oldObject) && rest(object) === rest(oldObject);
}

function rest({ metadata: { labels }, spec }: Workload): string {
  return JSON.stringify({ labels, ...spec, replicas: 0 });
}

function replicas({ spec }: Workload): number {
  return "replicas" in spec ? Number(spec.replicas) : 0;
}
