import { type Digest, type ImageReference, pinnedText } from "@assay/image";
import type { ImageVerification, Trace } from "@assay/policy";

/** How an entry wants its images named, and what the caller can do about it. */
export interface DigestQuestion {
  readonly entry: ImageVerification;
  readonly image: ImageReference;
  /** What the tag was resolved to, where it had to be. */
  readonly digest?: Digest;
  /** Whether the caller applies patches. */
  readonly mutate: boolean;
  /** Whether another entry of the rule pins the image: then it has its digest before anybody asks for it. */
  readonly pinnedByOther?: boolean;
}

/** Whether this entry pins a verified image that is named by tag. */
export function pins({ entry, image, mutate }: DigestQuestion): boolean {
  return image.digest === undefined && mutate && entry.mutateDigest;
}

/**
 * The digest rule: an image named by tag is pinned by a patch, or fails under `verifyDigest` where no patch can be
 * applied (the validating webhook, background scans) or the policy wants none.
 */
export function digestRule(question: DigestQuestion): Trace | undefined {
  const { entry, image, digest } = question;
  const pinned = pins(question) || question.pinnedByOther === true;
  if (image.digest !== undefined || pinned || !entry.verifyDigest) return undefined;
  const advice =
    digest === undefined
      ? "a tag can be moved to another image after it was verified"
      : `the tag now stands for \`${digest}\`, so write \`${pinnedText(image, digest)}\``;
  return {
    step: "digest",
    path: `${entry.path}.verifyDigest`,
    source: entry.source,
    outcome: "fail",
    code: "digestRequired",
    message: `image reference must be by digest: missing digest for \`${image.text}\`: ${advice}`,
    expected: "a reference with @sha256:…",
    received: image.text,
    children: [],
  };
}
