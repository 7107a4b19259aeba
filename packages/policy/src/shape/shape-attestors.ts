import { deprecated, flag, integer, list, type ObjectShape, object, record, text } from "./shape.ts";

// Source: api/kyverno/v1/image_verification_types.go and the CRDs made from it.

const rekor = object({
  url: text("Address of the transparency log.", { default: "https://rekor.sigstore.dev" }),
  pubkey: text("PEM key of the log, in place of the trust root's."),
  ignoreTlog: flag("Accept signatures without an entry in a transparency log. A weakening.", {
    default: false,
  }),
});

const ctlog = object({
  ignoreSCT: flag("Accept certificates without a certificate timestamp. A weakening.", { default: false }),
  pubkey: text("PEM key of the certificate transparency log, in place of the trust root's."),
  tsaCertChain: text("PEM chain of the timestamp authority."),
});

const signatureAlgorithm = text("Hash of the signature.", {
  oneOf: ["sha224", "sha256", "sha384", "sha512"],
  default: "sha256",
});

const keys = object({
  publicKeys: text(
    "PEM public keys, a `k8s://namespace/secret` or KMS reference, or a variable that holds one.",
  ),
  kms: text("awskms://, gcpkms://, azurekms:// or hashivault:// reference of a key."),
  secret: object(
    { name: text(), namespace: text() },
    { required: ["name", "namespace"], says: "Secret with the key `cosign.pub`." },
  ),
  signatureAlgorithm: deprecated(signatureAlgorithm),
  rekor,
  ctlog,
});

const certificates = object({
  cert: text("PEM certificate of the signer."),
  certChain: text("PEM chain of the certificate."),
  rekor,
  ctlog,
});

const keyless = object({
  issuer: text("OIDC issuer, `*` and `?` are wildcards."),
  issuerRegExp: text("OIDC issuer as an RE2 expression; anchor it with ^ and $."),
  subject: text("Identity in the certificate, `*` and `?` are wildcards."),
  subjectRegExp: text("Identity as an RE2 expression; anchor it with ^ and $."),
  roots: text("PEM root certificates, in place of Fulcio's."),
  additionalExtensions: record(text(), "Fulcio extensions that the certificate must have."),
  rekor,
  ctlog,
});

/** One set of attestors; nested sets have the same shape. */
export const attestorSetShape: ObjectShape = object(
  () => ({
    count: integer("How many entries must hold; all of them where absent.", {
      minimum: 1,
      outside: "should be greater than or equal to 1",
    }),
    entries: list(attestor, "The attestors to choose from."),
  }),
  { name: "attestorSet" },
);

const attestor = object({
  keys,
  certificates,
  keyless,
  attestor: attestorSetShape,
  annotations: record(text(), "Pairs that the signature's payload must hold."),
  repository: text(
    "Repository of this attestor's signatures, in place of the image's. Without a host it is Docker Hub's, whatever images without one are.",
  ),
  signatureAlgorithm,
});
