import { parseDigest } from "@assay/image";
import { parseTrustRoot, VerifyError } from "@assay/verify";
import { verifyBundle } from "@assay/verify/bundle";
import { askProgram } from "../../ask-program.ts";

/** Whether a bundle proves that somebody signed an artifact. Bundle and root are texts: they may be no JSON any more. */
export interface Question {
  readonly bundle: string;
  /** `trusted_root.json`. */
  readonly root: string;
  /** SHA-256 of the artifact, in hex. */
  readonly digest: string;
  readonly signer: { readonly key: string } | { readonly subject: string; readonly issuer: string };
}

/** The reason of a refusal; empty: accepted. */
export type Reason = string;

/** What assay's kernel says. */
export function askAssay({ bundle, root, digest, signer }: Question): Reason {
  try {
    const trust = parseTrustRoot(root);
    const artifact = { digest: parseDigest(`sha256:${digest}`) };
    const { trace } = verifyBundle(Buffer.from(bundle), { artifact, signer, trust, now: new Date() });
    return trace.outcome === "pass" ? "" : `${trace.code}: ${trace.message}`;
  } catch (error) {
    if (error instanceof VerifyError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

/** What sigstore-go says, through the program of scripts/lanes/go-verifiers: a reason for each, in order. */
export function askGo(program: string, questions: readonly Question[]): readonly Reason[] {
  return askProgram(
    [program],
    questions.map(({ signer, ...rest }) => ({ ...rest, ...signer })),
  );
}
