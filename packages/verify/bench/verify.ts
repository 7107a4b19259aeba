/**
 * What a verification costs beside the cryptography it needs: CPU time of the whole judgement, and of the bare signature
 * checks inside it, measured in one run so that the machine's load cancels out.
 *
 *   node --conditions=assay:source bench/verify.ts
 */
import { generateKeyPairSync, hash, type KeyObject, sign, verify } from "node:crypto";
import {
  type Evidence,
  prepareAttestors,
  type ResolvedSet,
  verifyAttestations,
  verifySignatures,
} from "@assay/verify";
import { fixtureDigest, fixtureEvidence, fixtureText } from "../test/fixtures.ts";
import { fixtureKey, keyless, set } from "../test/policy.ts";

type Curve = "P-256" | "P-384";

interface Case {
  readonly name: string;
  readonly image: string;
  readonly asked: ResolvedSet;
  /** Signature checks that no verifier can do without, by curve, and digests: of what a log, a proof or an SCT is about. */
  readonly needs: Readonly<Partial<Record<Curve | "SHA-256", number>>>;
  readonly goal?: number;
  /** Predicate type: an attestation. */
  readonly type?: string;
  /** The certificate was never seen: attestors are prepared anew each time, so that no chain or SCT is known. */
  readonly firstSight?: boolean;
  /** Judgements a round. */
  readonly times: number;
}

const now = new Date("2026-11-23T18:00:00Z");
const rekor = { ignoreTlog: false, pubkey: fixtureText("trust/rekor.pub") };
const slsa = "https://slsa.dev/provenance/v0.2";
const rounds = 60;
/** Enough for V8's last compiler, as in a server that has judged some thousand images. */
const warmUps = 180;

const cases: readonly Case[] = [
  {
    times: 50,
    name: "key, legacy",
    image: "key-ecdsa",
    asked: set([fixtureKey("cosign")]),
    needs: { "P-256": 1 },
    goal: 1.5,
  },
  {
    times: 50,
    name: "key, bundle",
    image: "bundle-ecdsa",
    asked: set([fixtureKey("cosign")]),
    needs: { "P-256": 1 },
  },
  {
    times: 50,
    name: "key with log, legacy",
    image: "key-tlog",
    asked: set([fixtureKey("cosign", { rekor })]),
    needs: { "P-256": 2, "SHA-256": 1 },
    goal: 1.5,
  },
  {
    times: 50,
    name: "key with log, bundle",
    image: "bundle-tlog",
    asked: set([fixtureKey("cosign", { rekor })]),
    needs: { "P-256": 3, "SHA-256": 4 },
    goal: 1.5,
  },
  {
    times: 10,
    name: "keyless, legacy, first sight",
    firstSight: true,
    image: "kl-sig",
    asked: set([keyless()]),
    needs: { "P-256": 3, "P-384": 1, "SHA-256": 5 },
  },
  {
    times: 10,
    name: "keyless, bundle, first sight",
    firstSight: true,
    image: "klb-sig",
    asked: set([keyless()]),
    needs: { "P-256": 4, "P-384": 1, "SHA-256": 8 },
    goal: 2,
  },
  {
    times: 10,
    name: "keyless, bundle, certificate seen before",
    image: "klb-sig",
    asked: set([keyless()]),
    needs: { "P-256": 3, "SHA-256": 5 },
  },
  {
    times: 10,
    name: "keyless, attestation, first sight",
    firstSight: true,
    image: "kl-att3",
    asked: set([keyless()]),
    needs: { "P-256": 3, "P-384": 1 },
    type: slsa,
  },
];

function cpu(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

/** The quietest round: what else runs on the machine only ever adds. */
function least(values: readonly number[]): number {
  return Math.min(...values);
}

const message = Buffer.alloc(300, 7);
const keys = new Map<Curve, { readonly publicKey: KeyObject; readonly signature: Buffer }>(
  (["P-256", "P-384"] as const).map((namedCurve) => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
    return [namedCurve, { publicKey, signature: sign("sha256", message, privateKey) }];
  }),
);

function bare(needs: Case["needs"]): void {
  for (const [curve, { publicKey, signature }] of keys) {
    for (let i = 0; i < (needs[curve] ?? 0); i++) verify("sha256", message, publicKey, signature);
  }
  for (let i = 0; i < (needs["SHA-256"] ?? 0); i++) hash("sha256", message);
}

/** Fresh evidence objects: nothing that is remembered by object helps. */
function fresh(image: string): Evidence {
  const evidence = fixtureEvidence(image);
  return { ...evidence, candidates: evidence.candidates.map((candidate) => ({ ...candidate })) };
}

function judge(
  { image, type }: Case,
  prepared: ReturnType<typeof prepareAttestors>,
  evidence: Evidence,
): void {
  const input = { digest: evidence.digest, evidence: () => evidence, now };
  const place = { path: "", source: { file: "", line: 1, column: 1 } };
  const { trace } =
    type === undefined
      ? verifySignatures(prepared, "", input)
      : verifyAttestations({ ...place, type, quantifier: "all" }, prepared, passing, input);
  if (trace.outcome !== "pass") throw new Error(`${image} ${fixtureDigest(image)}: ${trace.message}`);
}

function passing() {
  return { step: "conditions", path: "", outcome: "pass", code: "ok", message: "", children: [] } as const;
}

function measure(one: Case, rounds: number): { readonly whole: number; readonly needed: number } {
  const wholes: number[] = [];
  const neededs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const shared = prepareAttestors([one.asked]);
    judge(one, shared, fresh(one.image));
    const inputs = Array.from({ length: one.times }, () => ({
      prepared: one.firstSight ? prepareAttestors([one.asked]) : shared,
      evidence: fresh(one.image),
    }));
    // In turns: a loop of nothing but signature checks has the processor's caches to itself, and each check is a fifth
    // cheaper than between anything else.
    let [whole, needed] = [0, 0];
    for (const { prepared, evidence } of inputs) {
      whole += cpu(() => judge(one, prepared, evidence));
      needed += cpu(() => bare(one.needs));
    }
    wholes.push(whole);
    neededs.push(needed);
  }
  return { whole: least(wholes) / one.times, needed: least(neededs) / one.times };
}

/** One line a case: microseconds of CPU for the whole and for the bare checks, and their ratio. */
export function benchVerify(print: (line: string) => void): boolean {
  let met = true;
  print("verification                                whole µs  crypto µs  ratio  goal");
  for (const one of cases) {
    measure(one, warmUps);
    const { whole, needed } = measure(one, rounds);
    const ratio = whole / needed;
    if (one.goal !== undefined && ratio > one.goal) met = false;
    const numbers = [
      whole.toFixed(0).padStart(8),
      needed.toFixed(0).padStart(10),
      ratio.toFixed(2).padStart(6),
    ];
    print(`${one.name.padEnd(44)}${numbers.join(" ")}  ${one.goal === undefined ? "" : `≤ ${one.goal}`}`);
  }
  return met;
}

if (import.meta.main) {
  const met = benchVerify((line) => process.stdout.write(`${line}\n`));
  process.exitCode = met || process.env["BENCH_GOALS"] !== "1" ? 0 : 1;
}
