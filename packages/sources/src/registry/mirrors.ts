import { registryOf } from "./registry-host.ts";

/** Where else a repository's content may be had. Policies keep matching the name that the image was written with. */
export interface Mirror {
  /** `registry` or `registry/path`, matched by whole path segments, e.g. `docker.io` or `docker.io/library`. */
  readonly prefix: string;
  /** What takes the prefix' place, e.g. `mirror.example.com/dockerhub`. */
  readonly location: string;
  /** True: the original is not asked (no way out, or not wanted). Default false: it is asked last. */
  readonly only?: boolean;
}

/**
 * Repositories to ask, in order: mirrors as listed, then the original. Another spelling of the registry does not get past a
 * mirror that alone may be asked.
 */
export function placesOf(repository: string, mirrors: readonly Mirror[]): readonly string[] {
  const name = withKnownRegistry(repository);
  const matching = mirrors
    .map((mirror) => ({ ...mirror, prefix: withKnownRegistry(mirror.prefix) }))
    .filter(({ prefix }) => name === prefix || name.startsWith(`${prefix}/`));
  const places = matching.map(({ prefix, location }) => location + name.slice(prefix.length));
  const only = matching.some((mirror) => mirror.only === true);
  return [...new Set(only ? places : [...places, repository])];
}

/** The name with its registry spelt in one way. A mirror stands for https, whose port may be left out. */
function withKnownRegistry(name: string): string {
  const [written = "", ...path] = name.split("/");
  return [registryOf(written).replace(/:443$/, ""), ...path].join("/");
}
