import type { Attestor, Policy } from "@assay/policy";

/** Transparency logs that policies name. Verifying asks them only under `--log-lookup`; `assay rekor search` does, too. */
export function rekorUrls(policies: readonly Policy[]): readonly string[] {
  return unique(
    policies.flatMap(attestorsOf).flatMap((attestor) => ("rekor" in attestor ? [attestor.rekor?.url] : [])),
  );
}

/** Repositories beside the images' own where policies look for signatures. */
export function signatureRepositories(policies: readonly Policy[]): readonly string[] {
  const entries = policies.flatMap(({ rules }) => rules.flatMap(({ verifyImages }) => verifyImages));
  return unique([
    ...entries.map(({ repository }) => repository),
    ...policies
      .flatMap(attestorsOf)
      .flatMap((attestor) => ("repository" in attestor ? [attestor.repository] : [])),
  ]);
}

function attestorsOf({ rules }: Policy): readonly Attestor[] {
  const sets = rules.flatMap(({ verifyImages }) =>
    verifyImages.flatMap((entry) => [
      ...entry.attestors,
      ...entry.attestations.flatMap((one) => one.attestors),
    ]),
  );
  return sets.flatMap(flatten);
}

function flatten(attestor: Attestor): readonly Attestor[] {
  return attestor.kind === "set" ? attestor.entries.flatMap(flatten) : [attestor];
}

/** What is a template is known only when a request comes. */
function unique(texts: readonly (string | undefined)[]): readonly string[] {
  const known = texts.filter((text) => text !== undefined && !text.includes("{{"));
  return [...new Set(known.filter((text) => text !== undefined))].sort();
}
