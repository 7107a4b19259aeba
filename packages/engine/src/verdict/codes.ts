import type { Code, Outcome } from "@assay/policy";

/** What a code means and what to do about it, for a person who has never seen Kyverno. */
export interface CodeHelp {
  /** Which outcome steps with this code have. */
  readonly outcome: Outcome;
  /** One sentence: what was found. */
  readonly meaning: string;
  /** What to do next, with the command where there is one. `IMAGE` stands for the reference. */
  readonly nextStep: string;
}

/** Every code. `docs/codes.md` is made of this table. */
export const codes: Readonly<Record<Code, CodeHelp>> = {
  ok: {
    outcome: "pass",
    meaning: "The step holds.",
    nextStep: "Nothing to do.",
  },
  notSigned: {
    outcome: "fail",
    meaning:
      "No signature (or attestation) was found for this digest, in any format and place that was asked.",
    nextStep:
      "Sign the image by digest (`cosign sign --key cosign.key IMAGE`), or check that the signature was pushed to the repository that the policy names. `assay plan` lists the places that are asked.",
  },
  untrustedSigner: {
    outcome: "fail",
    meaning: "There are signatures, but none by a key, certificate or authority that the policy trusts.",
    nextStep:
      "Most often another key signed: compare the policy's key with the one that you sign with (`cosign verify --key cosign.pub IMAGE`). Sign with the key of the policy, or add the signer's key to it.",
  },
  badSignature: {
    outcome: "fail",
    meaning:
      "A signature claims to be by a trusted signer but does not verify over the bytes that it covers.",
    nextStep:
      "Check first that it is not another key's: compare the policy's key with the one that you sign with. Else the signature was damaged, made with another hash algorithm (see `signatureAlgorithm`), or forged: sign the image again, and find out who pushed it.",
  },
  claimMismatch: {
    outcome: "fail",
    meaning: "A genuine signature speaks of another digest: it was made for another image and copied here.",
    nextStep:
      "Sign this very digest. Somebody copied the signature: find out who can push to the repository.",
  },
  annotationMismatch: {
    outcome: "fail",
    meaning: "The signature verifies, but does not carry the annotations that the policy asks for.",
    nextStep:
      "Sign with the annotations (`cosign sign -a KEY=VALUE …`), or change `annotations` in the policy.",
  },
  identityMismatch: {
    outcome: "fail",
    meaning: "The certificate is genuine, but issued to somebody else than the policy names.",
    nextStep:
      "Compare what was expected with what was received. If the signer is the right one, change `subject` or `issuer` in the policy; the subject of a GitHub workflow is the workflow file with its ref.",
  },
  logMissing: {
    outcome: "fail",
    meaning: "The policy wants an entry in the transparency log, and the signature has none.",
    nextStep:
      'Sign with an upload to Rekor. If it was uploaded but the entry does not come with the signature, have the log asked: `--log-lookup whenMissing` (`logLookup` of `createAssay`). For private images signed by a key, set `rekor.ignoreTlog: true` in the policy (`--insecure-ignore-tlog` of `assay verify`, `tlog: "ignore"` of `evaluateImage`) and know what you give up.',
  },
  logMismatch: {
    outcome: "fail",
    meaning: "The log entry is not by a trusted log, or it is about another signature.",
    nextStep:
      "Check `rekor.pubkey` or the trusted root. If they are right, the entry was copied from elsewhere: sign again.",
  },
  noTrustedTime: {
    outcome: "fail",
    meaning:
      "The certificate has expired since, and nothing that is trusted says when the signature was made.",
    nextStep:
      "Keyless signatures need a log entry or a signed timestamp. Remove `ignoreTlog`, or sign with a timestamp authority and give its chain in `ctlog.tsaCertChain`.",
  },
  expiredCertificate: {
    outcome: "fail",
    meaning: "The certificate was not valid when the signature was made.",
    nextStep: "Sign again with a valid certificate. Check the clock of the machine that signs.",
  },
  predicateTypeMissing: {
    outcome: "fail",
    meaning: "No verified attestation has the predicate type that the policy asks for.",
    nextStep:
      "Attest with this very type (`cosign attest --type TYPE --predicate FILE IMAGE`), or correct `type` in the policy. The trace lists the types that were found.",
  },
  conditionFalse: {
    outcome: "fail",
    meaning: "A verified attestation does not satisfy a condition of the policy.",
    nextStep:
      "Compare what was expected with what was received. Either the build did not do what the policy demands, or the condition asks for something that this producer never writes.",
  },
  conditionUnresolved: {
    outcome: "fail",
    meaning:
      "A condition on an attestation refers to a field that is not there. Where another expression of the policy refers to a variable that is not there, the outcome is `error`.",
    nextStep:
      "Correct the expression: the message says what is missing. A field has to be written by the producer of the attestation, a variable has to stand in the rule's `context` or be given with `--var NAME=VALUE` (`variables` of `createAssay`).",
  },
  denied: {
    outcome: "fail",
    meaning: "The `deny` conditions across the image's attestations hold.",
    nextStep: "The message says which ones. Fix what they complain about and attest again.",
  },
  notEnoughAttestors: {
    outcome: "fail",
    meaning: "Fewer attestors verified the image than the policy counts.",
    nextStep: "Have the others sign too, or lower `count` in the policy.",
  },
  imageNotFound: {
    outcome: "fail",
    meaning: "The registry has no such image.",
    nextStep: "Check the name, the tag and the registry for typing mistakes, and that the push succeeded.",
  },
  badImageReference: {
    outcome: "fail",
    meaning: "The text is no image reference.",
    nextStep:
      "Correct it: `registry/path:tag` or `registry/path@sha256:` with 64 hex digits, all in lower case.",
  },
  digestRequired: {
    outcome: "fail",
    meaning: "The image is named by a tag, which can be moved, and nothing can pin it here.",
    nextStep:
      "Write the digest into the resource (`assay digest IMAGE` prints it), or let assay patch it: `mutateDigest: true` and the mutating webhook or `assay apply`.",
  },
  unverifiedImage: {
    outcome: "fail",
    meaning: "The image must be verified, but the policy entry says nothing that could verify it.",
    nextStep: "Give the entry `attestors` or `attestations`, or set `required: false`.",
  },
  malformed: {
    outcome: "fail",
    meaning: "What was found is not what it should be: it does not parse, or breaks a rule of its format.",
    nextStep:
      "If the message names a place in the resource, correct it there. Otherwise sign or attest again with a current cosign, and if it comes back, find out what writes to the repository.",
  },
  tooLarge: {
    outcome: "fail",
    meaning: "A manifest, signature or attestation is larger than the limit.",
    nextStep: "Make it smaller, or raise the limit of the source if you trust who writes there.",
  },
  tooMany: {
    outcome: "fail",
    meaning: "There are more signatures, attestations or referrers than the limit.",
    nextStep: "Remove stale ones from the registry, or raise the limit of the source.",
  },
  unauthorized: {
    outcome: "error",
    meaning: "The registry refused the credentials, or asked for some (401, 403).",
    nextStep:
      "Log in (`docker login REGISTRY`), or give the pull secret in the policy (`imageRegistryCredentials.secrets`). The notes in the trace say which credentials were tried.",
  },
  rateLimited: {
    outcome: "error",
    meaning: "The registry answered 429: too many requests.",
    nextStep: "Try again later, use credentials (their limits are higher), or a mirror.",
  },
  unavailable: {
    outcome: "error",
    meaning: "The registry or service could not be reached, or answered with an error of its own (5xx).",
    nextStep: "Check that the host is right and up: `assay plan --check` tries each one. Then try again.",
  },
  timeout: {
    outcome: "error",
    meaning: "There was no answer before the deadline.",
    nextStep:
      "Check the connection (`assay plan --check`), or raise `webhookTimeoutSeconds` in the policy; the API server allows 30 seconds at most.",
  },
  digestMismatch: {
    outcome: "error",
    meaning: "The registry sent bytes that do not have the digest that was asked for.",
    nextStep: "Do not trust this registry or proxy until you know why. Ask the upstream registry directly.",
  },
  otherImageRuns: {
    outcome: "error",
    meaning:
      "What the tag names now was judged, and the Pod runs another image: the tag was moved after it started, or its container runtime reports the image of one platform.",
    nextStep:
      "Judge what runs (`assay verify REPOSITORY@DIGEST` with the digest that the message says), or start the Pod anew. Where images are pinned to digests this cannot happen: `mutateDigest: true` and the mutating webhook or `assay apply`.",
  },
  trustUnavailable: {
    outcome: "error",
    meaning: "Keys of logs or authorities are needed, and no trust root could be had.",
    nextStep:
      "Give one with `--trusted-root FILE`, allow access to the TUF repository, or give the keys in the policy (`rekor.pubkey`, `ctlog.pubkey`, `roots`). A key attestor that needs no log says `rekor.ignoreTlog: true`.",
  },
  manifestUnavailable: {
    outcome: "error",
    meaning: "A bundle signs the image's manifest itself, and the manifest could not be had.",
    nextStep:
      "The step beside it says whom it was asked of and why it failed: check credentials and connection (`assay plan --check`).",
  },
  contextUnavailable: {
    outcome: "error",
    meaning: "A ConfigMap, API call or variable that the policy refers to could not be had.",
    nextStep:
      "Create what is missing. On the command line give it with `--configmap FILE` or `--var NAME=VALUE`.",
  },
  keyUnavailable: {
    outcome: "error",
    meaning: "A key that the policy refers to (Secret, key management service) could not be had.",
    nextStep: "Check that the Secret or key exists, and that assay may read it.",
  },
  invalidPolicy: {
    outcome: "error",
    meaning: "The policy cannot be evaluated as it stands.",
    nextStep: "Correct it at the position given: `assay lint POLICY` explains what is wrong.",
  },
  internal: {
    outcome: "error",
    meaning: "This is a mistake in assay itself.",
    nextStep: "Please report it, with a record (`assay record`) if you may share it.",
  },
  notMatched: {
    outcome: "skip",
    meaning: "The rule does not apply to this object.",
    nextStep: "Nothing to do, unless you expected it to apply: the message says what did not match.",
  },
  skippedImage: {
    outcome: "skip",
    meaning: "`skipImageReferences` of the policy leaves this image out.",
    nextStep: "Nothing to do, unless this image should be verified.",
  },
  preconditionsNotMet: {
    outcome: "skip",
    meaning: "The rule's preconditions do not hold for this object.",
    nextStep: "Nothing to do, unless you expected the rule to apply.",
  },
  excepted: {
    outcome: "skip",
    meaning: "A PolicyException takes this object out of the rule.",
    nextStep: "Nothing to do. Review the exception when its reason is gone.",
  },
  noImages: {
    outcome: "skip",
    meaning: "The rule applies, but the object names no image that its `imageReferences` select.",
    nextStep:
      "Nothing to do, unless an image should have been selected: a `*` matches slashes, and `nginx` is `docker.io/nginx:latest`.",
  },
  notEvaluated: {
    outcome: "skip",
    meaning: "The step was not needed to decide.",
    nextStep: "Nothing to do.",
  },
};

/** What to do about a code, in a sentence or two. */
export function nextStep(code: Code): string {
  return codes[code].nextStep;
}
