import { type Edits, image, type Signer, type SignOptions, type TestImage } from "@assay/testkit";
import { byLoggedKey, type Judged, judgeSignature, keyless, now, policyKey, sigstore } from "./world.ts";

/** The image that the log's cases sign. */
export const victim: TestImage = image({ content: "victim" });
/** A workflow of acme/app, its certificate valid from the frozen time for ten minutes. */
export const identity: Signer = sigstore.identity();

/** So long after the frozen time. */
export const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);

/** The policy's key signs, the log is demanded. */
export const keyed = (edit: Edits, options: SignOptions = {}): Judged =>
  judgeSignature(victim.signedBy(policyKey, { log: sigstore.rekor, ...options, edit }), byLoggedKey());

/** The workflow signs. */
export const certified = (edit: Edits, options: SignOptions = {}): Judged =>
  judgeSignature(victim.signedBy(identity, { ...options, edit }), keyless());

/** The same bytes, one bit changed near the end. */
export const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, i) => (i === bytes.length - 3 ? byte ^ 1 : byte));
