import type { Attestor, CertificateAttestor, KeyAttestor, KeylessAttestor } from "@assay/policy";
import { RE2JS } from "re2js";
import { factCache } from "../fact-cache.ts";
import type { ResolvedSet, UnavailableAttestor } from "../kernel.ts";
import { type KernelMemory, kernelMemory, type SignerAttestor } from "../kernel-memory.ts";
import {
  isPinned,
  mustBeIssued,
  type PreparedAttestor,
  type PreparedSet,
  type PreparedSets,
  type PreparedSigner,
  type SignerDemand,
  type SignerRule,
} from "../proof/prepared.ts";
import type { HashName } from "../signer/algorithms.ts";
import { certificatePaths, usage } from "../signer/certificate-chain.ts";
import { extensionNames, type IdentityMatcher, wildcard } from "../signer/identity.ts";
import { hashesOfKey, type PublicKey, parsePublicKeys } from "../signer/public-key.ts";
import {
  invalid,
  policyCertificates,
  policyChain,
  policyCtLogs,
  policyLogs,
  policyRoots,
  policyTimestampAuthority,
} from "../trust/policy-trust.ts";
import { checkAttestors } from "./check-attestors.ts";

const maxEntries = 256;
const maxDepth = 16;
const maxPatternLength = 4096;
const hashNames: readonly HashName[] = ["sha224", "sha256", "sha384", "sha512"];

/**
 * Makes ready what the policy asks: parses every PEM, regexp and count once. Several PEM keys in one entry become
 * entries, and are counted as such. Throws `VerifyError` `invalidPolicy` with the field path where the policy makes no
 * sense: a key or certificate that cannot be read or is too weak, a regexp that is none, a count that can never be
 * reached, a keyless entry that would accept anybody, an unknown certificate extension. Attestors that are prepared with
 * the same `memory` share what is read and proven.
 */
export function prepareAttestors(
  sets: readonly ResolvedSet[],
  memory: KernelMemory = kernelMemory(),
): PreparedSets {
  checkAttestors(sets);
  // guard: policy-no-attestors
  if (sets.length === 0) invalid("", "no attestors: nobody would have to sign");
  const prepared = sets.map((set) => prepareSet(set, 0, memory));
  const leaves = prepared.flatMap(leavesOf);
  const signers = leaves.filter((leaf) => leaf.kind === "signer");
  return Object.freeze({
    sets: Object.freeze(prepared),
    mayNeedTrust: signers.some(needsTrust),
    repositories: [...new Set(leaves.map(({ repository }) => repository))],
    timeless: signers.filter(isTimeless).map(({ path }) => path),
    reader: memory.reader,
  });
}

function leavesOf(attestor: PreparedAttestor): readonly Exclude<PreparedAttestor, PreparedSet>[] {
  return attestor.kind === "set" ? attestor.entries.flatMap(leavesOf) : [attestor];
}

function needsTrust(demand: PreparedSigner): boolean {
  const { signer, log, ctLog, timestampAuthority } = demand;
  return (
    log === "trust" ||
    (signer.kind === "keyless" && signer.pool === "trust") ||
    (ctLog === "trust" && mustBeIssued(demand)) ||
    // It may come with timestamps, of which only the trust root could know whose they are.
    (!isPinned(demand) && timestampAuthority === undefined)
  );
}

/** Nothing could ever vouch for the time of such a signature. */
function isTimeless(demand: PreparedSigner): boolean {
  return isPinned(demand) && demand.log === "ignore" && demand.timestampAuthority === undefined;
}

function prepareSet(set: ResolvedSet, depth: number, memory: KernelMemory): PreparedSet {
  // guard: policy-depth
  if (depth > maxDepth) invalid(set.path, `attestors are nested deeper than ${maxDepth} levels`);
  const entries = set.entries.flatMap((entry) => prepareEntry(entry, depth, memory));
  // guard: policy-no-entries
  if (entries.length === 0) invalid(set.path, "attestor set has no entries: nobody would have to sign");
  if (entries.length > maxEntries) invalid(set.path, `attestor set has more than ${maxEntries} entries`);
  const count = set.count ?? entries.length;
  // guard: policy-count-zero
  if (!Number.isInteger(count) || count < 1)
    invalid(`${set.path}.count`, `count is ${count}: it must be at least 1`);
  // guard: policy-count
  if (count > entries.length)
    invalid(`${set.path}.count`, `count is ${count}, but there are only ${entries.length} entries`);
  return Object.freeze({
    kind: "set",
    ...placeOf(set),
    count,
    isThreshold: set.count !== undefined,
    entries,
  });
}

function placeOf({
  path,
  source,
}: {
  path: string;
  source: PreparedSet["source"];
}): Pick<PreparedSet, "path" | "source"> {
  return { path, source };
}

function prepareEntry(
  entry: Attestor | UnavailableAttestor,
  depth: number,
  memory: KernelMemory,
): readonly PreparedAttestor[] {
  switch (entry.kind) {
    case "set":
      return [prepareSet(entry, depth + 1, memory)];
    case "unavailable":
      return [
        Object.freeze({ kind: "unavailable", ...placeOf(entry), code: entry.code, message: entry.message }),
      ];
    case "key":
    case "certificate":
    case "keyless":
      return memory.demandsOf(entry, () => demandsOf(entry)).map((demand) => signerOf(entry, demand));
  }
}

function signerOf(entry: SignerAttestor, demand: SignerDemand): PreparedSigner {
  return Object.freeze({
    kind: "signer",
    ...placeOf(entry),
    ...(entry.repository === undefined ? {} : { repository: entry.repository }),
    annotations: entry.annotations,
    ...demand,
  });
}

function demandsOf(entry: SignerAttestor): readonly SignerDemand[] {
  switch (entry.kind) {
    case "key":
      return keysOf(entry).map((key) => demandOf(entry, { kind: "key", key, hashes: hashesOf(entry) }));
    case "certificate":
      return [demandOf(entry, certificateRule(entry))];
    case "keyless":
      return [demandOf(entry, keylessRule(entry))];
  }
}

function demandOf({ path, rekor, ctlog }: SignerAttestor, signer: SignerRule): SignerDemand {
  return {
    signer,
    log: rekor?.ignoreTlog
      ? "ignore"
      : rekor?.pubkey
        ? policyLogs(rekor.pubkey, rekor.url, `${path}.rekor.pubkey`)
        : "trust",
    ...(rekor?.url === undefined ? {} : { logUrl: rekor.url }),
    ctLog: ctlog?.ignoreSCT
      ? "ignore"
      : ctlog?.pubkey
        ? policyCtLogs(ctlog.pubkey, `${path}.ctlog.pubkey`)
        : "trust",
    timestampAuthority: ctlog?.tsaCertChain
      ? policyTimestampAuthority(ctlog.tsaCertChain, `${path}.ctlog.tsaCertChain`)
      : undefined,
    cache: factCache(),
    proofs: { first: new WeakMap(), last: new WeakMap() },
  };
}

function keysOf({ publicKeys, path }: KeyAttestor): readonly PublicKey[] {
  if (publicKeys === undefined)
    return invalid(path, "key has no PEM text: a KMS or Secret reference was not resolved");
  const keys = parsePublicKeys(publicKeys);
  return typeof keys === "string" ? invalid(`${path}.publicKeys`, keys) : keys;
}

function hashesOf({ signatureAlgorithm, path }: KeyAttestor): readonly HashName[] {
  const known = hashNames.includes(signatureAlgorithm);
  return known
    ? [signatureAlgorithm]
    : invalid(`${path}.signatureAlgorithm`, `invalid signature algorithm provided \`${signatureAlgorithm}\``);
}

function certificateRule({ cert, certChain, path }: CertificateAttestor): SignerRule {
  const pool = certChain ? (cert ? policyChain : policyRoots)(certChain, `${path}.certChain`) : undefined;
  if (!cert) {
    return pool ? { kind: "authority", pool } : invalid(path, "cert or certChain required");
  }
  const [certificate, ...others] = policyCertificates(cert, `${path}.cert`, 1);
  if (certificate === undefined || others.length > 0)
    return invalid(`${path}.cert`, "cert must hold one certificate");
  const hashes: readonly HashName[] = hashesOfKey(certificate.key);
  if (pool === undefined) return { kind: "certificate", certificate, hashes };
  const question = { pools: [pool], untrusted: [], usage: usage.codeSigning, cache: factCache(64) };
  const [issued] = certificatePaths(certificate, question);
  if (issued === undefined) invalid(`${path}.certChain`, "certificate was not issued by certChain");
  return { kind: "certificate", certificate, hashes, pool };
}

function keylessRule(entry: KeylessAttestor): SignerRule {
  const { subject, subjectRegExp, issuer, issuerRegExp, path } = entry;
  // Kyverno takes "" for "not given"; a matcher that asks for nothing would accept everybody with any account.
  // guard: policy-anybody
  if (!subject && !subjectRegExp && !issuer && !issuerRegExp) {
    invalid(path, "keyless entry has neither subject nor issuer: any identity would be accepted");
  }
  const identity: IdentityMatcher = {
    ...(subject ? { subject: wildcard(pattern(subject, `${path}.subject`)) } : {}),
    ...(subjectRegExp ? { subjectRegExp: regexp(subjectRegExp, `${path}.subjectRegExp`) } : {}),
    ...(issuer ? { issuer: wildcard(pattern(issuer, `${path}.issuer`)) } : {}),
    ...(issuerRegExp ? { issuerRegExp: regexp(issuerRegExp, `${path}.issuerRegExp`) } : {}),
    ...(entry.bothSubjects ? { bothSubjects: true } : {}),
    extensions: Object.fromEntries(
      Object.entries(entry.additionalExtensions).map(([name, value]) => [
        extensionOid(name, path),
        wildcard(pattern(value, `${path}.additionalExtensions.${name}`)),
      ]),
    ),
  };
  return {
    kind: "keyless",
    identity,
    pool: entry.roots ? policyRoots(entry.roots, `${path}.roots`) : "trust",
  };
}

function pattern(text: string, path: string): string {
  return text.length > maxPatternLength
    ? invalid(path, `pattern is longer than ${maxPatternLength} characters`)
    : text;
}

/** RE2 as in Go: unanchored, linear time. */
function regexp(text: string, path: string): NonNullable<IdentityMatcher["subjectRegExp"]> {
  try {
    const compiled = RE2JS.compile(pattern(text, path));
    return { text, test: (subject) => compiled.test(subject) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "unknown form";
    return invalid(path, `invalid regexp: ${text}: ${reason}`, cause);
  }
}

function extensionOid(name: string, path: string): string {
  if (Object.hasOwn(extensionNames, name)) return extensionNames[name] ?? name;
  if (Object.values(extensionNames).includes(name)) return name;
  return invalid(`${path}.additionalExtensions`, `invalid certificate extension \`${name}\``);
}
