import type { Sigstore, TrustedRootJson } from "@assay/testkit";

/** The text of a trusted root that names, beside its own, another Sigstore's authorities and its Rekor v1 until their `end`. */
export function rootWithRetired(sigstore: Sigstore, retired: Sigstore, end: Date): string {
  const old: TrustedRootJson = JSON.parse(retired.trustedRoot());
  const validFor = { start: "2025-01-01T00:00:00Z", end: end.toISOString() };
  const authority = (one: Record<string, unknown>): Record<string, unknown> => ({ ...one, validFor });
  const log = (one: Record<string, unknown>): Record<string, unknown> => ({
    ...one,
    publicKey: { ...Object(one["publicKey"]), validFor },
  });
  return sigstore.trustedRoot((own) => ({
    ...own,
    tlogs: [...own.tlogs, ...old.tlogs.slice(0, 1).map(log)],
    certificateAuthorities: [...own.certificateAuthorities, ...old.certificateAuthorities.map(authority)],
    ctlogs: [...own.ctlogs, ...old.ctlogs.map(log)],
  }));
}
