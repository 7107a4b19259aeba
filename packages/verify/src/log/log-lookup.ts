import type { Code } from "@assay/policy";
import { writePem } from "../encoding/pem.ts";
import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import type { LogEntry } from "../evidence/log-entry.ts";
import type { CheckedSignature } from "../evidence/signed-content.ts";
import { Refusal, refuse } from "../refusal.ts";
import type { PublicKey } from "../signer/public-key.ts";
import { readLogAnswer } from "./log-answer.ts";
import type { TransparencyLog } from "./transparency-log.ts";

/** What a Rekor v1 log is asked: has it an entry that is one of these? */
export interface LogQuestion {
  readonly url: string;
  /** JSON text of the list of proposed entries: equal questions are equal texts. */
  readonly entries: string;
}

/** What came of a question. */
export type LogAnswer =
  /** It was not asked yet. */
  | { readonly kind: "pending" }
  /** The text of the log's answer: unverified, whoever sent it. */
  | { readonly kind: "answered"; readonly json: string }
  | { readonly kind: "failed"; readonly code: LogFailureCode; readonly message: string };

/** Why there is no answer. What was sent, but breaks a limit, is a reason to fail; the others are reasons not to know. */
export type LogFailureCode = Extract<
  Code,
  "unauthorized" | "rateLimited" | "unavailable" | "timeout" | "tooLarge" | "tooMany"
>;

/** The answers that are at hand. Equal questions have equal answers. */
export type LogLookup = (question: LogQuestion) => LogAnswer;

/** A signature without a log entry, which verified with `key`, and the logs that may have seen it. */
export interface Unlogged {
  readonly signature: EvidenceSignature;
  readonly checked: CheckedSignature;
  readonly key: PublicKey;
  readonly urls: readonly string[];
}

/** Leaves the candidate until its questions were asked. */
export class PendingLog extends Refusal {
  readonly questions: readonly LogQuestion[];

  constructor(questions: readonly LogQuestion[]) {
    super("unavailable", "the transparency log was not asked yet");
    this.questions = questions;
  }
}

/** Kyverno's default (api/kyverno/v1/image_verification_types.go, `rekor.url`), which the policy need not have written. */
const publicLog = "https://rekor.sigstore.dev";
/** Twice as much is sent for an attestation, once for each kind of entry. */
const maxEnvelopeBytes = 4 * 1024 * 1024;

/**
 * Which logs to ask: the policy's, else those whose keys are trusted, else the one that Kyverno would ask. Where another
 * log is trusted than Sigstore's, nothing is told to Sigstore's: no entry of it would count.
 */
export function logUrls(policyUrl: string | undefined, logs: readonly TransparencyLog[]): readonly string[] {
  if (policyUrl !== undefined && policyUrl !== publicLog) return [policyUrl];
  const known = logs.filter((log) => log.baseUrl !== "" && isVersion1(log)).map(({ baseUrl }) => baseUrl);
  return known.length === 0 ? [publicLog] : [...new Set(known)];
}

/** A v1 log goes by the hash of its key. A v2 log goes by its name too, and cannot be searched. */
function isVersion1({ logId, key }: TransparencyLog): boolean {
  return logId !== undefined && `sha256:${logId.toString("hex")}` === key.keyId;
}

/**
 * The entries that logs have of a signature which brought none, earliest first. They are as unproven as entries that
 * came along: the caller checks each. None: no log has any. Refuses where nobody can tell.
 */
export function findLogEntries(unlogged: Unlogged, lookup: LogLookup): readonly LogEntry[] {
  const entries = proposedEntries(unlogged);
  const asked = unlogged.urls.map((url) => ({
    question: { url, entries },
    answer: lookup({ url, entries }),
  }));
  const pending = asked.filter(({ answer }) => answer.kind === "pending");
  if (pending.length > 0) throw new PendingLog(pending.map(({ question }) => question));
  const found = asked.flatMap(({ answer }) => (answer.kind === "answered" ? readLogAnswer(answer.json) : []));
  if (found.length > 0) return found.sort((a, b) => timeOf(a) - timeOf(b));
  for (const { answer } of asked) {
    // guard: log-answer-failed
    if (answer.kind === "failed")
      refuse(
        answer.code,
        `signature comes with no log entry, and the log could not be asked: ${answer.message}`,
      );
  }
  return [];
}

function timeOf({ entry }: LogEntry): number {
  return Number(entry.integratedTime);
}

/**
 * Whether a log can be asked at all: the envelope of a bundle is not kept as it was logged, and Rekor v1 knows neither
 * SHA-224 nor plain Ed25519 for claims.
 */
export function isSearchable({ content }: EvidenceSignature, { hash }: CheckedSignature): boolean {
  switch (content.kind) {
    case "simpleSigning":
      return hash !== "none" && hash !== "sha224";
    case "dsse":
      return content.envelope !== undefined;
    case "message":
      return false;
  }
}

/**
 * What cosign proposes (pkg/cosign/tlog.go, `proposedEntries`): a `hashedrekord` for a claim, `dsse` and `intoto` for an
 * envelope. INVARIANT: the signature is searchable.
 */
function proposedEntries({ signature, checked, key }: Unlogged): string {
  const { content, leaf } = signature;
  const verifier = (leaf === undefined ? key.pem() : writePem("CERTIFICATE", leaf.der)).toString("base64");
  if (content.kind !== "dsse") {
    const value = checked.signedDigest(checked.hash)?.toString("hex") ?? "";
    const data = { hash: { algorithm: checked.hash, value } };
    const signed = { content: signature.signature.toString("base64"), publicKey: { content: verifier } };
    return proposal([["hashedrekord", { data, signature: signed }]]);
  }
  const bytes = content.envelope ?? Buffer.alloc(0);
  // guard: log-question-size
  if (bytes.length > maxEnvelopeBytes)
    refuse("tooLarge", `envelope is larger than ${maxEnvelopeBytes} bytes: no log is asked for it`);
  const envelope = bytes.toString("utf8");
  return proposal([
    ["dsse", { proposedContent: { envelope, verifiers: [verifier] } }],
    ["intoto", { content: { envelope }, publicKey: verifier }],
  ]);
}

function proposal(entries: readonly (readonly [kind: string, spec: object])[]): string {
  return JSON.stringify(entries.map(([kind, spec]) => ({ apiVersion: "0.0.1", kind, spec })));
}
