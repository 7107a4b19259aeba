import { ImageReferenceError, parseImageReference, repositoryName } from "@assay/image";
import type { PreparedSets } from "@assay/verify";

/**
 * A policy's `repository:` as `registry/path`: it names a place, any tag that parsing fills in is left out again. Without a
 * host it is Docker Hub's, as in Kyverno: `defaultRegistry` is for the names of images
 * (kyverno/pkg/image/verifiers/cpol/cosign/cosign.go, `name.NewRepository`). INVARIANT: `repositoryProblem` found none.
 */
export function repositoryOf(text: string): string {
  return repositoryName(parseImageReference(text));
}

/** Why a policy's `repository:` is none; undefined: it is one. */
export function repositoryProblem(text: string): string | undefined {
  try {
    const { tag, digest } = parseImageReference(text);
    if (digest === undefined && !text.endsWith(`:${tag}`)) return undefined;
    return `\`repository\` is none: \`${text}\` names an image, and a repository has no tag or digest`;
  } catch (error) {
    if (error instanceof ImageReferenceError) return `\`repository\` is none: ${error.message}`;
    throw error;
  }
}

/** Why one of the attestors' `repository` is none. */
export function repositoriesProblem({ repositories }: PreparedSets): string | undefined {
  for (const repository of repositories) {
    const problem = repository === undefined ? undefined : repositoryProblem(repository);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
