import { emptyVariables, type Scope, substitute } from "@assay/conditions";
import type { Attestor, AttestorSet, Code, Json, KeyAttestor } from "@assay/policy";
import type { ResolvedSet, UnavailableAttestor } from "@assay/verify";
import { type AnswerBook, opensUnderIgnore, UnavailableContext } from "../gather/answer-book.ts";
import type { LookupFailure } from "../gather/lookup.ts";
import { isObject } from "../is-object.ts";
import { type KeyReference, keyReference } from "../plan/static-attestors.ts";
import { settle } from "./settle.ts";

/** Attestor sets with variables filled in and keys fetched, or what is still missing. */
export interface ResolvedAttestors {
  readonly sets: readonly ResolvedSet[];
  /** False where a Secret or key service is still to answer. */
  readonly complete: boolean;
  /** Keys that could not be had: what they may mean for `failurePolicy: Ignore`. */
  readonly failures: readonly LookupFailure[];
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
  const fill = (value: unknown, demand: Demand): unknown => {
    if (typeof value === "string") return fillDemand(value, scopeFor, demand);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => fill(item, demand));
    const members = Object.entries(value);
    const demandOf = (name: string): Demand => (demand === "present" && demands.get(name)) || demand;
    return Object.fromEntries(members.map(([name, item]) => [name, fill(item, demandOf(name))]));
  };
  // INVARIANT: only strings are replaced, by strings: the shape stays what the loader checked.
  return { source, path, kind, ...(fill(rest, "present") as object) } as A;
}

/**
 * What a text of the policy asks for, and so what an empty variable makes of it. `present`: what is empty counts as absent.
 * `wildcards`: that, and what is lost beside a wildcard lets more through. `comparison`: the same, but to be empty may be
 * asked for. `regexp`: every piece that is lost lets more through.
 */
type Demand = "present" | "wildcards" | "comparison" | "regexp";

const demands: ReadonlyMap<string, Demand> = new Map([
  ["subject", "wildcards"],
  ["issuer", "wildcards"],
  ["subjectRegExp", "regexp"],
  ["issuerRegExp", "regexp"],
  ["annotations", "comparison"],
  ["additionalExtensions", "comparison"],
]);

/** A text of the policy with its variables filled in. Throws as `resolveAttestors`, also where they make no text. */
export function fillText(value: string, scopeFor: (piece: Json) => Scope): string {
  if (!value.includes("{{")) return value;
  const filled = substitute(value, scopeFor(value));
  if (typeof filled === "string") return filled;
  throw new UnavailableContext(`failed to substitute variables: \`${value}\` is not text`, false);
}

/**
 * The same of what the policy demands. Without `subject` anybody of the issuer's would be admitted, without `roots` whoever
 * the trust root knows; of `https://github.com/{{ owner }}*` everybody would be left.
 * INVARIANT: what is demanded by a variable is demanded, or nobody can tell.
 */
export function fillDemand(
  value: string,
  scopeFor: (piece: Json) => Scope,
  demand: Demand = "present",
): string {
  const filled = fillText(value, scopeFor);
  if (filled === value) return filled;
  if (filled === "" && demand !== "comparison") throw lost(value, "empty, so that nothing would be demanded");
  const isPattern = demand === "regexp" || (demand !== "present" && /[*?]/.test(filled));
  const [empty] = isPattern ? emptyVariables(value, scopeFor(value)) : [];
  if (empty === undefined) return filled;
  throw lost(value, `\`${filled}\` since \`${empty}\` is empty, so that less would be demanded`);
}

function lost(value: string, what: string): UnavailableContext {
  return new UnavailableContext(`failed to substitute variables: \`${value}\` is ${what}`, false);
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
