import { invalid } from "../trust/policy-trust.ts";

type Check = readonly [holds: (value: unknown) => boolean, wanted: string];
type Fields = Readonly<Record<string, Check>>;

const text: Check = [(value) => typeof value === "string", "text"];
const flag: Check = [(value) => typeof value === "boolean", "true or false"];
const list: Check = [Array.isArray, "a list"];
const record: Check = [
  (value) => isPlain(value) && Object.values(value).every((one) => typeof one === "string"),
  "an object of texts",
];
const object: Check = [isPlain, "an object"];
const anything: Check = [() => true, ""];

const place: Fields = { kind: text, path: anything, source: anything };
const signer: Fields = { ...place, annotations: record, repository: text, rekor: object, ctlog: object };
const kinds: Readonly<Record<string, Fields>> = {
  // What `count` may be says `prepareAttestors`.
  set: { ...place, count: anything, entries: list },
  unavailable: { ...place, code: anything, message: anything, repository: text },
  key: { ...signer, publicKeys: text, kms: text, secret: object, signatureAlgorithm: text },
  certificate: { ...signer, cert: text, certChain: text },
  keyless: {
    ...signer,
    ...{ subject: text, subjectRegExp: text, issuer: text, issuerRegExp: text, bothSubjects: flag },
    ...{ additionalExtensions: record, roots: text },
  },
};
const demands: Readonly<Record<string, readonly string[]>> = {
  keyless: ["annotations", "additionalExtensions"],
  key: ["annotations"],
  certificate: ["annotations"],
};
const rekor: Fields = { url: text, pubkey: text, ignoreTlog: flag };
const ctlog: Fields = { pubkey: text, tsaCertChain: text, ignoreSCT: flag };

/**
 * Throws `VerifyError` `invalidPolicy` for attestors of a program without types that ask for something other than they seem to:
 * `ignoreTlog: "false"` would be true, a Map of annotations none, a misspelt `subject` anybody.
 */
export function checkAttestors(sets: unknown): void {
  if (!Array.isArray(sets)) invalid("", "the attestors are no list of sets");
  for (const set of sets as readonly unknown[]) checkAttestor(set, "");
}

function checkAttestor(given: unknown, above: string): void {
  const path = isPlain(given) && typeof given["path"] === "string" ? given["path"] : above;
  if (!isPlain(given)) invalid(path, "an attestor is no object");
  const kind = typeof given["kind"] === "string" ? given["kind"] : "";
  const fields = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  // guard: attestor-kind
  if (fields === undefined) invalid(path, `there is no kind \`${kind}\` of attestors`);
  checkFields(given, fields, path);
  for (const name of demands[kind] ?? []) {
    // guard: attestor-lost-demand
    if (given[name] === undefined) invalid(path, `\`${name}\` is missing: say \`{}\` where nothing is asked`);
  }
  if (isPlain(given["rekor"])) checkFields(given["rekor"], rekor, `${path}.rekor`);
  if (isPlain(given["ctlog"])) checkFields(given["ctlog"], ctlog, `${path}.ctlog`);
  if (kind === "set") for (const entry of given["entries"] as readonly unknown[]) checkAttestor(entry, path);
}

function checkFields(given: Readonly<Record<string, unknown>>, fields: Fields, path: string): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
    // guard: attestor-unknown-field
    if (check === undefined)
      invalid(path, `unknown field \`${name}\`; known here: ${Object.keys(fields).join(", ")}`);
    const [holds, wanted] = check;
    // guard: attestor-wrong-type
    if (!holds(value)) invalid(path === "" ? name : `${path}.${name}`, `it is not ${wanted}`);
  }
}

/** Whose fields are its own: what a class or another object lends would be seen by some readers only. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
