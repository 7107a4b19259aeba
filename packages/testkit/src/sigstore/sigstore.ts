import { FROZEN_TIME } from "../frozen-time.ts";
import { utf8 } from "../signing/encoding.ts";
import { createKey, type SigningKey } from "../signing/signing-key.ts";
import { type CertificateAuthority, createAuthority, type LeafSpec } from "./authority.ts";
import { type CtLog, createCtLog, sctExtension } from "./ct-log.ts";
import { der, TAG } from "./der.ts";
import type { AlternativeName, ExtensionSpec } from "./extensions.ts";
import { createRekor, createRekorV2 } from "./rekor.ts";
import type { Signer } from "./signer.ts";
import type { TimestampAuthority } from "./timestamp.ts";
import { createTimestampAuthority } from "./timestamp-authority.ts";
import type { TransparencyLog } from "./transparency-log.ts";
import { type TrustedRootJson, trustedRootOf } from "./trusted-root.ts";

/** How a throwaway Sigstore is set up. */
export interface SigstoreOptions {
  /** When everything happens. Default: frozen at `FROZEN_TIME`. */
  readonly clock?: () => Date;
}

/** Whom a keyless certificate names. */
export interface IdentityOptions {
  /** A URI or an email address, or any alternative names. Default: a GitHub workflow of acme/app. */
  readonly subject?: string | readonly AlternativeName[];
  /** Default GitHub Actions. Empty: no issuer extension. */
  readonly issuer?: string;
  /** Fulcio's extensions by Kyverno's name (`githubWorkflowRepository`) or OID. */
  readonly extensions?: Readonly<Record<string, string>>;
  /** Default: a fresh P-256 key. */
  readonly key?: SigningKey;
  /** When it is issued. It lives ten minutes. Default: the clock. */
  readonly at?: Date;
  /** Which CT logs see it. Default: this Sigstore's. Empty: none. */
  readonly ctLogs?: readonly CtLog[];
  /** The last word on the certificate. */
  readonly edit?: (spec: LeafSpec) => LeafSpec;
}

/** A whole Sigstore in memory: certificate authority, CT log, Rekor v1 and v2, timestamp authority. */
export interface Sigstore {
  readonly clock: () => Date;
  readonly fulcio: CertificateAuthority;
  readonly ctLog: CtLog;
  readonly rekor: TransparencyLog;
  readonly rekorV2: TransparencyLog;
  readonly timestampAuthority: TimestampAuthority;
  /** A signer with a certificate of ten minutes, logging to Rekor v1. */
  identity(options?: IdentityOptions): Signer;
  /** The text of `trusted_root.json`; `edit` may break it first. */
  trustedRoot(edit?: (root: TrustedRootJson) => unknown): string;
  /** The same as PEM, for a policy's `roots`, `rekor.pubkey`, `ctlog.pubkey`, `ctlog.tsaCertChain`. */
  readonly pem: {
    readonly roots: string;
    readonly rekor: string;
    readonly ctlog: string;
    readonly tsaCertChain: string;
  };
}

/** The workflow that signs unless told otherwise. */
export const GITHUB_SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
/** The issuer of GitHub Actions' tokens. */
export const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";

/** A throwaway Sigstore. Nothing of it outlives the object. */
export function createSigstore(options: SigstoreOptions = {}): Sigstore {
  const clock = options.clock ?? (() => new Date(FROZEN_TIME));
  const fulcio = createAuthority({
    ...{ name: "fulcio", rootKey: "p384", intermediateKey: "p384", extendedKeyUsage: ["codeSigning"] },
  });
  const ctLog = createCtLog();
  const rekor = createRekor({ clock });
  const rekorV2 = createRekorV2({ clock });
  const timestampAuthority = createTimestampAuthority({ clock });
  const parts = {
    ...{ authorities: [fulcio.chain], logs: [rekor, rekorV2], ctLogs: [ctLog] },
    timestampAuthorities: [timestampAuthority.chain],
  };
  return {
    ...{ clock, fulcio, ctLog, rekor, rekorV2, timestampAuthority },
    identity: (identity = {}) => issueIdentity({ fulcio, ctLog, rekor, clock }, identity),
    trustedRoot: (edit = (root) => root) => JSON.stringify(edit(trustedRootOf(parts)), undefined, 1),
    pem: {
      roots: fulcio.pem,
      rekor: rekor.key.pem,
      ctlog: ctLog.key.pem,
      tsaCertChain: timestampAuthority.pem,
    },
  };
}

const TEN_MINUTES = 10 * 60 * 1000;

function issueIdentity(
  world: Pick<Sigstore, "fulcio" | "ctLog" | "rekor" | "clock">,
  options: IdentityOptions,
): Signer {
  const at = options.at ?? world.clock();
  const ctLogs = options.ctLogs ?? [world.ctLog];
  const spec: LeafSpec = {
    notBefore: at,
    notAfter: new Date(at.getTime() + TEN_MINUTES),
    alternativeNames: namesOf(options.subject ?? GITHUB_SUBJECT),
    extensions: fulcioExtensions(options.issuer ?? GITHUB_ISSUER, options.extensions ?? {}),
    scts: (precertificate, issuerKeyHash) =>
      ctLogs.length === 0
        ? undefined
        : sctExtension(ctLogs.map((log) => log.sign(precertificate, issuerKeyHash, at))),
  };
  const signer = world.fulcio.certify(options.key ?? createKey(), options.edit?.(spec) ?? spec);
  return { ...signer, log: world.rekor };
}

function namesOf(subject: string | readonly AlternativeName[]): readonly AlternativeName[] {
  if (typeof subject !== "string") return subject;
  return [{ kind: subject.includes("://") ? "uri" : "email", value: subject }];
}

const ARC = "1.3.6.1.4.1.57264.1";
const NAMES: Readonly<Record<string, string>> = {
  githubWorkflowTrigger: `${ARC}.2`,
  githubWorkflowSha: `${ARC}.3`,
  githubWorkflowName: `${ARC}.4`,
  githubWorkflowRepository: `${ARC}.5`,
  githubWorkflowRef: `${ARC}.6`,
};
/** The first six are raw text, later ones DER strings: so Fulcio writes them. */
const RAW = new Set([1, 2, 3, 4, 5, 6].map((last) => `${ARC}.${last}`));

/** Fulcio's extensions: the issuer twice (raw and DER), and what else is given. */
export function fulcioExtensions(
  issuer: string,
  more: Readonly<Record<string, string>>,
): readonly ExtensionSpec[] {
  const issuers = issuer === "" ? [] : [`${ARC}.1`, `${ARC}.8`].map((oid) => fulcioExtension(oid, issuer));
  const others = Object.entries(more).map(([name, value]) =>
    fulcioExtension(Object.hasOwn(NAMES, name) ? (NAMES[name] ?? name) : name, value),
  );
  return [...issuers, ...others];
}

function fulcioExtension(oid: string, value: string): ExtensionSpec {
  return { oid, value: RAW.has(oid) ? utf8(value) : der(TAG.utf8String, utf8(value)) };
}
