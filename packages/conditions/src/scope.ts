import type { Value, ValueObject } from "./json.ts";
import { isObject, own, setOwn } from "./json.ts";
import { defaultLimits, type Limits } from "./limits.ts";

/** `assay`: our extensions are on. `kyverno`: only what Kyverno accepts. */
export type Dialect = "assay" | "kyverno";

export interface ScopeOptions {
  /** The root names, e.g. `request`, `images`. A value that is no object has no names, but `@` finds it. */
  readonly data?: Value;
  /** The clock: what `time_now()` answers. Nothing here reads the system's. */
  readonly now: Date;
  /**
   * Asked for a root name that is not in `data`, at most once per scope and name: for context entries that are loaded
   * when they are used, and for the caller's variables. `undefined` means that there is no such name. What it throws
   * leaves `evaluate`, `substitute` and `check` unchanged.
   */
  readonly resolve?: (name: string) => Value | undefined;
  readonly limits?: Partial<Limits>;
  /** Default `assay`. */
  readonly dialect?: Dialect;
}

/** What a child scope adds. */
export interface ChildOptions {
  readonly data?: ValueObject;
  readonly resolve?: (name: string) => Value | undefined;
}

/** The names that expressions can use, the clock and the limits. Made by `createScope`, immutable. */
export interface Scope {
  readonly now: Date;
  readonly limits: Limits;
  readonly dialect: Dialect;
  /** False when the root is a list or a scalar. */
  readonly hasNames: boolean;
  /** The value of a root name; `undefined` when there is none. */
  get(name: string): Value | undefined;
  /** What `@` is: all names that are there, without those that only `resolve` knows. */
  root(): Value;
  /** Whether a value is what `root()` returned. */
  isRoot(value: unknown): boolean;
  /** A scope with more names. INVARIANT: a name of this scope always wins over the same name of the child. */
  child(options: ChildOptions): Scope;
  /** The same clock and limits over another document, e.g. to apply a context entry's `jmesPath` to its answer. */
  withRoot(data: Value): Scope;
}

/** The scope that expressions are evaluated in. */
export function createScope(options: ScopeOptions): Scope {
  const { data = {}, now, resolve, dialect = "assay" } = options;
  const limits = { ...defaultLimits, ...options.limits };
  return layer({ now, limits, dialect }, undefined, { data, ...(resolve && { resolve }) });
}

type Settings = Pick<Scope, "now" | "limits" | "dialect">;
type Layer = Pick<ScopeOptions, "data" | "resolve">;

function layer(settings: Settings, parent: Scope | undefined, options: Layer): Scope {
  const { data = {}, resolve } = options;
  const names: ValueObject = isObject(data) ? data : {};
  const resolved = new Map<string, Value | undefined>();
  let root: Value | undefined;

  const load = (name: string): Value | undefined => {
    if (resolve === undefined) return undefined;
    if (!resolved.has(name)) resolved.set(name, resolve(name));
    return resolved.get(name);
  };
  const scope: Scope = {
    ...settings,
    hasNames: isObject(data),
    get(name) {
      // A name of the parent wins even when its value is null.
      const inherited = parent?.get(name);
      if (inherited !== undefined) return inherited;
      const named = own(names, name);
      return named === undefined ? load(name) : named;
    },
    root() {
      root ??= isObject(data) && parent !== undefined ? merge(parent, names) : data;
      return root;
    },
    isRoot: (value) => root !== undefined && value === root,
    child: (child) => layer(settings, scope, child),
    withRoot: (document) => layer(settings, undefined, { data: document }),
  };
  return scope;
}

/** INVARIANT: a name that the parent would only load when it is used wins here too, so it is loaded. */
function merge(parent: Scope, names: ValueObject): Value {
  const merged: Record<string, Value> = {};
  for (const [name, value] of Object.entries(names)) setOwn(merged, name, parent.get(name) ?? value);
  const inherited = parent.root();
  for (const [name, value] of Object.entries(isObject(inherited) ? inherited : {})) {
    setOwn(merged, name, value);
  }
  return merged;
}
