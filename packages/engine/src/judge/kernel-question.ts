import { type Digest, repositoryName } from "@assay/image";
import type { PreparedSets } from "@assay/verify";
import type { RegistryAccess } from "../gather/lookup.ts";
import type { EntryQuestion } from "./entry-question.ts";
import type { Purpose } from "./gather-evidence.ts";

/** Whose evidence the kernel is to judge. */
export interface KernelQuestion {
  readonly purpose: Purpose;
  readonly sets: PreparedSets;
  readonly digest: Digest;
  /** `registry/path` of the image, and of its entry's `repository` where it has one. */
  readonly repository: string;
  /** `registry/path` of the image: its manifest is nowhere else. */
  readonly imageRepository: string;
  readonly format?: "Cosign" | "SigstoreBundle";
  /** The entry's own wish; absent: the engine's. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  readonly access?: RegistryAccess;
}

/** The kernel's question about one image of one entry. */
export function kernelQuestion(
  question: EntryQuestion,
  purpose: KernelQuestion["purpose"],
  sets: KernelQuestion["sets"],
): KernelQuestion {
  const { entry } = question.entry;
  const { digest } = question;
  if (digest === undefined) throw new Error("an entry that verifies was planned without a digest");
  return {
    purpose,
    sets,
    digest,
    repository: question.repository ?? repositoryName(question.image),
    imageRepository: repositoryName(question.image),
    ...(entry.type === undefined ? {} : { format: entry.type }),
    ...(entry.signaturePredicateTypes === undefined
      ? {}
      : { signaturePredicateTypes: entry.signaturePredicateTypes }),
    ...(question.access === undefined ? {} : { access: question.access }),
  };
}
