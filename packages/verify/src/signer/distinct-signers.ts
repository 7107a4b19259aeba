/**
 * How many entries hold by signers of their own: a signer who satisfies two entries counts for one of them. Each entry
 * is given as the signers that satisfied it, each signer as the names it goes by; who shares a name is one signer. The
 * largest such assignment is found (bipartite matching by augmenting paths).
 */
export function countDistinct(entries: readonly (readonly SignerNames[])[]): number {
  const names = uniteNames(entries.flat());
  const choices = entries.map((signers) => [...new Set(signers.map(([name = ""]) => names(name)))]);
  const taken = new Map<string, number>();
  const place = (entry: number, tried: Set<string>): boolean =>
    (choices[entry] ?? []).some((signer) => {
      if (tried.has(signer)) return false;
      tried.add(signer);
      const holder = taken.get(signer);
      if (holder !== undefined && !place(holder, tried)) return false;
      taken.set(signer, entry);
      return true;
    });
  return choices.filter((_, entry) => place(entry, new Set())).length;
}

/** The names that one signer goes by: key, certificate subject, identity. At least one. */
export type SignerNames = readonly string[];

function uniteNames(signers: readonly SignerNames[]): (name: string) => string {
  const parents = new Map<string, string>();
  const find = (name: string): string => {
    const parent = parents.get(name) ?? name;
    return parent === name ? name : find(parent);
  };
  for (const [first = "", ...others] of signers)
    for (const other of others) parents.set(find(other), find(first));
  return find;
}
