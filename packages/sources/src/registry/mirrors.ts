/** Where else a repository's content may be had. Policies keep matching the name that the image was written with. */
export interface Mirror {
  /** `registry` or `registry/path`, matched by whole path segments, e.g. `docker.io` or `docker.io/library`. */
  readonly prefix: string;
  /** What takes the prefix' place, e.g. `mirror.example.com/dockerhub`. */
  readonly location: string;
  /** True: the original is not asked (no way out, or not wanted). Default false: it is asked last. */
  readonly only?: boolean;
}

/** Repositories to ask, in order: mirrors as listed, then the original. */
export function placesOf(repository: string, mirrors: readonly Mirror[]): readonly string[] {
  const matching = mirrors.filter(
    ({ prefix }) => repository === prefix || repository.startsWith(`${prefix}/`),
  );
  const places = matching.map(({ prefix, location }) => location + repository.slice(prefix.length));
  const only = matching.some((mirror) => mirror.only === true);
  return [...new Set(only ? places : [...places, repository])];
}
