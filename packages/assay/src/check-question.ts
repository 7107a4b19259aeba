import { jsonProblem } from "@assay/policy";
import { AssayError } from "./assay-error.ts";
import type { ImageQuestion } from "./image-question.ts";
import { isJsonObject } from "./json-object.ts";

const HINT =
  "name one signer: { key }, { identity: { subject, issuer } }, or { certificate } and { certificateChain }";

/** Every field of every question: one that is spelt otherwise would ask for less than it says. */
const FIELDS = [
  "key",
  "identity",
  "certificate",
  "certificateChain",
  "annotations",
  "attestations",
  "signature",
  "tlog",
  "sct",
  "timestampChain",
  "signatureAlgorithm",
  "repository",
  "format",
];
/** Empty texts would count as absent. */
const TEXTS = [
  ...["key", "certificate", "certificateChain", "timestampChain"],
  ...["signatureAlgorithm", "repository", "format"],
];
/** Other words would count as the default, whatever they were meant to say. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  tlog: ["require", "ignore"],
  sct: ["require", "ignore"],
};
const IDENTITY = ["subject", "subjectRegExp", "issuer", "issuerRegExp"];

/**
 * Throws `AssayError` `invalidQuestion` for a question that names nobody, or of which a part would be passed over: types
 * do not tell of two signers in one object, and programs without types tell of nothing.
 */
export function checkQuestion(question: ImageQuestion): void {
  const given: unknown = question;
  if (!isJsonObject(given)) throw refused("there is no question", HINT);
  checkFields(given, FIELDS, "the question");
  checkSigner(given);
  // A Map of annotations has no fields, and neither has what a class gives by getters: the question would ask for less.
  const problem = jsonProblem(given);
  if (problem !== undefined) throw refused(`\`${problem.path || "the question"}\` is ${problem.is}`);
  checkWords(given);
  const { annotations = {}, attestations = [], signature = true } = given;
  checkAnnotations(annotations);
  checkAttestations(attestations);
  if (typeof signature !== "boolean") throw refused("`signature` is neither true nor false");
  if (question.signature === false && (question.attestations ?? []).length === 0) {
    throw refused("neither a signature nor an attestation is asked for");
  }
}

function checkSigner(given: Readonly<Record<string, unknown>>): void {
  const certificates = given["certificate"] ?? given["certificateChain"];
  const signers = [given["key"], given["identity"], certificates].filter((one) => one !== undefined);
  if (signers.length === 0) throw refused("nobody is named who should have signed", HINT);
  if (signers.length > 1) throw refused("several kinds of signers are named", HINT);
  for (const name of TEXTS) checkText(given[name], name);
  if (given["identity"] !== undefined) checkIdentity(given["identity"]);
}

function checkText(value: unknown, name: string): void {
  if (value === undefined) return;
  if (typeof value !== "string")
    throw refused(`\`${name}\` is not text`, 'a file is read as text with `readFileSync(path, "utf8")`');
  if (value.trim() === "") throw refused(`\`${name}\` is empty`);
}

function checkWords(given: Readonly<Record<string, unknown>>): void {
  for (const [name, known] of Object.entries(WORDS)) {
    const value = given[name];
    if (value === undefined || (typeof value === "string" && known.includes(value))) continue;
    throw refused(`\`${name}\` is none of ${known.map((word) => `\`${word}\``).join(", ")}`);
  }
}

/** A value that got lost on its way (`process.env.TEAM`) would take the demand with it. */
function checkAnnotations(annotations: unknown): void {
  if (!isJsonObject(annotations)) throw refused("`annotations` is no object");
  const lost = Object.keys(annotations).find((name) => typeof annotations[name] !== "string");
  if (lost !== undefined) throw refused(`the annotation \`${lost}\` is not text`);
}

function checkAttestations(attestations: unknown): void {
  if (!Array.isArray(attestations)) throw refused("`attestations` is no list");
  for (const attestation of attestations as readonly unknown[]) {
    if (!isJsonObject(attestation)) throw refused("an attestation of the question is no object");
    checkFields(attestation, ["type", "conditions"], "an attestation of the question");
    if (typeof attestation["type"] !== "string")
      throw refused("an attestation of the question has no `type`");
    checkConditions(attestation["conditions"]);
  }
}

/** Conditions without any hold for every statement, and one whose value got lost compares with nothing. */
function checkConditions(conditions: unknown): void {
  if (conditions === undefined) return;
  const blocks: readonly unknown[] = Array.isArray(conditions) ? conditions : [conditions];
  if (blocks.length === 0 || blocks.some(isEmptyBlock))
    throw refused("`conditions` of an attestation are empty", "leave them out where none are meant");
  if (hasLost(conditions)) throw refused("a condition of an attestation lost a value: a field is undefined");
}

function isEmptyBlock(block: unknown): boolean {
  if (!isJsonObject(block)) return false;
  const parts: readonly unknown[] = Object.values(block);
  const isEmpty = (part: unknown): boolean =>
    part === undefined || part === null || (Array.isArray(part) && part.length === 0);
  return parts.length === 0 || parts.some(isEmpty);
}

function hasLost(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === undefined;
  return Object.values(value).some(hasLost);
}

/** The same subject may be vouched for by an issuer who does not check it: who trusts any of them says so. */
function checkIdentity(identity: unknown): void {
  if (!isJsonObject(identity)) throw refused("`identity` is no object", HINT);
  checkFields(identity, IDENTITY, "`identity`");
  for (const part of IDENTITY) checkText(identity[part], `identity.${part}`);
  for (const part of ["subject", "issuer"]) {
    if (identity[part] || identity[`${part}RegExp`]) continue;
    throw refused(`\`identity\` names no ${part}`, `to accept any, say \`${part}: "*"\``);
  }
}

function checkFields(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw refused(`${where} has the unknown field \`${unknown}\``, `known here: ${known.join(", ")}`);
  }
}

function refused(message: string, hint?: string): AssayError {
  return new AssayError("invalidQuestion", message, hint === undefined ? {} : { hint });
}
