import { hostsOf } from "./host-names.ts";
import { locate, registryOf } from "./registry-host.ts";

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
 * Mirrors of an option; a slash at their end says nothing. Throws `SourceError` `misuse` for one whose registry is no host
 * (`https://mirror.example.com`): it would stand in for nothing, and what only a mirror may be asked for be asked elsewhere.
 */
export function mirrorsOf(given: readonly Mirror[] = []): readonly Mirror[] {
  const whole = (name: string): string => {
    hostsOf(name.split("/").slice(0, 1), "mirrors");
    return name.replace(/\/+$/, "");
  };
  return given.map((mirror) => ({
    ...mirror,
    prefix: whole(mirror.prefix),
    location: whole(mirror.location),
  }));
}

/**
 * Repositories to ask, in order: mirrors as listed, then the original. Another spelling of the registry does not get past a
 * mirror that alone may be asked. Docker Hub's official images stand in `library/` there as on Docker Hub.
 */
export function placesOf(repository: string, mirrors: readonly Mirror[]): readonly string[] {
  const { registry, path } = locate(repository);
  const short = registry === "docker.io" ? path.replace(/^library\/(?=[^/]+$)/, "") : path;
  const names = [path, short].map((one) => `${knownHost(registry)}/${one}`);
  const matching = mirrors.flatMap(({ prefix, location, only }) => {
    const [rest] = names.flatMap((name) => restBehind(prefix, name) ?? []);
    return rest === undefined ? [] : [{ place: location + rest, only }];
  });
  const places = matching.map(({ place }) => place);
  return [...new Set(matching.some(({ only }) => only === true) ? places : [...places, repository])];
}

/** What of the name is left behind the prefix; undefined: it does not begin with it. */
function restBehind(prefix: string, name: string): string | undefined {
  const known = withKnownHost(prefix);
  return name === known || name.startsWith(`${known}/`) ? name.slice(known.length) : undefined;
}

function withKnownHost(name: string): string {
  const [written = "", ...path] = name.split("/");
  return [knownHost(registryOf(written)), ...path].join("/");
}

/** A mirror stands for https, whose port may be left out. */
function knownHost(registry: string): string {
  return registry.replace(/:443$/, "");
}
