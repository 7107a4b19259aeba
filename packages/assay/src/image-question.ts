import type { JsonObject } from "@assay/policy";
import { predicateTypeOf } from "@assay/verify";

/**
 * A public key: PEM text, or a reference to a KMS key or a Secret (`awskms://…`, `k8s://namespace/secret`). Of several PEMs
 * one suffices.
 */
export interface KeySigner {
  readonly key: string;
}

/**
 * A keyless identity: a subject and an issuer, each in one of its forms. `subject` and `issuer` are exact, or Kyverno
 * wildcards; the RegExp forms are RE2, unanchored.
 */
export interface KeylessSigner {
  readonly identity: {
    readonly subject?: string;
    readonly subjectRegExp?: string;
    readonly issuer?: string;
    readonly issuerRegExp?: string;
  };
}

/** A certificate of an own PKI, or the chain that it must end in: PEM text. */
export interface CertificateSigner {
  readonly certificate?: string;
  readonly certificateChain?: string;
}

export type Signer = KeySigner | KeylessSigner | CertificateSigner;

/** What is asked of one image. */
export type ImageQuestion = Signer & {
  /** Signed annotations that the signature must carry. */
  readonly annotations?: Readonly<Record<string, string>>;
  /**
   * Attestations that the same signer must have made: predicate types (cosign's short names work too), each with
   * the conditions that the predicate must meet. Where there are some, `signature: false` asks for nothing else.
   */
  readonly attestations?: readonly {
    readonly type: string;
    readonly conditions?: JsonObject | readonly JsonObject[];
  }[];
  /** Whether an image signature is asked for. Default true. */
  readonly signature?: boolean;
  /** A weakening, shown in the trace: default `require`. */
  readonly tlog?: "require" | "ignore";
  /** A weakening, shown in the trace: default `require`. Only keyless signatures have a certificate timestamp. */
  readonly sct?: "require" | "ignore";
  /** PEM chain of a timestamp authority whose signed time counts. */
  readonly timestampChain?: string;
  /** Digest algorithm of a key's signatures. Default `sha256`, or what the key's curve asks for. */
  readonly signatureAlgorithm?: "sha256" | "sha384" | "sha512";
  /** Where signatures live instead of the image's own repository. */
  readonly repository?: string;
  /** Narrows to one format. Default: every format is found out. */
  readonly format?: "Cosign" | "SigstoreBundle";
};

/** The policy that asks `question` of every image: what `evaluateImage` and `assay verify` evaluate. */
export function policyOf(question: ImageQuestion): JsonObject {
  const attestors = [{ count: 1, entries: [attestorOf(question)] }];
  const attestations = (question.attestations ?? []).map((attestation) => ({
    type: predicateTypeOf(attestation.type),
    attestors,
    ...(attestation.conditions === undefined ? {} : { conditions: list(attestation.conditions) }),
  }));
  const entry: JsonObject = {
    imageReferences: ["*"],
    ...(question.format === undefined ? {} : { type: question.format }),
    ...(question.signature === false ? {} : { attestors }),
    ...(attestations.length === 0 ? {} : { attestations }),
    ...(question.repository === undefined ? {} : { repository: question.repository }),
  };
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "verify" },
    spec: {
      validationFailureAction: "Enforce",
      webhookTimeoutSeconds: 30,
      rules: [{ name: "image", match: { any: [{ resources: { kinds: ["Pod"] } }] }, verifyImages: [entry] }],
    },
  };
}

/** A Pod that runs nothing but `image`. */
export function podOf(image: string): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "image", namespace: "default" },
    spec: { containers: [{ name: "image", image }] },
  };
}

/** A KMS key or a Secret, in cosign's spelling; everything else has to be PEM. */
export function isKeyReference(key: string): boolean {
  return /^(awskms|gcpkms|azurekms|hashivault|k8s):\/\//.test(key);
}

function attestorOf(question: ImageQuestion): JsonObject {
  const logs = {
    rekor: { ignoreTlog: question.tlog === "ignore" },
    ctlog: {
      ignoreSCT: question.sct === "ignore",
      ...(question.timestampChain === undefined ? {} : { tsaCertChain: question.timestampChain }),
    },
  };
  const annotations = question.annotations === undefined ? {} : { annotations: question.annotations };
  if ("key" in question) {
    const { signatureAlgorithm } = question;
    const keys = {
      ...(isKeyReference(question.key) ? { kms: question.key } : { publicKeys: question.key }),
      ...(signatureAlgorithm === undefined ? {} : { signatureAlgorithm }),
      ...logs,
    };
    return { keys, ...annotations };
  }
  if ("identity" in question) return { keyless: { ...question.identity, ...logs }, ...annotations };
  const certificates = {
    ...(question.certificate === undefined ? {} : { cert: question.certificate }),
    ...(question.certificateChain === undefined ? {} : { certChain: question.certificateChain }),
    ...logs,
  };
  return { certificates, ...annotations };
}

function list(conditions: JsonObject | readonly JsonObject[]): readonly JsonObject[] {
  return isList(conditions) ? conditions : [conditions];
}

function isList(value: JsonObject | readonly JsonObject[]): value is readonly JsonObject[] {
  return Array.isArray(value);
}
