import type { Claim } from "./comparison.ts";
import type { Expected } from "./differences.ts";
import { isArtifact } from "./recognise.ts";
import {
  bringsKeys,
  ignoresTheLog,
  isOfBundles,
  isPeculiarIdentity,
  isPeculiarKey,
  isSigned,
} from "./recognise-keyless.ts";

const ofAssay = ({ side, says }: Claim, reason: RegExp): boolean => side === "assay" && reason.test(says);
const ofKyverno = ({ side, says }: Claim, reason: RegExp): boolean => side === "kyverno" && reason.test(says);

/** Kyverno's one word for whatever is wrong with all bundles; and where it could not even begin. */
const NO_BUNDLE =
  /sigstore bundle verification failed: no matching|you must specify at least one of WithObserver/;

/** The differences that are about keyless identities. */
export const keylessDifferences: readonly Expected[] = [
  {
    row: "formats",
    // Of two signatures beside the image, Kyverno reads one.
    claim: (claim, asked) =>
      ofKyverno(claim, /mismatch: expected/) && isArtifact(asked.review) && isSigned(asked, /two|evilfirst/),
  },
  {
    row: "keyless identities under `type: SigstoreBundle`",
    claim: (claim, asked) => ofKyverno(claim, NO_BUNDLE) && isPeculiarIdentity(claim, asked),
  },
  {
    row: "a keyless certificate that names with a DNS name, or with several names",
    claim: (claim, asked) => ofKyverno(claim, NO_BUNDLE) && isSigned(asked, /names|uris|host/),
  },
  {
    row: "keys and certificates under `type: SigstoreBundle`",
    claim: (claim, asked) => ofKyverno(claim, NO_BUNDLE) && isPeculiarKey(claim, asked),
  },
  {
    row: "timestamps without `ctlog.tsaCertChain`",
    claim: (claim, asked) =>
      (ofKyverno(claim, NO_BUNDLE) || ofKyverno(claim, /expected a signed timestamp to verify/)) &&
      isSigned(asked, /old(?:log)?tsa/) &&
      ignoresTheLog(claim, asked),
  },
  {
    row: "timestamps without `ctlog.tsaCertChain`",
    claim: (claim, asked) =>
      ofAssay(claim, /certificate was not valid when the signature was made/) &&
      isSigned(asked, /oldlatetsa/),
  },
  {
    row: "`annotations`, `additionalExtensions`, `repository` and keys of logs and authorities under `type: SigstoreBundle`",
    claim: (claim, asked) =>
      isOfBundles(claim, asked) &&
      (ofAssay(claim, /extension \S+ mismatch/) ||
        (ofAssay(claim, /public key not found|unknown authority/) && bringsKeys(claim, asked)) ||
        (ofKyverno(claim, NO_BUNDLE) && isSigned(asked, /oldlatetsa/) && bringsKeys(claim, asked))),
  },
  {
    row: "the SCT of a bundle's certificate",
    claim: (claim, asked) =>
      ofAssay(claim, /embedded SCT|ctfe public key not found/) && isOfBundles(claim, asked),
  },
  {
    row: "image signature in the new format",
    claim: (claim, asked) =>
      ofAssay(claim, /no signatures found/) && isOfBundles(claim, asked) && isSigned(asked, /attonly/),
  },
  {
    row: "a subject or an issuer that the certificate lacks",
    claim: (claim) =>
      ofAssay(claim, /mismatch: expected [^;]*, received (?:none|no subject alternative name)/),
  },
  {
    row: "an extension in `additionalExtensions` that the certificate lacks",
    claim: (claim) => ofAssay(claim, /extension \S+ mismatch: expected \S*\*\S*, received none/),
  },
  {
    row: "a certificate's signature with a timestamp of nobody who is trusted, where neither a log nor `ctlog.tsaCertChain` is asked for",
    claim: (claim, asked) =>
      ofAssay(claim, /timestamp is not by a trusted timestamp authority/) && isSigned(asked, /\S*badtsa\S*/),
  },
  {
    row: "a timestamp that does not verify, beside a log entry or under a policy's key",
    claim: (claim, asked) =>
      ofKyverno(claim, /unable to verify RFC3161 timestamp bundle/) && isSigned(asked, /\S*badtsa\S*/),
  },
  {
    row: "an SCT of another log beside one of `ctlog.pubkey`'s",
    claim: (claim, asked) =>
      ofKyverno(claim, /ctfe public key not found for payload/) && isSigned(asked, /seenboth/),
  },
  {
    row: "logs and authorities that the trust root has retired",
    claim: (claim, asked) =>
      (isSigned(asked, /retiredct/) && ofAssay(claim, /ctfe public key not found/)) ||
      (isSigned(asked, /retiredca/) && ofAssay(claim, /certificate was not valid|an expired certificate/)) ||
      (isSigned(asked, /retiredlog/) && ofAssay(claim, /inclusion promise could not be verified/)),
  },
  {
    row: "`count: 2` and the same key twice",
    claim: (claim, asked) =>
      claim.code === "notEnoughAttestors" && isSigned(asked, /.*/) && !isSigned(asked, /two|evilfirst/),
  },
  {
    row: "a bundle of v0.1 with a log entry that has no promise, beside one that has one",
    claim: (claim, asked) => ofAssay(claim, /invalid v0\.1 bundle/) && isSigned(asked, /v1-v2/),
  },
];
