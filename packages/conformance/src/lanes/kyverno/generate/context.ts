import type { Scope } from "./surroundings.ts";

/** A rule's `context`, and what expressions may call by name for it. */
export interface Context {
  readonly entries: readonly object[];
  readonly variables: readonly string[];
  /** The entry that holds keys, if there is one. */
  readonly keysFrom?: string;
}

/** A rule without context. */
export const noContext: Context = { entries: [], variables: [] };

/** Some of every kind of entry. */
export function context(scope: Scope): Context {
  const chosen = pool(scope).filter(() => scope.random.chance(0.22));
  const has = (name: string): boolean => chosen.some((one) => one.name === name);
  return {
    entries: chosen,
    variables: chosen
      .filter(({ name }) => name !== "missing" || scope.random.chance(0.3))
      .flatMap(({ name, configMap }) =>
        configMap === undefined
          ? [name]
          : [`${name}.data`, `${name}.data.env || 'x'`, `${name}.data.mode || 'x'`],
      ),
    ...(has("cm") && { keysFrom: "cm" }),
  };
}

interface ContextEntry {
  readonly name: string;
  readonly configMap?: object;
  readonly variable?: object;
  readonly apiCall?: object;
  readonly imageRegistry?: object;
}

function pool(scope: Scope): readonly ContextEntry[] {
  const { random, namespace } = scope;
  return [
    { name: "cm", configMap: { name: "keys", namespace: "kyverno" } },
    {
      name: "local",
      configMap: { name: "local", namespace: random.one([namespace, "{{ request.namespace }}"]) },
    },
    { name: "missing", configMap: { name: "nope", namespace: "kyverno" } },
    ...variables(scope),
    ...calls(scope),
    image(scope),
  ];
}

function variables({ random }: Scope): readonly ContextEntry[] {
  const environment = ["prod", "dev", "{{ request.object.metadata.labels.env || 'prod' }}"];
  const [label, name] = ["request.object.metadata.labels", "images.containers.*.name | [0]"];
  return [
    { name: "envname", variable: { value: random.one(environment) } },
    {
      name: "num",
      variable: {
        value: random.one<unknown>([5, 2.5, [1, 2], { a: 1 }, true]),
        ...random.maybe(0.3, () => ({ jmesPath: random.one(["@", "a || `7`", "to_string(@)"]) })),
      },
    },
    {
      name: "dflt",
      variable: {
        jmesPath: random.one([`${label}.nope`, `${label}.app`, name]),
        ...random.maybe(0.7, () => ({
          default: random.one<unknown>(["fallback", 0, "{{ request.operation }}"]),
        })),
      },
    },
  ];
}

function calls({ random, namespace }: Scope): readonly ContextEntry[] {
  const own = `/api/v1/namespaces/${namespace}`;
  const jmesPath = random.one(["metadata.labels.env", "metadata.labels", "metadata.labels.nope"]);
  return [
    {
      name: "nsobj",
      apiCall: {
        urlPath: random.one([
          own,
          "/api/v1/namespaces/{{ request.namespace }}",
          "/api/v1/namespaces/kyverno",
        ]),
        ...random.maybe(0.6, () => ({ jmesPath })),
        ...random.maybe(0.2, () => ({ default: "dd" })),
      },
    },
    { name: "maps", apiCall: { urlPath: `${own}/configmaps`, jmesPath: "items[].metadata.name" } },
    {
      name: "gone",
      apiCall: {
        urlPath: "/api/v1/namespaces/nope-nope",
        ...random.maybe(0.5, () => ({ default: "zz" })),
      },
    },
  ];
}

function image({ random, names }: Scope): ContextEntry {
  const [tags, referrers] = names.hosts;
  const references = [`${tags}/t/a:v1`, `${referrers}/t/none:v1`, `${tags}/t/nope:v1`];
  const fields = ["configData.architecture", "repository", "registry", "manifest.layers | length(@)"];
  return {
    name: "img",
    imageRegistry: {
      reference: random.one([...references, "{{ images.containers.c0.reference || 'x' }}"]),
      ...random.maybe(0.5, () => ({ jmesPath: random.one([...fields, "identifier"]) })),
    },
  };
}
