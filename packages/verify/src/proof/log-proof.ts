import { digestOf } from "../digest-memo.ts";
import type { EvidenceSignature } from "../evidence/evidence-signature.ts";
import type { LogEntry } from "../evidence/log-entry.ts";
import type { CheckedSignature } from "../evidence/signed-content.ts";
import { findLogEntries, isSearchable, logUrls } from "../log/log-lookup.ts";
import { checkTransparencyLog, type LoggedFacts, type TransparencyLog } from "../log/transparency-log.ts";
import { refuse } from "../refusal.ts";
import type { Certificate } from "../signer/certificate.ts";
import type { PublicKey } from "../signer/public-key.ts";
import { trustedPaths } from "./certificate-proof.ts";
import type { PreparedSigner } from "./prepared.ts";
import { fromTrust, type ProofInput } from "./proof-input.ts";

/** A signature that verified, and by what its log entries are judged. */
export interface LogProofInput {
  readonly signer: PreparedSigner;
  readonly key: PublicKey;
  /** The certificate that must prove itself, where there is one. */
  readonly certificate?: Certificate;
  readonly checked: CheckedSignature;
  readonly input: ProofInput;
}

const missing = "signature not found in transparency log: it comes with no log entry";

/**
 * Proves that a trusted log holds the signature, where the policy wants that: by the entries that came along, or, where
 * none did and logs may be asked, by those that a log has. Both are held to the same.
 */
export function checkLog(signature: EvidenceSignature, proof: LogProofInput): LoggedFacts | undefined {
  const { signer, key, checked, input } = proof;
  if (signer.log === "ignore") return undefined;
  const brought = signature.logEntries;
  const isSearched = input.logLookup !== undefined && isSearchable(signature, checked);
  // guard: log-required
  if (brought.length === 0 && !isSearched) refuse("logMissing", adviseLookup(signature, proof));
  const logs = signer.log === "trust" ? fromTrust(input, "log keys").logs : signer.log;
  const entries = brought.length > 0 ? brought : answeredEntries(signature, proof, logs);
  const { leaf } = signature;
  const logged = {
    content: signature.content,
    signature: signature.signature,
    signedDigest: checked.signedDigest,
    payloadDigest: signature.content.kind === "dsse" ? digestOf(signature.content.payload) : undefined,
    hash: checked.hash,
    signer: key,
    ...(leaf === undefined ? {} : { certificate: leaf.der }),
  };
  const facts = checkTransparencyLog(entries, logs, logged, input.now);
  // Anybody may log a signature once more, later: of a log's answers the earliest tells the time, as in cosign.
  return brought.length > 0 ? facts : { ...facts, times: facts.times.slice(0, 1) };
}

function adviseLookup(signature: EvidenceSignature, { checked }: LogProofInput): string {
  if (!isSearchable(signature, checked)) return missing;
  return `${missing}, and the log was not asked (\`logLookup: whenMissing\` asks it)`;
}

/**
 * The entries that logs answered with, earliest first. A certificate must lead to a trusted authority first: who can
 * push to a registry must not make us ask a log as often as they like.
 */
function answeredEntries(
  signature: EvidenceSignature,
  { signer, key, certificate, checked, input }: LogProofInput,
  logs: readonly TransparencyLog[],
): readonly LogEntry[] {
  if (input.logLookup === undefined) return [];
  if (certificate !== undefined) trustedPaths(certificate, { signature, signer, input });
  const urls = logUrls(signer.logUrl, logs);
  const found = findLogEntries({ signature, checked, key, urls }, input.logLookup);
  if (found.length > 0) return found;
  const places = urls.map((url) => `\`${url}\``).join(", ");
  return refuse("logMissing", `${missing}, and ${places} has none either`);
}
