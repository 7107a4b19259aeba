import { explain, type Verdict } from "@assay/engine";

/**
 * The explanation of a verdict, for snapshots: what differs from run to run (digests, key ids, loopback ports) is
 * numbered in the order it appears, so that two explanations are equal where their reasons are.
 */
export function stableExplain(verdict: Verdict): string {
  const names = new Map<string, string>();
  const numbered = (text: string, kind: string): string => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = `<${kind} ${[...names.values()].filter((each) => each.startsWith(`<${kind} `)).length + 1}>`;
    names.set(text, name);
    return name;
  };
  // Wide: a line that is broken at another place because a port has another length would be another snapshot.
  return explain(verdict, { color: false, width: 10_000 })
    .replaceAll(/\b(?:sha256:)?[0-9a-f]{64}\b/g, (digest) => numbered(digest.slice(-64), "digest"))
    .replaceAll(/\b127\.0\.0\.1:\d+/g, (host) => numbered(host, "host"));
}
