export type { Digest, ImageReference } from "./image-reference.ts";
