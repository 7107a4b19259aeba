import { type Scope, substitute } from "@assay/conditions";
import type { Attestor, AttestorSet, Code, Json, KeyAttestor } from "@assay/policy";
import type { ResolvedSet, UnavailableAttestor } from "@assay/verify";
import { type AnswerBook, opensUnderIgnore, UnavailableContext } from "./answer-book.ts";
import { isObject } from "./is-object.ts";
import type { LookupFailure } from "./lookup.ts";
import { settle } from "./settle.ts";

/** Attestor sets with variables filled in and keys fetched, or what is still missing. */
export interface ResolvedAttestors {
  readonly sets: readonly ResolvedSet[];
  /** False where a Secret or key service is still to answer. */
  readonly complete: boolean;
  /** Keys that could not be had: what they may mean for `failurePolicy: Ignore`. */
  readonly failures: readonly LookupFailure[];
}

/** True where the sets hold neither variables nor keys that live elsewhere: they can be prepared once, at load. */
export function isStatic(sets: readonly AttestorSet[]): boolean {
  return sets.every((set) => set.entries.every((entry) => isStaticAttestor(entry)));
}

function isStaticAttestor(attestor: Attestor): boolean {
  if (attestor.kind === "set") return attestor.entries.every(isStaticAttestor);
  if (attestor.kind === "key" && keyReference(attestor) !== undefined) return false;
  const { source: _, path: __, ...rest } = attestor;
  return !JSON.stringify(rest).includes("{{");
}

/**
 * Fills in variables (substituted values are never scanned again) and fetches keys. Throws what the rule's scope
 * throws: a condition error where a variable is unknown, `UnavailableContext`, `PendingLookup`.
 */
export function resolveAttestors(
  sets: readonly AttestorSet[],
  scopeFor: (piece: Json) => Scope,
  book: AnswerBook,
): ResolvedAttestors {
  const state = { complete: true, failures: [] as LookupFailure[] };
  const resolve = (attestor: Attestor): Attestor | UnavailableAttestor => {
    if (attestor.kind === "set") {
      // The kernel takes unavailable entries at any depth; the model's type only knows attestors.
      return { ...attestor, entries: resolveAll(attestor.entries) as readonly Attestor[] };
    }
    const filled = fillVariables(attestor, scopeFor);
    return filled.kind === "key" ? fetchKey(filled, book, state) : filled;
  };
  // Every entry notes what it wants before the first missing answer ends the pass.
  const resolveAll = (entries: readonly Attestor[]): readonly (Attestor | UnavailableAttestor)[] =>
    settle(entries.map((entry) => () => resolve(entry)));
  const resolved = settle(sets.map((set) => () => ({ ...set, entries: resolveAll(set.entries) })));
  return { sets: resolved, complete: state.complete, failures: state.failures };
}

function fillVariables<A extends Attestor>(attestor: A, scopeFor: (piece: Json) => Scope): A {
  const { source, path, kind, ...rest } = attestor;
  const fill = (value: unknown, mayBeEmpty: boolean): unknown => {
    if (typeof value === "string") return (mayBeEmpty ? fillText : fillDemand)(value, scopeFor);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => fill(item, mayBeEmpty));
    const members = Object.entries(value);
    return Object.fromEntries(
      members.map(([name, item]) => [name, fill(item, mayBeEmpty || comparisons.has(name))]),
    );
  };
  // INVARIANT: only strings are replaced, by strings: the shape stays what the loader checked.
  return { source, path, kind, ...(fill(rest, false) as object) } as A;
}

/** Members whose values are compared with: an empty one is a demand, too. */
const comparisons: ReadonlySet<string> = new Set(["annotations", "additionalExtensions"]);

/** A text of the policy with its variables filled in. Throws as `resolveAttestors`, also where they make no text. */
export function fillText(value: string, scopeFor: (piece: Json) => Scope): string {
  if (!value.includes("{{")) return value;
  const filled = substitute(value, scopeFor(value));
  if (typeof filled === "string") return filled;
  throw new UnavailableContext(`failed to substitute variables: \`${value}\` is not text`, false);
}

/**
 * The same of what the policy demands. A field that is empty counts as absent: without `subject` anybody of the issuer's
 * would be admitted, without `roots` whoever the trust root knows; and of `{{ owner }}*` nothing but `*` may be left.
 * INVARIANT: what is demanded by a variable is demanded, or nobody can tell.
 */
export function fillDemand(value: string, scopeFor: (piece: Json) => Scope): string {
  const filled = fillText(value, scopeFor);
  if (filled === value || !isLost(filled, value)) return filled;
  const left = filled === "" ? "empty" : `\`${filled}\` without its variables`;
  const message = `failed to substitute variables: \`${value}\` is ${left}, so that nothing would be demanded`;
  throw new UnavailableContext(message, false);
}

/** A variable may say `*`: then somebody meant it. What the policy writes around its variables is not all that was meant. */
function isLost(filled: string, written: string): boolean {
  const around = written.replace(/\{\{[^{}]*\}\}/g, "");
  return filled === "" || (/^[*?]+$/.test(filled) && /[*?]/.test(around));
}

type KeyReference =
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string }
  | { readonly kind: "kmsKey"; readonly reference: string };

const kmsScheme = /^(?:awskms|gcpkms|azurekms|hashivault):\/\//;

/** Where a key lives, if not in the policy's own text. `k8s://namespace/name` may stand for a Secret in any field. */
function keyReference(key: KeyAttestor): KeyReference | undefined {
  if (key.secret !== undefined) return { kind: "secret", ...key.secret };
  const text = (key.kms ?? key.publicKeys ?? "").trim();
  const secret = /^k8s:\/\/([^/\s]+)\/([^/\s]+)$/.exec(text);
  if (secret !== null) return { kind: "secret", namespace: secret[1] ?? "", name: secret[2] ?? "" };
  return key.kms !== undefined || kmsScheme.test(text) ? { kind: "kmsKey", reference: text } : undefined;
}

function fetchKey(
  key: KeyAttestor,
  book: AnswerBook,
  state: { complete: boolean; failures: LookupFailure[] },
): KeyAttestor | UnavailableAttestor {
  const reference = keyReference(key);
  if (reference === undefined) return key;
  const answer = book.ask(reference);
  if (answer === undefined) {
    state.complete = false;
    return key;
  }
  if (!answer.ok) {
    state.failures.push(answer.failure);
    return unavailable(key, reference, answer.failure);
  }
  const pem = "pem" in answer.value ? answer.value.pem : secretKey(answer.value.object);
  if (pem !== undefined) {
    const { secret: _secret, kms: _kms, ...rest } = key;
    return { ...rest, publicKeys: pem };
  }
  return {
    kind: "unavailable",
    path: key.path,
    source: key.source,
    code: "keyUnavailable",
    message: `${describe(reference)} has no \`cosign.pub\` in its data`,
  };
}

function unavailable(key: KeyAttestor, reference: KeyReference, failure: LookupFailure): UnavailableAttestor {
  const code: Code =
    failure.status !== undefined && (failure.code === "unauthorized" || failure.code === "rateLimited")
      ? failure.code
      : opensUnderIgnore(failure) && failure.code === "timeout"
        ? "timeout"
        : "keyUnavailable";
  return {
    kind: "unavailable",
    path: key.path,
    source: key.source,
    code,
    message: `${describe(reference)} could not be had: ${failure.message}`,
  };
}

function describe(reference: KeyReference): string {
  return reference.kind === "secret"
    ? `Secret \`${reference.namespace}/${reference.name}\``
    : `key \`${reference.reference}\``;
}

/** `cosign.pub` of a Secret, as `cosign generate-key-pair k8s://…` writes it. */
function secretKey(object: Json): string | undefined {
  const data = member(object, "data");
  const encoded = member(data, "cosign.pub");
  if (typeof encoded === "string") return Buffer.from(encoded, "base64").toString("utf8");
  const plain = member(member(object, "stringData"), "cosign.pub");
  return typeof plain === "string" ? plain : undefined;
}

function member(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
