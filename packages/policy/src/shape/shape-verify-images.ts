import { any, deprecated, flag, list, object, record, type Shape, text } from "./shape.ts";
import { attestorSetShape } from "./shape-attestors.ts";

// Source: api/kyverno/v1/image_verification_types.go and the CRDs made from it.

/** The operators of conditions, as Kyverno's CRD spells them. */
export const conditionOperators = [
  "Equals",
  "NotEquals",
  "In",
  "AnyIn",
  "AllIn",
  "NotIn",
  "AnyNotIn",
  "AllNotIn",
  "GreaterThanOrEquals",
  "GreaterThan",
  "LessThanOrEquals",
  "LessThan",
  "DurationGreaterThanOrEquals",
  "DurationGreaterThan",
  "DurationLessThanOrEquals",
  "DurationLessThan",
] as const;

const condition = object({
  key: any("What is compared, mostly a `{{ variable }}`."),
  operator: text("How.", { oneOf: conditionOperators }),
  value: any("What it is compared with."),
  message: text("Shown where the condition decides."),
});

/** `{any, all}` blocks of conditions. */
export const anyAllShape: Shape = object({
  any: list(condition, "One of them must hold."),
  all: list(condition, "All of them must hold."),
});

/** Where and how a registry is asked. */
export const registryCredentialsShape: Shape = object({
  allowInsecureRegistry: flag("Allow plain http and unknown certificates.", { default: false }),
  providers: list(text(undefined, { oneOf: ["default", "amazon", "azure", "google", "github"] })),
  secrets: list(text(), "Pull secrets, as `name` or `namespace/name`."),
});

const attestation = object({
  name: text("Name under which conditions and `validate.deny` find the predicate."),
  type: text("The predicateType that is asked for."),
  predicateType: deprecated(text("Old name of `type`.")),
  attestors: list(attestorSetShape, "Who must have signed it; the entry's own attestors where absent."),
  conditions: list(anyAllShape, "What its predicate must say."),
  quantifier: text("assay's own: whether all, any or the latest statement of the type must hold.", {
    oneOf: ["all", "any", "latest"],
    default: "all",
  }),
});

const current: Readonly<Record<string, Shape>> = {
  failureAction: text("What a failure means.", { oneOf: ["Audit", "Enforce"] }),
  type: text("Narrows to one signature format; every format is found out where absent.", {
    oneOf: ["Cosign", "SigstoreBundle", "Notary"],
  }),
  imageReferences: list(
    text(),
    "Patterns of the images to verify: `*` crosses slashes, `?` is one character.",
  ),
  skipImageReferences: list(text(), "Patterns of images that are left out."),
  attestors: list(attestorSetShape, "Who must have signed the image: every set must hold."),
  attestations: list(attestation, "Statements about the image that must be there."),
  repository: text(
    "Repository of signatures and attestations, in place of the image's. Without a host it is Docker Hub's, whatever images without one are.",
  ),
  mutateDigest: flag("Rewrite tags to the verified digest.", { default: true }),
  verifyDigest: flag("Demand a digest where tags cannot be rewritten.", { default: true }),
  required: flag("Every image of the references must be verified.", { default: true }),
  useCache: flag("Allow verified facts to be kept, by digest.", { default: true }),
  imageRegistryCredentials: registryCredentialsShape,
  validate: object({
    message: text("Shown where `deny` holds."),
    deny: object({
      conditions: any("Conditions over all attestations; the image is denied where they hold."),
    }),
  }),
  signaturePredicateTypes: text("assay's own: which signed statements count as an image signature.", {
    oneOf: ["cosign-sign", "any"],
    default: "cosign-sign",
  }),
};

const old: Readonly<Record<string, Shape>> = {
  cosignOCI11: deprecated(flag("Not needed: referrers are always asked.")),
  image: deprecated(text("Use imageReferences.")),
  key: deprecated(text("Use attestors with keys.publicKeys.")),
  roots: deprecated(text("Use attestors with keyless.roots.")),
  subject: deprecated(text("Use attestors with keyless.subject.")),
  issuer: deprecated(text("Use attestors with keyless.issuer.")),
  annotations: deprecated(record(text(), "For attestors without annotations of their own. Use those.")),
  additionalExtensions: deprecated(record(text(), "Use keyless.additionalExtensions.")),
};

/** An entry of `verifyImages` in kyverno.io/v1. */
export const verifyImagesV1: Shape = object({ ...current, ...old });
/** The same in kyverno.io/v2beta1, which dropped the old fields. */
export const verifyImagesV2: Shape = object(current);
