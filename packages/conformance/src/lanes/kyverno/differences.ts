import type { Asked, Difference } from "./comparison.ts";
import { imagesOf } from "./generate/objects.ts";
import type { Review } from "./generate/reviews.ts";
import { attestedOnce } from "./world/images.ts";

/** A difference that is on purpose. */
export interface Expected {
  /** The subject of the row of docs/compatibility.md that says why. */
  readonly row: string;
  /** Whether that is what the two answers differ by; `asked` is absent where a policy is refused. */
  readonly recognises: (difference: Difference, asked: Asked | undefined) => boolean;
}

/** Differences in answers and in policies. As narrow as the mechanism allows: what is recognised is not looked at again. */
export const expectedDifferences: readonly Expected[] = [
  {
    row: "attestations without `attestors`",
    recognises: (difference) => refusedFor(difference, /^an attestation needs attestors/),
  },
  {
    row: "unknown or misspelt fields",
    recognises: (difference) => refusedFor(difference, /^unknown field/),
  },
  {
    row: "image with tag and digest",
    recognises: (difference, asked) =>
      isStricter(difference) && asked !== undefined && everyWords(difference, asked, BOTH),
  },
  {
    row: "an update that leaves an image as it was",
    recognises: (difference, asked) =>
      difference.kind !== "onlyAssayAllows" && asked !== undefined && leavesAnImage(asked.review),
  },
  {
    row: "`operations: [DELETE]` in `match`",
    recognises: (difference, asked) => isStricter(difference) && asked?.review.operation === "DELETE",
  },
  {
    row: "digest patch",
    recognises: (difference, asked) =>
      difference.kind === "image" &&
      difference.kyverno.startsWith(`${difference.assay}@`) &&
      asked?.assay.verified?.includes(difference.assay) === false,
  },
  {
    row: "an image of an ephemeral container that an entry verified",
    recognises: (difference, asked) =>
      difference.kind === "onlyAssayAllows" &&
      asked?.review.subResource === "ephemeralcontainers" &&
      asked.kyverno.deniedBy === "validate" &&
      Object.values(asked.kyverno.failures).every(({ says }) => says.includes("unverified image")),
  },
  {
    row: "an `image` that is no text (an object, a list, a number), a container's or one to which an extractor leads",
    recognises: (difference, asked) =>
      isStricter(difference) && asked !== undefined && everyWords(difference, asked, NO_TEXT),
  },
  {
    row: "formats",
    recognises: (difference, asked) =>
      difference.kind !== "refused" &&
      asked !== undefined &&
      everyWords(difference, asked, NOT_FOUND) &&
      isArtifact(asked.review),
  },
  {
    row: "`required` on an entry with neither attestors nor attestations, beside an entry about other images",
    recognises: (difference, asked) =>
      isStricter(difference) && asked !== undefined && everyWords(difference, asked, VERIFIES_NOTHING),
  },
  {
    row: "`kinds: [Pod/*]`",
    recognises: (difference, asked) =>
      isStricter(difference) &&
      asked?.review.kind.kind === "Pod" &&
      everyMatch(difference, asked, /"Pod\/\*"/),
  },
  {
    row: "the `name` of an attestation in `validate.deny`",
    recognises: (difference, asked) =>
      asked !== undefined && everyWords(difference, asked, DENIAL) && mayBeConfused(asked.review),
  },
];

/** The row that explains a difference; undefined: none does. */
export function rowOf(difference: Difference, asked: Asked | undefined): string | undefined {
  return expectedDifferences.find(({ recognises }) => recognises(difference, asked))?.row;
}

/** `host:port/name:tag@sha256:…` */
const BOTH = /:\d+\/\S+:\w+@sha256:/;
const NO_TEXT = /invalid image config: `[^`]*` should be text, but is /;
const VERIFIES_NOTHING = /the entry has neither attestors nor attestations/;
/** What Kyverno says where it has not looked. */
const NOT_FOUND = /no signatures found|no matching attestations/;
/** What either says where `validate.deny` is the reason. */
const DENIAL = /validation in verifyImages failed|deny conditions/;

function refusedFor(difference: Difference, message: RegExp): boolean {
  return difference.kind === "refused" && message.test(difference.says);
}

function isStricter({ kind }: Difference): boolean {
  return kind === "onlyKyvernoAllows" || kind === "failsInAssay";
}

/** What one side says beside the other, by `POLICY/RULE`: of the rule in question, or of everything that denies. */
function ownWords(difference: Difference, { kyverno, assay }: Asked): ReadonlyMap<string, string> {
  if (difference.kind === "failsInAssay" || difference.kind === "failsInKyverno")
    return new Map([[difference.rule, difference.says]]);
  const [mine, other] = difference.kind === "onlyKyvernoAllows" ? [assay, kyverno] : [kyverno, assay];
  const own = Object.entries(mine.failures).filter(([rule]) => other.failures[rule] === undefined);
  return new Map(own.map(([rule, { says }]) => [rule, says]));
}

function everyWords(difference: Difference, asked: Asked, words: RegExp): boolean {
  const own = [...ownWords(difference, asked).values()];
  return own.length > 0 && own.every((says) => words.test(says));
}

function everyMatch(difference: Difference, asked: Asked, pattern: RegExp): boolean {
  const own = [...ownWords(difference, asked).keys()];
  return own.length > 0 && own.every((rule) => pattern.test(matchOf(rule, asked)));
}

/** `match` of a rule, as JSON. */
function matchOf(rule: string, { policies }: Asked): string {
  const [policy, name] = rule.split("/");
  const spec = policies.find(({ metadata }) => metadata.name === policy)?.spec;
  const { rules = [] } = (spec ?? {}) as {
    readonly rules?: readonly { readonly name: string; readonly match: object }[];
  };
  return JSON.stringify(rules.find((one) => one.name === name)?.match ?? {});
}

/** Whether an image has its signatures as cosign's artifacts beside it, which Kyverno reads where it is told to only. */
function isArtifact({ object, oldObject }: Review): boolean {
  return [...imagesOf(object ?? oldObject).values()].some((image) => image.includes("/t/oci-"));
}

/** Whether an image has attestations by one signer that are not what a name stands for. */
function mayBeConfused({ object, oldObject }: Review): boolean {
  const repositories = [...imagesOf(object ?? oldObject).values()].map(
    (image) => /\/([^:@]+)/.exec(image)?.[1],
  );
  return repositories.some((repository) => repository !== undefined && !attestedOnce.has(repository));
}

function leavesAnImage({ operation, object, oldObject }: Review): boolean {
  if (operation !== "UPDATE") return false;
  const before = imagesOf(oldObject);
  return [...imagesOf(object)].some(([where, image]) => before.get(where) === image);
}
