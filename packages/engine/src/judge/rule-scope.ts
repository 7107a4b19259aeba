import { createScope, type Scope } from "@assay/conditions";
import type { ContextEntry, Json, JsonObject, Policy, Rule } from "@assay/policy";
import type { AnswerBook } from "../gather/answer-book.ts";
import { PendingLookup, UnavailableContext } from "../gather/answer-book.ts";
import { configMapValue, loadContextEntry } from "./context-entry.ts";
import { contextFailure } from "./context-failure.ts";

/** Built-in names that come with the image, or with a statement about it: a name that is there before would win. */
const laterNames: readonly string[] = ["images", "image", "attestation"];

/** What the expressions of one rule may see. */
export interface ScopeInput {
  readonly policy: Policy;
  readonly rule: Rule;
  /** `request`, `serviceAccountName`, …: the same for every rule. */
  readonly builtIns: JsonObject;
  /** The rule's `images` variable, made when first referred to. */
  readonly images: () => Json;
  /** Given by the caller, e.g. `ORG`; never over a built-in name. */
  readonly variables: JsonObject;
  /** Where `{{ configmap.NAME.data.KEY }}` looks in a ClusterPolicy. */
  readonly configMapNamespace: string;
  /** Registry of image references that name none. */
  readonly defaultRegistry: string;
  /** Of pull secrets that name no namespace. */
  readonly secretNamespace: string;
  readonly now: Date;
  readonly book: AnswerBook;
}

/** The names of one rule. Context entries are loaded when an expression first refers to them. */
export interface RuleScope {
  /** The scope for one piece of policy: it also knows the ConfigMaps which that piece names as `configmap.NAME`. */
  scopeFor(piece: Json): Scope;
}

/**
 * Makes the root scope of a rule. What its expressions throw beside condition errors: `PendingLookup` where an answer
 * is still to come, `UnavailableContext` where it could not be had.
 */
export function ruleScope(input: ScopeInput): RuleScope {
  const { context } = input.rule;
  const names = new Set(context.map(({ name }) => name));
  const loaded = new Map<ContextEntry, Json>();
  const load = (entry: ContextEntry, index: number): Json => {
    const known = loaded.get(entry);
    if (known !== undefined) return known;
    const value = loadContextEntry(entry, {
      // An entry sees those before it alone, as in Kyverno (pkg/engine/context/deferred.go): so no two wait for each other.
      scope: scopeOf(index),
      policy: input.policy,
      book: input.book,
      now: input.now,
      defaultRegistry: input.defaultRegistry,
      secretNamespace: input.secretNamespace,
    });
    loaded.set(entry, value);
    return value;
  };
  /** Of entries with one name all are loaded, each may refer to the one before it, and the last is what the name means. */
  const resolveBefore = (end: number, name: string): Json | undefined => {
    if (!names.has(name)) return name === "images" ? input.images() : undefined;
    return context
      .flatMap((entry, index) => (index < end && entry.name === name ? [load(entry, index)] : []))
      .at(-1);
  };
  // INVARIANT: the policy's own context entries win over the caller's variables, built-ins over both.
  const variables = Object.entries(input.variables).filter(
    ([name]) => !names.has(name) && !laterNames.includes(name),
  );
  const scopeOf = (end: number): Scope =>
    createScope({
      data: { ...Object.fromEntries(variables), ...input.builtIns },
      now: input.now,
      resolve: (name) => resolveBefore(end, name),
    });
  let made: Scope | undefined;
  // Most rules have no expressions: then no scope is made.
  const root = (): Scope => {
    made ??= scopeOf(context.length);
    return made;
  };
  const named = names.has("configmap") || Object.hasOwn(input.variables, "configmap");
  return {
    scopeFor(piece) {
      if (named || !mentionsConfigMap(piece)) return root();
      const names = configMapNames(piece);
      return root().child({
        resolve: (name) => (name === "configmap" ? namedConfigMaps(names, input) : undefined),
      });
    },
  };
}

function mentionsConfigMap(piece: Json): boolean {
  for (const text of strings(piece)) if (text.includes("configmap")) return true;
  return false;
}

/** Which ConfigMaps a piece of policy names as `configmap.NAME` or `configmap."NAME"`. */
function configMapNames(piece: Json): readonly string[] {
  const names = new Set<string>();
  for (const text of strings(piece)) {
    for (const match of text.matchAll(/\bconfigmap\s{0,8}\.\s{0,8}(?:"([^"]{1,253})"|([\w-]{1,253}))/g)) {
      names.add(match[1] ?? match[2] ?? "");
    }
  }
  return [...names].sort();
}

function* strings(value: Json): Generator<string> {
  if (typeof value === "string") {
    if (value.includes("{{")) yield value;
  } else if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) yield* strings(item);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield* strings(key);
      yield* strings(item);
    }
  }
}

/** INVARIANT: where a policy says `configmap` it means this, never a key of that name in somebody's predicate. */
function namedConfigMaps(names: readonly string[], input: ScopeInput): Json {
  if (names.length === 0) {
    throw new UnavailableContext('ConfigMaps are named `configmap.NAME` or `configmap."NAME"`', false);
  }
  const namespace =
    input.policy.kind === "Policy" ? (input.policy.namespace ?? "default") : input.configMapNamespace;
  // Every map is asked for before the first missing answer ends the pass: one round, not one per map.
  const answers = names.map((name) => ({
    name,
    answer: input.book.ask({ kind: "configMap", namespace, name }),
  }));
  return Object.fromEntries(
    answers.map(({ name, answer }) => {
      if (answer === undefined) throw new PendingLookup(name);
      if (!answer.ok) throw contextFailure(`ConfigMap \`${namespace}/${name}\``, answer.failure);
      return [name, configMapValue(answer.value.object)];
    }),
  );
}
