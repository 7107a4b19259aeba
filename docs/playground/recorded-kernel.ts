// Stands in for `@assay/verify` in the browser: no key, certificate or log is checked here. It answers from the facts
// of a record and says so in every step.
import type { Attestor, Code, Json, JsonObject, Place, Trace } from "@assay/policy";
import type {
  AttestationJudgement,
  Candidate,
  KernelInput,
  ResolvedSet,
  SignatureJudgement,
  StatementCheck,
  UnavailableAttestor,
  VerifiedAttestation,
} from "../../packages/verify/src/index.ts";
import { candidateKey, type RecordedFact, type RecordedFacts, signerKey } from "./recorded-facts.ts";

type Entry = Attestor | UnavailableAttestor;
type Step = "signature" | "statement";
interface Sets {
  readonly sets: readonly ResolvedSet[];
}

let facts: RecordedFacts = { signature: new Map(), statement: new Map() };

/** The record that answers from now on. */
export function useFacts(next: RecordedFacts): void {
  facts = next;
}

export class VerifyError extends Error {
  readonly code = "invalidPolicy";
}

export function parseTrustRoot(json: string): { readonly id: string } {
  return { id: `recorded ${json.length}` };
}

export function predicateTypeOf(name: string): string {
  return name;
}

/** Nothing is read or proven here, so there is nothing to remember. */
export function kernelMemory(): object {
  return {};
}

export function prepareAttestors(sets: readonly ResolvedSet[]): object {
  const repositories = new Set<string | undefined>();
  const collect = (entry: Entry): void => {
    if (entry.kind === "set") for (const inner of entry.entries) collect(inner);
    else repositories.add("repository" in entry ? entry.repository : undefined);
  };
  for (const set of sets) for (const entry of set.entries) collect(entry);
  return { sets, mayNeedTrust: false, repositories: [...repositories], timeless: [], reader: undefined };
}

/** Everything that was asked is in the record. */
const nothingMore = { needsTrust: false, needsEvidence: false, needsManifest: false, needsLog: [] } as const;

export function verifySignatures(sets: Sets, path: string, input: KernelInput): SignatureJudgement {
  const trace = all("attestors", path, sets, (entry) => signatureLeaf(entry, input));
  return { trace, verified: [], ...nothingMore };
}

export function verifyAttestations(
  rule: Place & { readonly type: string },
  sets: Sets,
  check: StatementCheck,
  input: KernelInput,
): AttestationJudgement {
  const verified: VerifiedAttestation[] = [];
  const trace = all("attestation", rule.path, sets, (entry) =>
    statementLeaf(entry, { rule, check, input, verified }),
  );
  return { trace: { ...trace, source: rule.source }, verified, ...nothingMore };
}

function all(step: Trace["step"], path: string, { sets }: Sets, leaf: (entry: Entry) => Trace): Trace {
  const children = sets.map((set) => setTrace(set, leaf));
  const worst = children.find(({ outcome }) => outcome !== "pass");
  return node({ path }, { step, children, ...verdictOf(worst, "every attestor set holds") });
}

function setTrace(set: ResolvedSet, leaf: (entry: Entry) => Trace): Trace {
  const children = set.entries.map((entry) =>
    entry.kind === "set" ? setTrace(entry as ResolvedSet, leaf) : leaf(entry),
  );
  const count = set.count ?? children.length;
  const passed = children.filter(({ outcome }) => outcome === "pass").length;
  const worst =
    passed >= count
      ? undefined
      : (children.find(({ outcome }) => outcome === "error") ??
        children.find(({ outcome }) => outcome === "fail"));
  return node(set, {
    step: "attestorSet",
    children,
    ...verdictOf(worst, `${passed} of ${count} required attestors hold`),
  });
}

function signatureLeaf(entry: Entry, input: KernelInput): Trace {
  const known = factsOf(entry, "signature");
  if (known === undefined) return unrecorded(entry);
  const children = candidatesOf(entry, input).flatMap((candidate) => {
    const fact = known.get(candidateKey(candidate.origin));
    return fact === undefined ? [] : [recorded("signature", entry, fact)];
  });
  const good = children.some(({ outcome }) => outcome === "pass");
  if (good)
    return node(entry, {
      step: "attestor",
      children,
      ...verdictOf(undefined, "verified image signature (of the record)"),
    });
  const message =
    children.length === 0
      ? "failed to verify signature: no signatures found"
      : "failed to verify signature: no matching signatures";
  return node(entry, {
    step: "attestor",
    children,
    outcome: "fail",
    code: children[0]?.code ?? "notSigned",
    message,
  });
}

interface StatementQuestion {
  readonly rule: { readonly type: string };
  readonly check: StatementCheck;
  readonly input: KernelInput;
  readonly verified: VerifiedAttestation[];
}

function statementLeaf(entry: Entry, { rule, check, input, verified }: StatementQuestion): Trace {
  const known = factsOf(entry, "statement");
  if (known === undefined) return unrecorded(entry);
  const children = candidatesOf(entry, input).flatMap((candidate) => {
    const fact = known.get(candidateKey(candidate.origin));
    const statement = fact === undefined ? undefined : readStatement(candidate);
    if (fact === undefined || statement === undefined || statement["predicateType"] !== rule.type) return [];
    if (!fact.verified) return [recorded("statement", entry, fact)];
    const attestation = attestationOf(entry, statement, { candidate, fact });
    verified.push(attestation);
    const conditions = check(attestation);
    return [
      {
        ...recorded("statement", entry, fact),
        ...verdictOf(conditions, conditions.message),
        children: [conditions],
      },
    ];
  });
  const worst = children.find(({ outcome }) => outcome !== "pass");
  if (children.length > 0)
    return node(entry, {
      step: "attestor",
      children,
      ...verdictOf(worst, "verified image attestations (of the record)"),
    });
  const message = `attestations not found for predicate type \`${rule.type}\` among what the record verified`;
  return node(entry, { step: "attestor", children, outcome: "fail", code: "predicateTypeMissing", message });
}

function factsOf(entry: Entry, step: Step): ReadonlyMap<string, RecordedFact> | undefined {
  return (
    facts[step].get(signerKey(entry)) ??
    (step === "statement" ? facts.signature.get(signerKey(entry)) : undefined)
  );
}

function candidatesOf(entry: Entry, input: KernelInput): readonly Candidate[] {
  return input.evidence("repository" in entry ? entry.repository : undefined).candidates;
}

function unrecorded(entry: Entry): Trace {
  const message =
    "the record holds nothing about this signer: record again with this policy (`assay record`)";
  return node(entry, { step: "attestor", outcome: "error", code: "keyUnavailable", message, children: [] });
}

function recorded(step: Step, entry: Entry, fact: RecordedFact): Trace {
  const outcome = fact.verified ? "pass" : "fail";
  const code: Code = fact.verified ? "ok" : fact.code;
  return node(entry, {
    step,
    outcome,
    code,
    message: `of the record: ${fact.message}`,
    facts: fact.facts,
    children: [],
  });
}

function attestationOf(
  entry: Entry,
  statement: JsonObject,
  { candidate, fact }: { readonly candidate: Candidate; readonly fact: RecordedFact },
): VerifiedAttestation {
  const text = (name: string): string => String(fact.facts[name] ?? "");
  return {
    attestor: entry.path,
    signer: {
      kind: entry.kind === "keyless" ? "keyless" : "key",
      keyId: text("keyId"),
      subject: text("subject"),
      issuer: text("issuer"),
      verifiedTimes: [],
    },
    statementType: String(statement["_type"]),
    predicateType: String(statement["predicateType"]),
    subject: (statement["subject"] ?? []) as readonly JsonObject[],
    predicate: (statement["predicate"] ?? null) as Json,
    origin: candidate.origin,
  };
}

function readStatement(candidate: Candidate): JsonObject | undefined {
  try {
    if (candidate.kind === "unreadable") return undefined;
    const text = new TextDecoder().decode(candidate.kind === "legacy" ? candidate.payload : candidate.bytes);
    const document = JSON.parse(text) as { payload?: string; dsseEnvelope?: { payload?: string } };
    const payload = document.payload ?? document.dsseEnvelope?.payload;
    if (payload === undefined) return undefined;
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as JsonObject;
  } catch {
    return undefined;
  }
}

function verdictOf(worst: Trace | undefined, message: string): Pick<Trace, "outcome" | "code" | "message"> {
  return worst === undefined || worst.outcome === "pass"
    ? { outcome: "pass", code: "ok", message }
    : { outcome: worst.outcome, code: worst.code, message: worst.message };
}

function node(
  { path, source }: { readonly path: string; readonly source?: Place["source"] },
  rest: Omit<Trace, "path" | "source">,
): Trace {
  return { path, ...(source === undefined ? {} : { source }), ...rest };
}
