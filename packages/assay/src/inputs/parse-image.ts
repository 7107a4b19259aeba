import { type ImageReference, parseImageReference } from "@assay/image";
import { AssayError } from "../assay-error.ts";

/** An image that the user named. A typo is a usage error that says what is wrong with it. */
export function parseImage(text: string): ImageReference {
  try {
    return parseImageReference(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new AssayError("invalidImage", error.message, {
      hint: "an image is written as registry.example.com/path/name:tag or …@sha256:…",
      cause: error,
    });
  }
}
