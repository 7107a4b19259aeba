import { wildcardMatch } from "@assay/image";
import { type Asked, type Claim, failurePolicyOf } from "./comparison.ts";
import { imagesOf } from "./generate/objects.ts";
import type { Review } from "./generate/reviews.ts";
import type { Answer } from "./sides/answer.ts";
import { attestedOnce } from "./world/images.ts";

// What the rules for expected differences ask about a claim and about what was asked.

/** A rule of a policy in force, as far as it is asked about. */
export interface RuleInForce {
  readonly name: string;
  readonly match: object;
  readonly imageExtractors?: Readonly<Record<string, unknown>>;
  readonly verifyImages: readonly Entry[];
}

/** What a rule says about some images. */
export interface Entry {
  readonly imageReferences?: readonly string[];
  readonly skipImageReferences?: readonly string[];
  readonly mutateDigest?: boolean;
}

/** The rule that a claim is about; for a generated one, what it was made of. */
export function ruleOf({ rule }: Pick<Claim, "rule">, { policies }: Asked): RuleInForce | undefined {
  const [policy, name = ""] = rule.split("/");
  const own = name.replace(/^autogen-(?:cronjob-)?/, "");
  return policies
    .filter(({ metadata }) => metadata.name === policy)
    .flatMap(rulesOf)
    .find((one) => one.name === own);
}

/** `validationFailureActionOverrides` of the policy that a claim is about, as JSON. */
export function overridesOf({ rule }: Claim, asked: Asked): string {
  return JSON.stringify(specOf(rule, asked)["validationFailureActionOverrides"] ?? []);
}

/** Whether the rule's policy lets in what could not be decided. */
export function ignoresFailures(rule: string, asked: Asked): boolean {
  return failurePolicyOf(rule, asked.policies) === "Ignore";
}

/** `spec` of the policy that a rule is of. */
export function specOf(rule: string, { policies }: Asked): Readonly<Record<string, unknown>> {
  const spec = policies.find(({ metadata }) => metadata.name === rule.split("/")[0])?.spec;
  return (spec ?? {}) as Readonly<Record<string, unknown>>;
}

/** Whether a rule is about `Pod/*`. */
export function namesSubresources(rule: string, asked: Asked): boolean {
  return /"Pod\/\*"/.test(JSON.stringify(ruleOf({ rule }, asked)?.match));
}

/** Whether an image was verified, and so pinned, by rules about `Pod/*` only. */
export function isNamedBySubresources(image: string, asked: Asked): boolean {
  const rules = (asked.assay.verified ?? []).filter((one) => one.image === image);
  return rules.length > 0 && rules.every(({ rule }) => namesSubresources(rule, asked));
}

/** Whether Kyverno misses the digest of an image that was there before, in a place that no update changes. */
export function staysByTag({ says }: Claim, { subResource, kind, object, oldObject }: Review): boolean {
  const image = /missing digest for ([^\s']+)/.exec(says)?.[1];
  const before = imagesOf(oldObject);
  const isFixed = subResource === "ephemeralcontainers" || kind.kind === "Job";
  return isFixed && [...imagesOf(object)].some(([where, one]) => one === image && before.get(where) === one);
}

/** Whether a rule holds for neither, so that it differs only in what becomes of that. */
export function failsInBoth(rule: string, { kyverno, assay }: Asked): boolean {
  return kyverno.failures[rule] !== undefined && assay.failures[rule] !== undefined;
}

/** A policy's rules, in their order. */
export function rulesOf({ spec }: Asked["policies"][number]): readonly RuleInForce[] {
  return (spec as { readonly rules: readonly RuleInForce[] }).rules;
}

/** Whether assay verified an image by that rule. */
export function wasVerified(rule: string, { verified = [] }: Answer): boolean {
  return verified.some((one) => one.rule === rule);
}

/** Whether an update has an image where the object had the same before. */
export function leavesAnImage({ operation, object, oldObject }: Review): boolean {
  if (operation !== "UPDATE") return false;
  const before = imagesOf(oldObject);
  return [...imagesOf(object)].some(([where, image]) => before.get(where) === image);
}

/** Whether an image has its signatures as cosign's artifacts beside it, which Kyverno reads where it is told to only. */
export function isArtifact(review: Review): boolean {
  return isImage(review, /\/[tk]\/oci-/);
}

/** Whether an image has such a name. */
export function isImage(review: Review, name: RegExp): boolean {
  return judgedImages(review).some((image) => name.test(image));
}

/** Whether an image has attestations by one signer that are not what a name stands for. */
export function mayBeConfused(review: Review): boolean {
  const repositories = judgedImages(review).map((image) => /\/([^:@]+)/.exec(image)?.[1]);
  return repositories.some((repository) => repository !== undefined && !attestedOnce.has(repository));
}

/** The images that a review is about. */
export function judgedImages({ object, oldObject }: Review): readonly string[] {
  return [...imagesOf(object ?? oldObject).values()];
}

/** Whether a rule names a key twice, or by a reference that may be a key that it names as well. */
export function repeatsAKey(rule: RuleInForce | undefined): boolean {
  const text = JSON.stringify(rule?.verifyImages ?? []);
  const keys = text.match(/-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----/g) ?? [];
  const references = text.match(/k8s:\/\/|"secret":|"publicKeys":"\{\{/g) ?? [];
  return new Set(keys).size < keys.length || (references.length > 0 && references.length + keys.length > 1);
}

/** Whether what Kyverno could not fill in is nothing that assay had to ask for. */
export function isPassedOver({ rule, says }: Claim, asked: Asked): boolean {
  const our = asked.assay.failures[rule];
  // One of `any` before it holds, so that the images were judged.
  if (/at path \/preconditions\/any\/[1-9]/.test(says) && our?.says.startsWith("fail ") === true) return true;
  if (our !== undefined) return false;
  if (!wasVerified(rule, asked.assay)) return true;
  const index = Number(/at path \/verifyImages\/(\d+)\//.exec(says)?.[1] ?? Number.NaN);
  const patterns = ruleOf({ rule }, asked)?.verifyImages[index]?.imageReferences;
  const images = judgedImages(asked.review);
  return patterns?.some((pattern) => images.some((image) => wildcardMatch(pattern, image))) === false;
}

/**
 * Whether extractors of another rule stay in force for this one in Kyverno: it sees no containers then, and what an
 * annotation says.
 */
export function isExtractedElsewhere({ side, rule }: Claim, asked: Asked): boolean {
  const own = ruleOf({ rule }, asked);
  const others = asked.policies.flatMap(rulesOf).filter((one) => one !== own);
  if (own?.imageExtractors !== undefined || others.every((one) => one.imageExtractors === undefined))
    return false;
  const { object, oldObject } = asked.review;
  return side === "assay" || (object ?? oldObject)?.metadata.annotations?.["img"] !== undefined;
}
