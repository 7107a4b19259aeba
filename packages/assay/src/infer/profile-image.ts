import { Buffer } from "node:buffer";
import type { Answers, Evaluation, EvaluationOptions, Verdict } from "@assay/engine";
import type { Json, Trace } from "@assay/policy";
import type { AssayOptions } from "../assay-options.ts";
import { createAssay } from "../create-assay.ts";
import { exactly } from "../flags/exact-pattern.ts";
import { type ImageQuestion, podOf, policyOf, type Signer } from "../image-question.ts";
import { isJsonObject, jsonObject } from "../json-object.ts";

/** Somebody who really signed: verified, not claimed. */
export type ProvenSigner =
  | { readonly kind: "keyless"; readonly subject: string; readonly issuer: string }
  | { readonly kind: "key"; readonly pem: string; readonly tlog: "require" | "ignore" };

export interface ProvenAttestation {
  readonly type: string;
  readonly signers: readonly ProvenSigner[];
  /** Every statement of the type that hangs on the image. What a policy says of them is proven when it is judged. */
  readonly predicates: readonly Json[];
}

/** What is proven about one image. */
export interface ImageProfile {
  readonly image: string;
  readonly digest: string | undefined;
  readonly signers: readonly ProvenSigner[];
  readonly attestations: readonly ProvenAttestation[];
  /** Why nothing was found, where nothing was. */
  readonly verdict: Verdict;
}

export interface ProfileOptions extends Omit<AssayOptions, "policies"> {
  /** PEM texts of keys that may have signed: a key cannot be learnt from a signature. */
  readonly keyTexts: readonly string[];
  /** Of each of its evaluations. */
  readonly limits: EvaluationOptions;
}

/** A question with a signer left open: anybody, or one of them. */
type Probe = { readonly kind: "anybody" } | ProvenSigner;

const ANYBODY = { identity: { subject: "*", issuer: "*" } };

/** Finds out who signed an image and what was attested about it, by judging it with open questions. */
export async function profileImage(image: string, options: ProfileOptions): Promise<ImageProfile> {
  const open = await judge(
    image,
    { ...ANYBODY, attestations: [{ type: "https://assay.dev/none" }] },
    options,
  );
  const statements = statementsIn(open.answers);
  const probes: Probe[] = [
    { kind: "anybody" },
    ...options.keyTexts.flatMap((pem) => [
      { kind: "key", pem, tlog: "require" } as const,
      { kind: "key", pem, tlog: "ignore" } as const,
    ]),
  ];
  const signers: ProvenSigner[] = [];
  const attested = new Map<string, ProvenSigner[]>();
  for (const probe of probes) {
    if (isKnown(probe, signers) && [...attested.values()].every((known) => isKnown(probe, known))) continue;
    signers.push(...(await ask(image, probe, undefined, options)));
    for (const type of statements.keys()) {
      const known = attested.get(type) ?? [];
      if (!isKnown(probe, known)) attested.set(type, [...known, ...(await ask(image, probe, type, options))]);
    }
  }
  return {
    image,
    digest: open.verdict.results.find(({ digest }) => digest !== undefined)?.digest,
    signers,
    attestations: [...attested]
      .filter(([, by]) => by.length > 0)
      .map(([type, by]) => ({ type, signers: by, predicates: statements.get(type) ?? [] })),
    verdict: open.verdict,
  };
}

/**
 * The profile with those of `others` who signed, too. Who asks for anybody hears of the first whose signature holds: who signed
 * several images is found out by their name.
 */
export async function alsoBy(
  profile: ImageProfile,
  others: readonly ProvenSigner[],
  options: ProfileOptions,
): Promise<ImageProfile> {
  const asked = async (known: readonly ProvenSigner[], type?: string): Promise<readonly ProvenSigner[]> => {
    const signers = new Map(known.map((signer) => [JSON.stringify(signer), signer]));
    for (const other of others) {
      if (other.kind === "key" || signers.has(JSON.stringify(other))) continue;
      for (const one of await ask(profile.image, other, type, options)) signers.set(JSON.stringify(one), one);
    }
    return [...signers.values()];
  };
  const attestations: ProvenAttestation[] = [];
  for (const one of profile.attestations)
    attestations.push({ ...one, signers: await asked(one.signers, one.type) });
  return { ...profile, signers: await asked(profile.signers), attestations };
}

/** A key that is known to sign with a log entry is not asked for without one. */
function isKnown(probe: Probe, signers: readonly ProvenSigner[]): boolean {
  return probe.kind === "key" && signers.some((signer) => signer.kind === "key" && signer.pem === probe.pem);
}

async function ask(
  image: string,
  probe: Probe,
  type: string | undefined,
  options: ProfileOptions,
): Promise<readonly ProvenSigner[]> {
  const who = signerOf(probe);
  const what = type === undefined ? {} : { attestations: [{ type }], signature: false };
  const { verdict } = await judge(image, { ...who, ...what }, options);
  const passed = verdict.results.some(({ outcome }) => outcome === "pass");
  if (probe.kind !== "anybody") return passed ? [probe] : [];
  const proven = verdict.trace.flatMap((trace) => signersIn(trace));
  return [...new Map(proven.map((signer) => [JSON.stringify(signer), signer])).values()];
}

function signerOf(probe: Probe): Signer & Pick<ImageQuestion, "tlog"> {
  if (probe.kind === "anybody") return ANYBODY;
  if (probe.kind === "key") return { key: probe.pem, tlog: probe.tlog };
  return { identity: { ...exactly("subject", probe.subject), ...exactly("issuer", probe.issuer) } };
}

function judge(image: string, question: ImageQuestion, options: ProfileOptions): Promise<Evaluation> {
  const { keyTexts: _, limits, ...rest } = options;
  const assay = createAssay({ ...rest, policies: JSON.stringify(policyOf(question)) });
  return assay.evaluation({ resource: podOf(image) }, { ...limits, remember: false });
}

function signersIn(trace: Trace): readonly ProvenSigner[] {
  const { subject, issuer } = trace.facts ?? {};
  const isProof = (trace.step === "signature" || trace.step === "statement") && trace.outcome === "pass";
  const own: readonly ProvenSigner[] =
    isProof && typeof subject === "string" && typeof issuer === "string"
      ? [{ kind: "keyless", subject, issuer }]
      : [];
  return [...own, ...trace.children.flatMap(signersIn)];
}

/** Predicates by type, as the registry has them: a hint of what to ask, nothing more. */
function statementsIn(answers: Answers): ReadonlyMap<string, readonly Json[]> {
  const found = new Map<string, Json[]>();
  for (const { answer } of answers.values()) {
    if (!answer.ok || !("candidates" in answer.value)) continue;
    for (const candidate of answer.value.candidates) {
      const bytes =
        candidate.kind === "legacy"
          ? candidate.payload
          : candidate.kind === "bundle"
            ? candidate.bytes
            : undefined;
      const statement = bytes === undefined ? undefined : statementOf(bytes);
      const type = statement?.["predicateType"];
      // An image signature in the new format is a statement, too: it is the signature, no attestation.
      if (typeof type !== "string" || type === "https://sigstore.dev/cosign/sign/v1") continue;
      found.set(type, [...(found.get(type) ?? []), statement?.["predicate"] ?? null]);
    }
  }
  return found;
}

function statementOf(bytes: Uint8Array): { readonly [key: string]: Json } | undefined {
  const outer = jsonObject(parse(Buffer.from(bytes)));
  const envelope = isJsonObject(outer["dsseEnvelope"]) ? outer["dsseEnvelope"] : outer;
  const payload = envelope["payload"];
  if (typeof payload !== "string") return undefined;
  const statement = parse(Buffer.from(payload, "base64"));
  return isJsonObject(statement) ? statement : undefined;
}

function parse(bytes: Buffer): Json | undefined {
  try {
    const value: Json = JSON.parse(bytes.toString("utf8"));
    return value;
  } catch {
    return undefined;
  }
}
