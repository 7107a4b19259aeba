import type { SourcePosition } from "./yaml/source-position.ts";

/** Any JSON value as parsed: objects have no prototype surprises because readers use own properties only. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Where a node of the policy stands: field path (`spec.rules[0].…`) and file position. */
export interface Place {
  readonly path: string;
  readonly source: SourcePosition;
}

export type FailureAction = "Enforce" | "Audit";
export type FailurePolicy = "Fail" | "Ignore";
export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** A `ClusterPolicy` or `Policy` (kyverno.io/v1, v2beta1). Deeply frozen. Fields have Kyverno's defaults filled in. */
export interface Policy extends Place {
  readonly kind: "ClusterPolicy" | "Policy";
  readonly name: string;
  /** Only for `kind: Policy`. */
  readonly namespace?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly applyRules: "All" | "One";
  readonly failureAction: FailureAction;
  readonly failureActionOverrides: readonly FailureActionOverride[];
  readonly failurePolicy: FailurePolicy;
  /** Seconds, 1 to 30; the deadline of one evaluation. Default 10. */
  readonly webhookTimeoutSeconds: number;
  readonly background: boolean;
  readonly emitWarning: boolean;
  /** Rules with `verifyImages`, autogen rules included; rules of other kinds are in `skippedRules`. */
  readonly rules: readonly Rule[];
  /** Names of `validate`, `mutate`, `generate` rules: never evaluated, never evidence. */
  readonly skippedRules: readonly string[];
}

export interface FailureActionOverride {
  readonly action: FailureAction;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values?: readonly string[];
  }[];
}

export interface Rule extends Place {
  readonly name: string;
  /** Set on rules that were generated from a Pod rule for its controllers. */
  readonly autogenOf?: string;
  readonly match: ResourceMatch;
  readonly exclude?: ResourceMatch;
  /** Copied into report results. */
  readonly reportProperties: Readonly<Record<string, string>>;
  /** Kyverno's `{any, all}` or old list form, as written; `@assay/conditions` reads it. */
  readonly preconditions?: Json;
  readonly context: readonly ContextEntry[];
  readonly imageExtractors: Readonly<Record<string, readonly ImageExtractor[]>>;
  readonly verifyImages: readonly ImageVerification[];
}

export interface ResourceMatch extends Place {
  /** `any`: one filter suffices; `all`: every filter. The old direct form is an `all` of one. */
  readonly mode: "any" | "all";
  readonly filters: readonly ResourceFilter[];
}

export interface ResourceFilter {
  readonly kinds?: readonly string[];
  readonly names?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly operations?: readonly Operation[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly selector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly roles?: readonly string[];
  readonly clusterRoles?: readonly string[];
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

export type ContextEntry = Place & { readonly name: string } & (
    | {
        readonly kind: "configMap";
        readonly configMap: { readonly name: string; readonly namespace?: string };
      }
    | {
        readonly kind: "variable";
        readonly value?: Json;
        readonly jmesPath?: string;
        readonly default?: Json;
      }
    | {
        readonly kind: "apiCall";
        readonly urlPath?: string;
        readonly method: "GET" | "POST";
        readonly data?: Json;
        readonly service?: {
          readonly url: string;
          readonly caBundle?: string;
          readonly headers?: readonly { readonly key: string; readonly value: string }[];
        };
        readonly jmesPath?: string;
        readonly default?: Json;
      }
    | {
        readonly kind: "imageRegistry";
        readonly reference: string;
        readonly jmesPath?: string;
        readonly registryCredentials?: RegistryCredentials;
      }
    | { readonly kind: "globalReference"; readonly globalName: string; readonly jmesPath?: string }
  );

export interface ImageExtractor {
  /** Where the extractor itself stands. */
  readonly place: Place;
  /** Slash path (`/spec/steps/*\/image`); ours: a JSONPath that begins with `$`. */
  readonly path: string;
  readonly value?: string;
  readonly name?: string;
  readonly key?: string;
  readonly jmesPath?: string;
}

/** How a policy wants a registry to be asked. */
export interface RegistryCredentials {
  readonly allowInsecureRegistry: boolean;
  readonly providers: readonly string[];
  /** `name` (in Kyverno's namespace) or `namespace/name`. */
  readonly secrets: readonly string[];
}

/** One entry of `verifyImages`. Strings may still hold `{{ variables }}`; the engine substitutes them once. */
export interface ImageVerification extends Place {
  /** Absent: every format is found out. Present: narrows to that format. */
  readonly type?: "Cosign" | "SigstoreBundle";
  readonly failureAction?: FailureAction;
  readonly imageReferences: readonly string[];
  readonly skipImageReferences: readonly string[];
  /** All sets must hold. */
  readonly attestors: readonly AttestorSet[];
  /** All must hold. */
  readonly attestations: readonly AttestationRule[];
  readonly repository?: string;
  readonly mutateDigest: boolean;
  readonly verifyDigest: boolean;
  readonly required: boolean;
  readonly useCache: boolean;
  /** Ours: which signed statements count as an image signature. Default `cosign-sign`. */
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  readonly registryCredentials?: RegistryCredentials;
  readonly validate?: Place & { readonly message?: string; readonly deny?: Json };
}

export type Attestor = AttestorSet | KeyAttestor | CertificateAttestor | KeylessAttestor;

export interface AttestorSet extends Place {
  readonly kind: "set";
  /** How many entries must hold; absent: all of them. Counted after several PEMs in one entry became entries. */
  readonly count?: number;
  readonly entries: readonly Attestor[];
}

interface Signer extends Place {
  /** Every pair must be among the signed annotations of the *same* signature. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Where this attestor's signatures live instead of the image's own repository. */
  readonly repository?: string;
  readonly rekor?: Rekor;
  readonly ctlog?: CtLog;
}

export interface KeyAttestor extends Signer {
  readonly kind: "key";
  /** PEM text, one or several keys, or a variable that holds it (or a KMS reference); exactly one of `publicKeys`, `secret`, `kms`. */
  readonly publicKeys?: string;
  readonly secret?: { readonly name: string; readonly namespace: string };
  /** `awskms://`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8s://namespace/secret`. */
  readonly kms?: string;
  readonly signatureAlgorithm: SignatureAlgorithm;
}

export type SignatureAlgorithm = "sha224" | "sha256" | "sha384" | "sha512";

export interface CertificateAttestor extends Signer {
  readonly kind: "certificate";
  /** PEM text; at least one of `cert` and `certChain`. */
  readonly cert?: string;
  readonly certChain?: string;
}

export interface KeylessAttestor extends Signer {
  readonly kind: "keyless";
  /** Kyverno wildcard over the certificate's SAN; `subject` or `subjectRegExp` must match. */
  readonly subject?: string;
  readonly subjectRegExp?: string;
  /** `type: SigstoreBundle` asks for a subject that is both, as Kyverno does there. */
  readonly bothSubjects?: true;
  /** Kyverno wildcard; when both are given both must match. */
  readonly issuer?: string;
  readonly issuerRegExp?: string;
  readonly additionalExtensions: Readonly<Record<string, string>>;
  /** PEM text: replaces Fulcio's roots. */
  readonly roots?: string;
}

export interface Rekor {
  readonly url?: string;
  /** PEM text: replaces the trust root's log keys. */
  readonly pubkey?: string;
  /** A weakening, shown in the trace. */
  readonly ignoreTlog: boolean;
}

export interface CtLog {
  readonly pubkey?: string;
  readonly tsaCertChain?: string;
  /** A weakening, shown in the trace. */
  readonly ignoreSCT: boolean;
}

export interface AttestationRule extends Place {
  /** True where it has no attestors of its own and was given those of its image verification. */
  readonly inheritsAttestors: boolean;
  /** Compared with the predicateType of the *verified* payload, exactly. */
  readonly type: string;
  readonly name?: string;
  /** Never empty: an attestation without attestors has those of its image verification. */
  readonly attestors: readonly AttestorSet[];
  /** AnyAllConditions as written; absent: the presence of one verified statement suffices. */
  readonly conditions?: Json;
  /** Ours: `all` (default) as Kyverno; `any`; `latest` by verified time. */
  readonly quantifier: "all" | "any" | "latest";
}

/** A `PolicyException` (kyverno.io/v2): what it matches is not held to the rules it names. Deeply frozen. */
export interface PolicyException extends Place {
  readonly name: string;
  readonly namespace?: string;
  readonly background: boolean;
  readonly match: ResourceMatch;
  /** Kyverno's `{any, all}`, as written; all must hold for the exception to count. */
  readonly conditions?: Json;
  readonly exceptions: readonly ExceptedRules[];
  /** Ours: only these images are excepted; absent: all. Matched against the digest form where there is a digest. */
  readonly imageReferences?: readonly string[];
  /** Ours: RFC 3339; from then on it does not hold. */
  readonly expires?: string;
}

export interface ExceptedRules extends Place {
  /** `name` of a ClusterPolicy or `namespace/name` of a Policy, exactly. */
  readonly policyName: string;
  /** Wildcards. */
  readonly ruleNames: readonly string[];
}
