import { X509Certificate } from "node:crypto";
import type { Question, Reason } from "./question.ts";

/** Why sigstore-go refuses what counts here on purpose: as narrow as its mechanism allows. */
interface Expected {
  /** The subject of the row of docs/compatibility.md that says why. */
  readonly row: string;
  readonly recognises: (refusal: Reason, question: Question) => boolean;
}

/** Every difference that is. */
export const expectedRefusals: readonly Expected[] = [
  {
    row: "members that nobody knows, of a bundle or of a statement; a predicate that is no object",
    recognises: (refusal, question) =>
      /^bundle: proto:.* unknown field /.test(refusal) ||
      (/invalid attestation: decoding json|parsing in-toto statement: json/.test(refusal) &&
        saysMore(question)),
  },
  {
    row: "a timestamp that does not verify, beside a log entry or under a policy's key",
    recognises: (refusal, question) =>
      placeOf(refusal, question) === "timestampVerificationData" ||
      /unable to (?:verify signed timestamps|get timestamps)/.test(refusal),
  },
  {
    row: "kinds of log entries",
    recognises: (refusal) =>
      /entry body is not a recognizable Rekor|not a dsse_v001 or intoto_v002 entry/.test(refusal),
  },
  {
    row: "a bundle with a certificate for the policy's own key",
    recognises: (refusal, { signer }) =>
      "key" in signer && refusal.endsWith("expected key signature, not certificate"),
  },
  {
    row: "several log entries of one index in a bundle",
    recognises: (refusal) => refusal.includes("duplicate tlog entries found"),
  },
  {
    row: "hints of a bundle at its key (`keyid`, `publicKey`), or at what it signs (`messageDigest` without its algorithm)",
    recognises: (refusal, question) =>
      placeOf(refusal, question) === "publicKey" ||
      refusal.includes("for string field keyid") ||
      (refusal.includes("unsupported digest algorithm") && !/"algorithm":"SHA2/.test(question.bundle)) ||
      (/accepted signatures do not match threshold/.test(refusal) && /"keyid":"[^"]/.test(question.bundle)),
  },
  {
    row: "a keyless certificate that names with a DNS name, or with several names",
    recognises: (refusal, question) =>
      refusal.includes("no Subject Alternative Name found") ||
      (refusal.includes("no matching CertificateIdentity found") && namesIn(question).length > 1),
  },
  {
    row: "certificates with a negative serial number, or with a name that is no URL beside the wanted one; an attestation layer without its empty signature annotation",
    recognises: (refusal) => refusal.includes("x509: negative serial number"),
  },
  {
    row: "the time of a log entry that comes with a proof alone",
    recognises: (refusal, { bundle }) =>
      refusal.includes("integrated time outside certificate validity") &&
      !bundle.includes("inclusionPromise"),
  },
];

/** The row that says why a refusal of sigstore-go does not count here; undefined: a finding. */
export function rowOf(refusal: Reason, question: Question): string | undefined {
  return expectedRefusals.find(({ recognises }) => recognises(refusal, question))?.row;
}

/** Whether the statement says more, or otherwise, than what the kernel reads: its types and its subjects' digests. */
function saysMore({ bundle }: Question): boolean {
  const { dsseEnvelope } = JSON.parse(bundle);
  const statement: Readonly<Record<string, unknown>> = JSON.parse(
    Buffer.from(dsseEnvelope.payload, "base64").toString("utf8"),
  );
  const { _type, predicateType, predicate, subject, ...more } = statement;
  const isOdd = typeof predicate !== "object" || Array.isArray(predicate) || Object.keys(more).length > 0;
  return isOdd || (Array.isArray(subject) && subject.some(hasOddMember));
}

function hasOddMember(subject: object): boolean {
  return Object.entries(subject).some(
    ([name, value]) => name !== "digest" && (name !== "name" || typeof value !== "string"),
  );
}

/** Whom the certificate names. */
function namesIn({ bundle }: Question): readonly string[] {
  const der = /"rawBytes":"([^"]+)"/.exec(bundle)?.[1] ?? "";
  if (der === "") return [];
  return new X509Certificate(Buffer.from(der, "base64")).subjectAltName?.split(", ") ?? [];
}

/** Which part of the bundle Go's JSON reader stumbled over. */
function placeOf(refusal: Reason, { bundle }: Question): string | undefined {
  const column = /^bundle: proto:.*\(line 1:(\d+)\)/.exec(refusal)?.[1];
  const parts = bundle
    .slice(0, Number(column ?? 0))
    .matchAll(/"(publicKey|tlogEntries|timestampVerificationData|dsseEnvelope|messageSignature)":/g);
  return [...parts].at(-1)?.[1];
}
