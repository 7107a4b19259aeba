import type { Trace } from "@assay/policy";

const slsaGenerator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/";

/**
 * The trace with a hint at every identity that did not match and whose reason can be told: derived from what was
 * expected and received, not from any policy. Traces that pass are returned as they are.
 */
export function withIdentityHints(trace: Trace): Trace {
  if (trace.outcome === "pass" || trace.outcome === "skip") return trace;
  const children = trace.children.map(withIdentityHints);
  const hint = trace.code === "identityMismatch" ? identityHint(trace.expected, trace.received) : undefined;
  return { ...trace, children, ...(hint === undefined ? {} : { facts: { ...trace.facts, hint } }) };
}

/** Why a genuine certificate may name somebody else than one would expect. */
function identityHint(expected: unknown, received: unknown): string | undefined {
  const wanted = textsOf(expected);
  const found = textsOf(received);
  if (wanted.length === 0 || found.length === 0) return undefined;
  const isGenerator = (text: string): boolean => text.startsWith(slsaGenerator);
  if (found.some(isGenerator) && !wanted.some(isGenerator)) {
    return (
      "provenance by the SLSA generator is signed by the generator's own workflow, not by the repository that calls it: " +
      `expect a subject \`${slsaGenerator}generator_container_slsa3.yml@refs/tags/*\` for this attestation, and hold the ` +
      "repository with a condition on the predicate (`invocation.configSource.uri`)"
    );
  }
  for (const subject of found) {
    if (wanted.some((text) => subject.startsWith(`${text}@`))) {
      return "the subject of a workflow's certificate ends in the ref it ran on: end the expected subject in `@*`, or name the ref";
    }
    const near = wanted.find((text) => text !== subject && text.toLowerCase() === subject.toLowerCase());
    if (near !== undefined) return "they differ in upper and lower case only, which counts";
    const slash = wanted.find((text) => `${text}/` === subject || text === `${subject}/`);
    if (slash !== undefined) return "they differ in the slash at the end only, which counts";
  }
  return undefined;
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((item) => typeof item === "string");
}
