import { createHash } from "node:crypto";
import { type Digest, parseDigest } from "@assay/image";
import type {
  AttestationRule,
  Attestor,
  AttestorSet,
  CertificateAttestor,
  KeyAttestor,
  KeylessAttestor,
  Trace,
} from "@assay/policy";
import {
  createKey,
  createSigstore,
  FROZEN_TIME,
  type SignedArtifact,
  type SigningKey,
  type Sigstore,
  type TestImage,
} from "@assay/testkit";
import { GITHUB_ISSUER, GITHUB_SUBJECT } from "@assay/testkit/parts";
import {
  type Candidate,
  type EvidenceGap,
  type KernelInput,
  type LogLookup,
  parseTrustRoot,
  prepareAttestors,
  type ResolvedSet,
  type StatementCheck,
  type TrustRoot,
  type VerifiedAttestation,
  VerifyError,
  verifyAttestations,
  verifySignatures,
} from "@assay/verify";

/** The throwaway Sigstore that the trust root of these cases names, and the keys that their policies name. */
export const sigstore: Sigstore = createSigstore();
export const policyKey: SigningKey = createKey();
export const strangerKey: SigningKey = createKey();
export const now: Date = new Date(FROZEN_TIME);

/** SLSA v0.2: the attestation type that the cases ask for. */
export const WANTED_TYPE = "https://slsa.dev/provenance/v0.2";

const PLACE = {
  path: "spec.rules[0].verifyImages[0].attestors[0].entries[0]",
  source: { file: "abuse.yaml", line: 1, column: 1 },
};

/** The policy's key, no log asked for, unless the case says otherwise. */
export function byKey(more: Partial<KeyAttestor> = {}): KeyAttestor {
  return {
    ...PLACE,
    ...{ kind: "key", publicKeys: policyKey.pem, signatureAlgorithm: "sha256", annotations: {} },
    ...{ rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } },
    ...more,
  };
}

/** The policy's key, with the log demanded. */
export function byLoggedKey(more: Partial<KeyAttestor> = {}): KeyAttestor {
  return byKey({ rekor: { ignoreTlog: false }, ...more });
}

/** The GitHub workflow of acme/app, exactly. */
export function keyless(more: Partial<KeylessAttestor> = {}): KeylessAttestor {
  return {
    ...PLACE,
    ...{
      kind: "keyless",
      subject: GITHUB_SUBJECT,
      issuer: GITHUB_ISSUER,
      annotations: {},
      additionalExtensions: {},
    },
    ...more,
  };
}

/** A certificate, or a chain, of somebody's own. */
export function byCertificate(more: Partial<CertificateAttestor>): CertificateAttestor {
  return {
    ...PLACE,
    ...{ kind: "certificate", annotations: {}, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } },
    ...more,
  };
}

/** One set; without `count` every entry must hold. */
export function setOf(entries: readonly Attestor[], count?: number): AttestorSet {
  return {
    ...PLACE,
    path: "spec.rules[0].verifyImages[0].attestors[0]",
    kind: "set",
    entries: entries.map((entry, i) => ({ ...entry, path: `${PLACE.path.slice(0, -2)}${i}]` })),
    ...(count === undefined ? {} : { count }),
  };
}

/** What a case may change about how it is judged. */
export interface JudgeOptions {
  /** Text of the trusted root; false: none is loaded. Default: the throwaway Sigstore's. */
  readonly trust?: string | false;
  readonly now?: Date;
  readonly signaturePredicateTypes?: "cosign-sign" | "any";
  readonly format?: "Cosign" | "SigstoreBundle";
  /** The image's manifest, as the engine read it; false: it did not. Default: the image's own. */
  readonly manifest?: Uint8Array | false;
  /** Answers of logs. Default: logs are not to be asked. */
  readonly logLookup?: LogLookup;
  /** What hangs on the image as the kernel sees it. Default: the image's own artifacts. */
  readonly candidates?: readonly Candidate[];
  /** Shelves that could not be read, or were not asked yet. Default: none. */
  readonly gaps?: readonly EvidenceGap[];
}

/** The judgement of a case: what it came to, every code and message on the way. */
export interface Judged {
  readonly outcome: "allowed" | "denied" | "error";
  readonly codes: readonly string[];
  readonly messages: readonly string[];
  readonly statements: readonly VerifiedAttestation[];
}

/** Judges the image's signatures by one attestor or by sets. */
export function judgeSignature(
  image: TestImage,
  asked: Attestor | readonly ResolvedSet[],
  options: JudgeOptions = {},
): Judged {
  return refusable(() => {
    const sets = prepareAttestors(isSets(asked) ? asked : [setOf([asked])]);
    return judged(verifySignatures(sets, "spec.rules[0].verifyImages[0]", inputOf(image, options)).trace, []);
  });
}

/** Judges the image's attestations of one type by one attestor or by sets; `check` stands for the rule's conditions. */
export function judgeAttestation(
  image: TestImage,
  asked: Attestor | readonly ResolvedSet[],
  options: JudgeOptions & {
    readonly type?: string;
    readonly check?: (statement: VerifiedAttestation) => boolean;
    readonly quantifier?: AttestationRule["quantifier"];
  } = {},
): Judged {
  const rule = {
    type: options.type ?? WANTED_TYPE,
    quantifier: options.quantifier ?? "all",
    path: "spec.rules[0].verifyImages[0].attestations[0]",
    source: PLACE.source,
  };
  const seen: VerifiedAttestation[] = [];
  const check: StatementCheck = (statement) => {
    seen.push(statement);
    return conditionTrace(options.check?.(statement) ?? true, rule.path);
  };
  return refusable(() => {
    const sets = prepareAttestors(isSets(asked) ? asked : [setOf([asked])]);
    return judged(verifyAttestations(rule, sets, check, inputOf(image, options)).trace, seen);
  });
}

/** A policy or a trust root that the kernel refuses to take in decides nothing: an error, by the kernel's own class only. */
function refusable(judge: () => Judged): Judged {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return { outcome: "error", codes: [error.code], messages: [error.message], statements: [] };
  }
}

function conditionTrace(holds: boolean, path: string): Trace {
  const outcome = holds ? "pass" : "fail";
  return {
    step: "conditions",
    path,
    outcome,
    code: holds ? "ok" : "conditionFalse",
    message: "asked",
    children: [],
  };
}

function isSets(asked: Attestor | readonly ResolvedSet[]): asked is readonly ResolvedSet[] {
  return Array.isArray(asked);
}

function inputOf(image: TestImage, options: JudgeOptions): KernelInput {
  const digest = parseDigest(image.digest);
  const candidates = options.candidates ?? image.artifacts.map(candidateOf);
  const trust = options.trust ?? sigstore.trustedRoot();
  return {
    digest,
    ...(options.manifest === false ? {} : { manifest: options.manifest ?? image.manifest }),
    evidence: () => ({ digest, candidates, gaps: options.gaps ?? [] }),
    now: options.now ?? now,
    ...(trust === false ? {} : { trust: trustRootOf(trust) }),
    ...(options.logLookup === undefined ? {} : { logLookup: options.logLookup }),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.signaturePredicateTypes === undefined
      ? {}
      : { signaturePredicateTypes: options.signaturePredicateTypes }),
  };
}

const roots = new Map<string, TrustRoot>();

/** Parsed once, as an engine does: what a root remembers must not change a verdict. */
function trustRootOf(text: string): TrustRoot {
  const root = roots.get(text) ?? parseTrustRoot(text);
  roots.set(text, root);
  return root;
}

/** Evidence as a source would hand it to the kernel. */
export function candidateOf(artifact: SignedArtifact): Candidate {
  const layer = digestOf(artifact);
  if (artifact.kind === "bundle")
    return {
      kind: "bundle",
      bytes: artifact.bytes,
      origin: { shelf: "referrers", repository: "registry.test/acme/app", layer },
    };
  const { holds, payload, annotations } = artifact;
  const shelf = holds === "signature" ? "signatureTag" : "attestationTag";
  return {
    kind: "legacy",
    holds,
    payload,
    annotations,
    origin: { shelf, repository: "registry.test/acme/app", layer },
  };
}

function digestOf(artifact: SignedArtifact): Digest {
  const bytes = artifact.kind === "bundle" ? artifact.bytes : artifact.payload;
  return parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
}

function judged(trace: Trace, statements: readonly VerifiedAttestation[]): Judged {
  const nodes: Trace[] = [];
  const walk = (node: Trace): void => {
    nodes.push(node);
    node.children.forEach(walk);
  };
  walk(trace);
  return {
    outcome: trace.outcome === "pass" ? "allowed" : trace.outcome === "fail" ? "denied" : "error",
    codes: nodes.map(({ code }) => code),
    messages: nodes.map(({ message }) => message),
    statements,
  };
}
