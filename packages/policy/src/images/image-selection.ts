import { type ImageReference, matchesDigestForm, selects } from "@assay/image";
import type { ImageVerification } from "../model.ts";

/**
 * What an entry of `verifyImages` says of an image: `verify`, `skip` (one of `skipImageReferences` matches its digest
 * form) or `other`. A tag beside a digest can select an image, but never release it.
 */
export function selectImage(entry: ImageVerification, image: ImageReference): "verify" | "skip" | "other" {
  if (!entry.imageReferences.some((pattern) => selects(pattern, image))) return "other";
  return entry.skipImageReferences.some((pattern) => matchesDigestForm(pattern, image)) ? "skip" : "verify";
}
