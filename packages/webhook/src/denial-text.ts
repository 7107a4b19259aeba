import type { Result, Verdict } from "@assay/engine";

/**
 * What `kubectl` shows when a request is denied: the first lines as Kyverno words them, so that runbooks and searches
 * still find them, then policy, rule and reason of everything that failed.
 */
export function denialText(verdict: Verdict): string {
  const { kind, namespace, name } = verdict.resource;
  const where = [kind, namespace, name].filter((part) => part !== undefined && part !== "").join("/");
  const lines = [`resource ${where} was blocked due to the following policies`, ""];
  let policy = "";
  for (const result of verdict.results.filter(isReason)) {
    if (result.policy !== policy) {
      policy = result.policy;
      lines.push(`${policy}:`);
    }
    lines.push(`  ${result.rule}: ${result.message} [${result.code}]`);
  }
  return `\n\n${lines.join("\n")}`;
}

function isReason(result: Result): boolean {
  return result.outcome === "fail" || result.outcome === "error";
}
