import { isLoopbackName } from "./addresses.ts";
import { canonicalHost, isAmong } from "./host-names.ts";

/** Where a repository really is: Docker Hub's names differ from its address. */
export interface Location {
  /** As in images, e.g. `docker.io`. Credentials and limits go by it. */
  readonly registry: string;
  /** What is contacted, e.g. `registry-1.docker.io`. */
  readonly host: string;
  /** Path on that host, e.g. `library/nginx`. */
  readonly path: string;
}

const dockerHub = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** A registry as images mostly name it, however it was written. What is no host is left to be refused when it is to be asked. */
export function registryOf(written: string): string {
  const registry = canonicalHost(written) ?? written;
  return dockerHub.has(registry) ? "docker.io" : registry;
}

/**
 * Splits `registry/path`. A name without slash belongs to Docker Hub. The registry is spelt in one way, however it was written:
 * credentials are found for it and it is connected to by that.
 */
export function locate(repository: string): Location {
  const slash = repository.indexOf("/");
  const registry = registryOf(slash < 0 ? "docker.io" : repository.slice(0, slash));
  const path = slash < 0 ? repository : repository.slice(slash + 1);
  if (registry !== "docker.io") return { registry, host: registry, path };
  return { registry, host: "registry-1.docker.io", path: path.includes("/") ? path : `library/${path}` };
}

/** Hosts as `hostsOf` has them. */
export interface SchemeOptions {
  /** Hosts (`host[:port]`) that may be asked by plain http. Loopback always may. */
  readonly insecureHosts: readonly string[];
  /** Loopback hosts (`host[:port]`) that speak TLS all the same. */
  readonly tlsHosts: readonly string[];
}

/** `https-then-http`: the policy allows an insecure registry, so https is tried first, and http goes without credentials. */
export type Scheme = "https" | "http" | "https-then-http";

/** Which scheme a host is asked by. Plain http never happens unless the host is loopback or someone allowed it. */
export function schemeOf(host: string, allowInsecure: boolean, options: SchemeOptions): Scheme {
  if (isAmong(options.tlsHosts, host, "https")) return "https";
  if (isAmong(options.insecureHosts, host, "http") || isLoopbackName(hostname(host))) return "http";
  return allowInsecure ? "https-then-http" : "https";
}

/** `host` without its port. */
function hostname(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : (host.split(":")[0] ?? host);
}
