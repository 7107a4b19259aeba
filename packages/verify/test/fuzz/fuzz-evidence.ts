import { isDeepStrictEqual } from "node:util";
import { parseDigest } from "@assay/image";
import type { Trace } from "@assay/policy";
import {
  type Candidate,
  type Evidence,
  type KernelInput,
  type PreparedSets,
  parseTrustRoot,
  prepareAttestors,
  type ResolvedSet,
  type VerifiedAttestation,
  VerifyError,
  verifyAttestations,
  verifySignatures,
} from "@assay/verify";
import { parseSigstoreBundle } from "../../src/evidence/sigstore-bundle.ts";
import { Refusal } from "../../src/refusal.ts";
import { parseCertificate } from "../../src/signer/certificate.ts";
import { parseTimestampToken } from "../../src/time/timestamp-token.ts";
import { fixtureEvidence, fixtureText, fixtureTrust } from "../fixtures.ts";
import { fixtureKey, keyless, keylessByTrust, set } from "../policy.ts";
import { fuzzBundle, loadBundles } from "./fuzz-bundles.ts";
import { mutateBytes } from "./mutate.ts";
import { type Random, random } from "./random.ts";

const now = new Date("2026-11-23T18:00:00Z");
const slsa = "https://slsa.dev/provenance/v0.2";
const rekor = { ignoreTlog: false, pubkey: fixtureText("trust/rekor.pub") };
const tsa = {
  ignoreSCT: false,
  pubkey: fixtureText("trust/ctlog.pub"),
  tsaCertChain: fixtureText("trust/tsa-chain.pem"),
};
const elsewhere = parseDigest(`sha256:${"0".repeat(64)}`);

/** A real image with an attestor that accepts it and one that must never do. */
interface Seed {
  readonly evidence: Evidence;
  readonly accepting: () => PreparedSets;
  readonly refusing: () => PreparedSets;
  readonly attestation: VerifiedAttestation | undefined;
}

const seeds: readonly (readonly [string, ResolvedSet, ResolvedSet])[] = [
  ["key-ecdsa", set([fixtureKey("cosign")]), set([fixtureKey("other")])],
  ["bundle-ecdsa", set([fixtureKey("cosign")]), set([fixtureKey("other")])],
  ["key-tlog", set([fixtureKey("cosign", { rekor })]), set([fixtureKey("rsa", { rekor })])],
  ["bundle-tlog", set([fixtureKey("cosign", { rekor })]), set([fixtureKey("other", { rekor })])],
  ["kl-sig", set([keyless()]), set([keyless({ subject: "https://github.com/evil/*" })])],
  ["klb-sig", set([keylessByTrust()]), set([keylessByTrust({ issuer: "https://other" })])],
  [
    "kl-tsa",
    set([keyless({ ctlog: tsa })]),
    set([keyless({ ctlog: tsa, subjectRegExp: "evil", subject: "evil" })]),
  ],
  ["klb-tsaonly", set([keyless({ rekor: { ignoreTlog: true }, ctlog: tsa })]), set([fixtureKey("cosign")])],
  ["key-att3", set([fixtureKey("cosign")]), set([fixtureKey("other")])],
  ["bundle-att3", set([fixtureKey("cosign")]), set([fixtureKey("other")])],
  ["kl-att3", set([keyless()]), set([keyless({ subject: "https://github.com/evil/*" })])],
];

/** What went wrong, and how to see it again. */
export interface Finding {
  readonly seed: number;
  readonly what: string;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly allowed: number;
  readonly findings: readonly Finding[];
}

function loadSeeds(): readonly Seed[] {
  return seeds.map(([name, accepted, refused]) => {
    const evidence = fixtureEvidence(name);
    const [accepting, refusing] = [prepareAttestors([accepted]), prepareAttestors([refused])];
    const seed = { evidence, accepting: () => accepting, refusing: () => refusing };
    return { ...seed, attestation: judgeAttestation(evidence, accepting).verified[0] };
  });
}

const passing: Trace = {
  step: "conditions",
  path: "",
  outcome: "pass",
  code: "ok",
  message: "",
  children: [],
};

function inputOf(evidence: Evidence, digest = evidence.digest): KernelInput {
  return { digest, evidence: () => evidence, now, trust };
}

const trust = fixtureTrust();

function judgeAttestation(
  evidence: Evidence,
  sets: PreparedSets,
  digest = evidence.digest,
): ReturnType<typeof verifyAttestations> {
  const rule = { type: slsa, quantifier: "all", path: "", source: { file: "", line: 1, column: 1 } } as const;
  return verifyAttestations(rule, sets, () => passing, inputOf(evidence, digest));
}

/**
 * Changes real evidence in `count` ways (or until `stop` says so), and looks for what must never be: an exception, a
 * failure of ours called `internal`, a refusal that turned into a pass, an acceptance of changed contents, or a hang.
 */
export function fuzzEvidence(start: number, count: number, stop: () => boolean = () => false): FuzzReport {
  const [all, bundles] = [loadSeeds(), loadBundles()];
  const findings: Finding[] = [];
  let [inputs, allowed] = [0, 0];
  for (let seed = start; seed < start + count && !stop(); seed++) {
    inputs++;
    const began = process.cpuUsage();
    try {
      if (seed % 10 === 0) fuzzParsers(all, random(seed));
      else if (seed % 10 === 5) fuzzBundle(bundles, random(seed));
      else allowed += fuzzSeed(all, random(seed));
    } catch (error) {
      findings.push({ seed, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    // Processor time: a busy machine is no hang.
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1000;
    if (took > 2000) findings.push({ seed, what: `took ${Math.round(took)} ms of a processor` });
  }
  return { inputs, allowed, findings };
}

function fuzzSeed(all: readonly Seed[], rng: Random): number {
  const [first, ...others] = all;
  if (first === undefined) return 0;
  const seed = rng.pick([first, ...others]);
  const evidence = mutateEvidence(seed.evidence, rng.pick([first, ...others]).evidence, rng);
  const judgements = [
    verifySignatures(seed.refusing(), "", inputOf(evidence)),
    judgeAttestation(evidence, seed.refusing()),
    verifySignatures(seed.accepting(), "", inputOf(evidence, elsewhere)),
    judgeAttestation(evidence, seed.accepting(), elsewhere),
  ];
  for (const { trace } of judgements) {
    checkTrace(trace);
    if (trace.outcome === "pass") throw new Error(`a refusal turned into a pass: ${JSON.stringify(trace)}`);
  }
  const signature = verifySignatures(seed.accepting(), "", inputOf(evidence));
  const attestation = judgeAttestation(evidence, seed.accepting());
  checkTrace(signature.trace);
  checkTrace(attestation.trace);
  for (const { predicate } of attestation.verified) {
    if (!isDeepStrictEqual(predicate, seed.attestation?.predicate))
      throw new Error("a changed predicate was accepted");
  }
  return Number(signature.trace.outcome === "pass") + Number(attestation.trace.outcome === "pass") > 0
    ? 1
    : 0;
}

function checkTrace(trace: Trace): void {
  if (trace.code === "internal") throw new Error(`internal: ${trace.message}`);
  trace.children.forEach(checkTrace);
}

function mutateEvidence(evidence: Evidence, donor: Evidence, rng: Random): Evidence {
  const mixed = rng.chance(0.1) ? [...evidence.candidates, ...donor.candidates] : evidence.candidates;
  const candidates = mixed.map((candidate) =>
    rng.chance(0.85) ? mutateCandidate(candidate, donor, rng) : { ...candidate },
  );
  return { ...evidence, candidates };
}

function mutateCandidate(candidate: Candidate, donor: Evidence, rng: Random): Candidate {
  if (candidate.kind === "unreadable") return candidate;
  if (candidate.kind === "bundle")
    return { ...candidate, bytes: mutateBytes(Buffer.from(candidate.bytes), rng) };
  const names = Object.keys(candidate.annotations);
  const name = names[rng.below(names.length + 1)];
  if (name === undefined) return { ...candidate, payload: mutateBytes(Buffer.from(candidate.payload), rng) };
  const given = donor.candidates.find((other) => other.kind === "legacy");
  const value =
    rng.chance(0.1) && given?.kind === "legacy"
      ? (given.annotations[name] ?? "")
      : mutateText(candidate.annotations[name] ?? "", rng);
  return { ...candidate, annotations: { ...candidate.annotations, [name]: value } };
}

function mutateText(text: string, rng: Random): string {
  const base64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return base64
    ? mutateBytes(Buffer.from(text, "base64"), rng).toString("base64")
    : mutateBytes(Buffer.from(text), rng).toString("utf8");
}

/** Parsers by themselves, with bytes that the checks in front of them would mostly hold back. */
function fuzzParsers(all: readonly Seed[], rng: Random): void {
  const root = fixtureText("trust/trusted_root.json");
  allowing(VerifyError, () => parseTrustRoot(mutateBytes(Buffer.from(root), rng).toString("utf8")));
  for (const { evidence } of all) {
    const bundle = evidence.candidates.find((candidate) => candidate.kind === "bundle");
    if (bundle?.kind !== "bundle") continue;
    const { certificates, timestamps } = parseSigstoreBundle(
      Buffer.from(bundle.bytes),
      bundle.origin,
      parseCertificate,
    );
    for (const der of certificates) allowing(Refusal, () => parseCertificate(mutateBytes(der, rng)));
    for (const der of timestamps) allowing(Refusal, () => parseTimestampToken(mutateBytes(der, rng)));
  }
}

function allowing(kind: typeof Refusal | typeof VerifyError, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
  }
}
