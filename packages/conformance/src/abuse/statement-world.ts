import { type Edits, image, type Predicate, type SignOptions, slsa, type TestImage } from "@assay/testkit";
import { utf8 } from "@assay/testkit/parts";
import type { AbuseCase } from "./cases.ts";
import { byKey, type Judged, judgeAttestation, policyKey } from "./world.ts";

/** The image that the statements speak about. */
export const victim: TestImage = image({ content: "victim" });
/** The attestation that the policy asks for. */
export const wanted: Predicate = slsa({ version: "0.2" });
/** Its digest without `sha256:`. */
export const hex: string = victim.digest.slice("sha256:".length);
/** The legacy form, and the newest. */
export const formats = ["legacy", "bundle-v0.3"] as const;

/** Attested by the policy's key with one stage changed, in one format. */
export function attestedWith(edit: Edits, options: SignOptions = {}): Judged {
  return judgeAttestation(victim.using({ ...options, edit }).attestedBy(policyKey, wanted), byKey());
}

/** The same case in the legacy form and as a bundle. */
export function inEach(
  name: string,
  edit: Edits,
  rest: Omit<AbuseCase, "name" | "judge"> = {},
): readonly AbuseCase[] {
  return formats.map((format) => ({
    name: `${name} (${format})`,
    judge: () => attestedWith(edit, { format }),
    ...rest,
  }));
}

/** The statement with fields replaced. */
export const stating = (fields: Record<string, unknown>): Edits => ({
  payload: (statement) => ({ ...statement, ...fields }),
});
/** The statement's text changed: what JSON.stringify would never write. */
export const textually = (change: (text: string) => string): Edits => ({
  payload: (statement) => utf8(change(JSON.stringify(statement))),
});
/** The statement with other subjects. */
export const subjects = (...list: readonly unknown[]): Edits => stating({ subject: list });
