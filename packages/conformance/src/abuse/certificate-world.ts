import type { Attestor } from "@assay/policy";
import {
  type CertificateAuthority,
  createKey,
  type ExtensionSpec,
  type IdentityOptions,
  image,
  type Signer,
  type TestImage,
} from "@assay/testkit";
import {
  type CertificateSpec,
  fulcioExtensions,
  GITHUB_ISSUER,
  GITHUB_SUBJECT,
  sctExtension,
  trustedRootOf,
} from "@assay/testkit/parts";
import { type Judged, type JudgeOptions, judgeSignature, keyless, now, sigstore } from "./world.ts";

/** The image that the certificates' cases sign. */
export const victim: TestImage = image({ content: "victim" });

/** So long after the frozen time; certificates live ten minutes from it. */
export const minutes = (count: number): Date => new Date(now.getTime() + count * 60_000);

/** Whether the workflow of acme/app signed, when this signer did. */
export const judge = (signer: Signer, asked: Attestor = keyless(), options: JudgeOptions = {}): Judged =>
  judgeSignature(victim.signedBy(signer), asked, options);

/** The same for a certificate of the throwaway Fulcio. */
export const identified = (options: IdentityOptions): Judged => judge(sigstore.identity(options));

/** A trusted root with other certificate authorities in place of Fulcio. */
export const trusting = (...chains: readonly (readonly Uint8Array[])[]): string =>
  JSON.stringify(
    trustedRootOf({
      authorities: chains,
      logs: [sigstore.rekor],
      ctLogs: [sigstore.ctLog],
      timestampAuthorities: [sigstore.timestampAuthority.chain],
    }),
  );

/** A keyless certificate of that authority, logged and seen by the CT log like Fulcio's. */
export function issuedBy(authority: CertificateAuthority, spec: Partial<CertificateSpec> = {}): Signer {
  const leaf = {
    ...{ notBefore: now, notAfter: minutes(10), extensions: fulcioExtensions(GITHUB_ISSUER, {}) },
    alternativeNames: [{ kind: "uri", value: GITHUB_SUBJECT }] as const,
    scts: (tbs: Uint8Array, issuer: Uint8Array) => sctExtension([sigstore.ctLog.sign(tbs, issuer, now)]),
  };
  return { ...authority.certify(createKey(), { ...leaf, ...spec }), log: sigstore.rekor };
}

/** A keyless certificate with fields of its own, from the trusted authority. */
export function identifiedAs(spec: Partial<CertificateSpec>): Judged {
  return judge(issuedBy(sigstore.fulcio, spec));
}

/** A keyless certificate with more extensions. */
export function identifiedWith(...more: readonly ExtensionSpec[]): Judged {
  return identifiedAs({ extensions: [...fulcioExtensions(GITHUB_ISSUER, {}), ...more] });
}
