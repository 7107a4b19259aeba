import { Minimatch } from "minimatch";
import { type ImageReference, matchText } from "./image-reference.ts";
import { selectionTexts } from "./selection-texts.ts";
import { wildcardMatch } from "./wildcard-match.ts";

/** A compiled pattern over the text of images. */
export interface ImagePattern {
  readonly text: string;
  readonly syntax: "kyverno" | "path";
  /** Whether the whole of `text` matches. */
  readonly matches: (text: string) => boolean;
}

export interface ImagePatternOptions {
  /**
   * `kyverno` (default): `*` crosses `/` and `:`, as in `imageReferences`.
   * `path`: `*` stops at `/`, `**` crosses it, `[ab]` is a class; no braces, negation, comments or extglobs.
   */
  readonly syntax?: "kyverno" | "path";
}

/** Compiles a pattern once, to be matched against many images. */
export function imagePattern(text: string, options: ImagePatternOptions = {}): ImagePattern {
  if (options.syntax !== "path") {
    return { text, syntax: "kyverno", matches: (image) => wildcardMatch(text, image) };
  }
  const glob = new Minimatch(text, {
    dot: true,
    nobrace: true,
    noext: true,
    nonegate: true,
    nocomment: true,
    platform: "linux",
  });
  return { text, syntax: "path", matches: (image) => glob.match(image) };
}

/**
 * Whether a pattern of `imageReferences` selects the image for verification. An image with tag *and* digest is
 * selected by either form. Kyverno drops the tag first, so that `ghcr.io/org/app:*` misses
 * `ghcr.io/org/app:v1@sha256:…` and the image runs unverified; whoever names the image controls its form. The same
 * goes for its registry: `GHCR.io/org/app` and `ghcr.io:443/org/app` are pulled from where `ghcr.io/org/app` is.
 */
export function selects(pattern: ImagePattern | string, image: ImageReference): boolean {
  return selectionTexts(image).some(matcher(pattern));
}

/**
 * Whether a pattern that *relaxes* (`skipImageReferences`, exceptions) holds for the image: the digest form must
 * match where there is a digest, because the tag beside a digest says nothing about what runs.
 */
export function matchesDigestForm(pattern: ImagePattern | string, image: ImageReference): boolean {
  return matcher(pattern)(matchText(image));
}

function matcher(pattern: ImagePattern | string): (text: string) => boolean {
  return typeof pattern === "string" ? (text) => wildcardMatch(pattern, text) : pattern.matches;
}
