import { type Asked, type Claim, claimsOf, type Difference } from "./comparison.ts";
import { keylessDifferences } from "./keyless-differences.ts";
import {
  failsInBoth,
  ignoresFailures,
  isArtifact,
  isExtractedElsewhere,
  isNamedBySubresources,
  isPassedOver,
  mayBeConfused,
  namesSubresources,
  overridesOf,
  repeatsAKey,
  ruleOf,
  staysByTag,
  wasVerified,
} from "./recognise.ts";
import {
  comesAfterAnother,
  isPinnedInKyverno,
  isWrittenOver,
  leavesItsImage,
  mayPin,
  selectsPinned,
  stays,
  wasPinnedBefore,
  wasPinnedLater,
  windsDown,
} from "./recognise-together.ts";

/** A difference that is on purpose. As narrow as its mechanism allows: what is recognised is not looked at again. */
export interface Expected {
  /** The subject of the row of docs/compatibility.md that says why. */
  readonly row: string;
  /** Whether that is why one side says that a rule does not hold, where the other does not. */
  readonly claim?: (claim: Claim, asked: Asked) => boolean;
  /** Whether that is why another image would be stored. */
  readonly image?: (difference: ImageDifference, asked: Asked) => boolean;
  /** What assay says where it refuses a policy for that. */
  readonly refusal?: RegExp;
}

type ImageDifference = Extract<Difference, { kind: "image" }>;

const byAssay = ({ side }: Claim): boolean => side === "assay";
const byKyverno = ({ side }: Claim): boolean => side === "kyverno";

/** What Kyverno says where it found no digest. */
const UNPINNED = /failed to update digest/;

/** Every difference that is. */
export const expectedDifferences: readonly Expected[] = [
  ...keylessDifferences,
  { row: "attestations without `attestors`", refusal: /^an attestation needs attestors/ },
  { row: "unknown or misspelt fields", refusal: /^unknown field/ },
  {
    row: "image with tag and digest",
    claim: (claim, asked) =>
      byAssay(claim) && (/:\d+\/\S+:\w+@sha256:/.test(claim.says) || wasPinnedBefore(claim, asked)),
  },
  {
    row: "an update that leaves an image as it was",
    // What only Kyverno says must not let in what it denies, unless nothing more runs by it.
    claim: (claim, { review }) =>
      leavesItsImage(claim, review) && (byAssay(claim) || !claim.decides || windsDown(review)),
    image: ({ where }, { review }) => stays(where, review),
  },
  {
    row: "`operations: [DELETE]` in `match`",
    claim: (claim, { review }) => byAssay(claim) && review.operation === "DELETE",
  },
  {
    row: "what cannot be told about an image, beside a `fail` about it",
    claim: (claim, { assay }) =>
      byKyverno(claim) && UNPINNED.test(claim.says) && assay.failures[claim.rule] !== undefined,
  },
  {
    row: "digest patch",
    claim: (claim, { assay }) =>
      byKyverno(claim) && UNPINNED.test(claim.says) && !wasVerified(claim.rule, assay),
    image: ({ kyverno, assay: ours }, asked) =>
      kyverno.startsWith(`${ours}@`) &&
      asked.assay.verified?.some(({ rule, image }) => image === ours && mayPin(rule, image, asked)) === false,
  },
  {
    row: "an image of an ephemeral container that an entry verified",
    claim: (claim, { review, kyverno }) =>
      byKyverno(claim) &&
      review.subResource === "ephemeralcontainers" &&
      kyverno.deniedBy === "validate" &&
      /unverified image/.test(claim.says),
  },
  {
    row: "images of an object that policies of both failure policies are about",
    claim: (claim, asked) => byKyverno(claim) && isWrittenOver(claim, asked),
  },
  {
    row: "`verifyDigest` and an image that another rule pins",
    claim: (claim, asked) => byAssay(claim) && isPinnedInKyverno(claim, asked),
  },
  {
    row: "a pattern of digests (`app@sha256:*`) and an image named by tag",
    claim: (claim, asked) => byKyverno(claim) && selectsPinned(claim, asked),
  },
  {
    row: "an image that one entry verifies by tag and another one pins",
    claim: (claim, asked) =>
      byKyverno(claim) && wasPinnedLater(claim, asked) && wasVerified(claim.rule, asked.assay),
  },
  {
    row: "`applyRules: One` after a first rule that has said all: an update that leaves an image as it was, the validating webhook",
    claim: (claim, asked) => byKyverno(claim) && comesAfterAnother(claim, asked),
  },
  {
    row: "an `image` that is no text (an object, a list, a number), a container's or one to which an extractor leads",
    claim: (claim) => byAssay(claim) && /image config: `[^`]*` should be text, but is /.test(claim.says),
  },
  {
    row: "an image reference that an extractor finds and that cannot be read",
    // An error to Kyverno, which blocks or not by `failurePolicy`; a fact to assay, and so by the rule's action.
    claim: (claim, asked) =>
      claim.decides &&
      failsInBoth(claim.rule, asked) &&
      asked.assay.failures[claim.rule]?.code === "badImageReference",
  },
  {
    row: "image signature in the new format",
    // Bundles of images that somebody attested and did not sign.
    claim: (claim, asked) =>
      byAssay(claim) &&
      /\/t\/bun1?-att2[:@]/.test(claim.says) &&
      JSON.stringify(ruleOf(claim, asked)?.verifyImages).includes('"SigstoreBundle"'),
  },
  {
    row: "formats",
    claim: (claim, { review }) =>
      byKyverno(claim) &&
      /no signatures found|no matching attestations/.test(claim.says) &&
      isArtifact(review),
  },
  {
    row: "`required` on an entry with neither attestors nor attestations, beside an entry about other images",
    claim: (claim) => byAssay(claim) && /the entry has neither attestors nor attestations/.test(claim.says),
  },
  {
    row: "`kinds: [Pod/*]`",
    claim: (claim, asked) =>
      byAssay(claim) && asked.review.kind.kind === "Pod" && namesSubresources(claim.rule, asked),
    image: ({ kyverno, assay }, asked) =>
      assay.startsWith(`${kyverno}@`) &&
      asked.review.kind.kind === "Pod" &&
      isNamedBySubresources(kyverno, asked),
  },
  {
    row: "`count: 2` and the same key twice",
    claim: (claim, asked) =>
      byAssay(claim) && claim.code === "notEnoughAttestors" && repeatsAKey(ruleOf(claim, asked)),
  },
  {
    row: "variables that are not needed: of entries about other images, of the `validate.message` of what is not denied, behind a precondition that decides",
    claim: (claim, asked) =>
      byKyverno(claim) &&
      /failed to substitute variables: failed to resolve/.test(claim.says) &&
      isPassedOver(claim, asked),
  },
  {
    row: "`namespaceSelector` of `validationFailureActionOverrides`",
    claim: (claim, asked) =>
      claim.decides &&
      failsInBoth(claim.rule, asked) &&
      /"namespaceSelector"/.test(overridesOf(claim, asked)),
  },
  {
    row: "a precondition or variable that cannot be evaluated, under `failurePolicy: Ignore`",
    claim: (claim, asked) =>
      byAssay(claim) &&
      claim.decides &&
      claim.says.startsWith("error ") &&
      failsInBoth(claim.rule, asked) &&
      ignoresFailures(claim.rule, asked),
  },
  {
    row: "an image by tag that was there before, where no update can change it (a Job's template, ephemeral containers)",
    claim: (claim, { review }) => byKyverno(claim) && staysByTag(claim, review),
  },
  { row: "`imageExtractors`", claim: isExtractedElsewhere },
  {
    row: "the `name` of an attestation in `validate.deny`",
    claim: (claim, { review }) =>
      /validation in verifyImages failed|deny conditions/.test(claim.says) && mayBeConfused(review),
  },
  {
    row: "an image that does not exist",
    claim: (claim, asked) =>
      byKyverno(claim) && claim.decides && asked.assay.failures[claim.rule]?.code === "imageNotFound",
  },
];

/** The rows that explain a difference, one for each claim that it consists of; undefined: something is left. */
export function rowsOf(difference: Difference, asked: Asked | undefined): readonly string[] | undefined {
  if (difference.kind === "refused")
    return rowsFor([(expected) => expected.refusal?.test(difference.says) === true]);
  if (asked === undefined) return undefined;
  if (difference.kind === "image")
    return rowsFor([(expected) => expected.image?.(difference, asked) === true]);
  const claims = claimsOf(difference, asked);
  return rowsFor(claims.map((claim) => (expected) => expected.claim?.(claim, asked) === true));
}

function rowsFor(wanted: readonly ((expected: Expected) => boolean)[]): readonly string[] | undefined {
  const rows = wanted.map((is) => expectedDifferences.find(is)?.row);
  const found = rows.filter((row) => row !== undefined);
  return found.length > 0 && found.length === rows.length ? [...new Set(found)] : undefined;
}
