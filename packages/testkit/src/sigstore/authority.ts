import { pem } from "../signing/encoding.ts";
import { createKey, type KeyKind, type SigningKey } from "../signing/signing-key.ts";
import { type CertificateIssuer, type CertificateSpec, issueCertificate } from "./certificate.ts";
import type { Signer } from "./signer.ts";

/** A certificate and its key, able to issue others. */
export interface CertificateHolder extends CertificateIssuer {
  readonly certificate: Uint8Array;
}

/** How a certificate authority is made. */
export interface AuthorityOptions {
  /** Common names are made from it. Default `pki`. */
  readonly name?: string;
  /** Default P-256. */
  readonly rootKey?: KeyKind | SigningKey;
  readonly intermediateKey?: KeyKind | SigningKey;
  /** RSA authorities: sign with RSA-PSS instead of PKCS#1 v1.5. */
  readonly pss?: boolean;
  /** Default 2025-01-01 to 2045-01-01. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Usages that the intermediate is restricted to. */
  readonly extendedKeyUsage?: readonly string[];
  /** The last word on the root's and the intermediate's certificate. */
  readonly edit?: {
    readonly root?: (spec: CertificateSpec) => CertificateSpec;
    readonly intermediate?: (spec: CertificateSpec) => CertificateSpec;
  };
}

/** A root and an intermediate: Fulcio's, a timestamp authority's, or somebody's own PKI. */
export interface CertificateAuthority {
  readonly root: CertificateHolder;
  readonly intermediate: CertificateHolder;
  /** From the intermediate to the root, DER. */
  readonly chain: readonly Uint8Array[];
  /** The same as PEM, as a policy's `roots` or `certChain` takes it. */
  readonly pem: string;
  /** An end-entity certificate for `key`; usable as a signer. */
  certify(
    key: SigningKey,
    spec: LeafSpec,
  ): Signer & { readonly certificate: Uint8Array; readonly pem: string; readonly certificatePem: string };
}

/** What an end-entity certificate says; everything but the key and the issuer. */
export type LeafSpec = Partial<Omit<CertificateSpec, "key">>;

const NOT_BEFORE = new Date("2025-01-01T00:00:00Z");
const NOT_AFTER = new Date("2045-01-01T00:00:00Z");

/** A throwaway certificate authority. */
export function createAuthority(options: AuthorityOptions = {}): CertificateAuthority {
  const { name = "pki", pss = false, notBefore = NOT_BEFORE, notAfter = NOT_AFTER } = options;
  const rootKey = keyOf(options.rootKey);
  const self = { subject: `${name} root`, key: rootKey, pss };
  const validity = { notBefore, notAfter };
  const rootSpec: CertificateSpec = {
    ...validity,
    subject: self.subject,
    key: rootKey,
    issuer: self,
    authority: {},
  };
  const root = { ...self, certificate: issueCertificate(options.edit?.root?.(rootSpec) ?? rootSpec) };
  const key = keyOf(options.intermediateKey ?? options.rootKey);
  const intermediateSpec: CertificateSpec = {
    ...{ ...validity, subject: `${name} intermediate`, key, issuer: root, authority: { pathLength: 0 } },
    extendedKeyUsage: options.extendedKeyUsage ?? [],
  };
  const certificate = issueCertificate(options.edit?.intermediate?.(intermediateSpec) ?? intermediateSpec);
  const intermediate = { subject: intermediateSpec.subject, key, pss, certificate };
  const chain = [certificate, root.certificate];
  return {
    ...{ root, intermediate, chain },
    pem: chain.map((each) => pem(each, "CERTIFICATE")).join(""),
    certify: (leaf, spec) => {
      const issued = issueCertificate({
        ...{ notBefore, notAfter, subject: "", issuer: intermediate, key: leaf },
        ...{ extendedKeyUsage: ["codeSigning"], ...spec },
      });
      return { ...leaf, certificate: issued, certificatePem: pem(issued, "CERTIFICATE"), chain };
    },
  };
}

function keyOf(key: KeyKind | SigningKey | undefined): SigningKey {
  return key === undefined || typeof key === "string" ? createKey(key) : key;
}
