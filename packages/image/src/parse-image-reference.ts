import { type Digest, digestProblem } from "./digest.ts";
import { referenceProblem } from "./explain-bad-reference.ts";
import type { ImageReference } from "./image-reference.ts";
import { ImageReferenceError, shown } from "./image-reference-error.ts";

/** Kyverno's configuration of image names (its ConfigMap has the same keys). */
export interface ImageReferenceOptions {
  /**
   * The registry of references without one, possibly with a path below it. Its host must be a DNS name without port,
   * underscores allowed; anything else, an address too, counts as `docker.io`, as in Kyverno.
   */
  readonly defaultRegistry?: string;
  /** False: references without a registry keep none. Default true. */
  readonly enableDefaultRegistryMutation?: boolean;
}

/** Longer text is refused unread: name ≤ 255, tag ≤ 128, digest ≤ 135, and no host is this long. */
const maxLength = 2048;
const maxRepositoryLength = 255;

// The grammar of distribution/reference v0.6.0. Each alternative is decided by its next character, so that no input
// makes these backtrack more than once over it.
const host = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domain = String.raw`(?:${host}(?:\.${host})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const segment = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`;
const path = `${segment}(?:/${segment})*`;
const tag = String.raw`\w[\w.-]{0,127}`;
const digest = `[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}`;
const grammar = new RegExp(`^(?:(${domain})/)?(${path})(?::(${tag}))?(?:@(${digest}))?$`);

// What Kyverno takes for a DNS name (`IsDNSName` of govalidator), for the configured registry only.
const label = String.raw`\w[\w-]{0,62}`;
const dnsName = new RegExp(String.raw`^${label}(?:\.${label})*[._]?$`);
const ipv4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/;

/**
 * Parses an image reference as Kyverno does (kyverno/pkg/utils/image/infos.go over distribution/reference): strict,
 * `docker.io` where no registry is written, `latest` where neither tag nor digest is, no `library/`. Unlike Kyverno
 * it keeps the tag beside a digest. Throws `ImageReferenceError`, which says what is wrong and where.
 */
export function parseImageReference(text: string, options: ImageReferenceOptions = {}): ImageReference {
  if (text.length > maxLength) {
    const message = `image reference is ${text.length} characters long, at most ${maxLength} are read`;
    throw new ImageReferenceError("tooLong", text, { message, offset: maxLength });
  }
  const defaulted = !namesRegistry(text);
  const full = defaulted ? `${defaultRegistry(options)}/${text}` : text;
  const match = grammar.exec(full);
  if (match === null) throw referenceProblem(text);
  const [, domainPart = "", pathPart = "", tagPart, digestPart] = match;
  if (pathPart.length > maxRepositoryLength) {
    const message = `bad image \`${shown(text)}\`: repository name must not be more than 255 characters`;
    throw new ImageReferenceError("badRepository", text, { message });
  }
  const problem = digestPart === undefined ? undefined : digestProblem(digestPart);
  if (problem !== undefined) {
    const offset = text.length - (digestPart?.length ?? 0) + problem.offset;
    const message = `bad image \`${shown(text)}\`: ${problem.message}`;
    throw new ImageReferenceError(problem.code, text, { message, offset });
  }
  const registry = defaulted && options.enableDefaultRegistryMutation === false ? "" : domainPart;
  return Object.freeze({
    ...splitName(registry, pathPart),
    ...(tagPart !== undefined ? { tag: tagPart } : digestPart === undefined ? { tag: "latest" } : {}),
    ...(digestPart !== undefined ? { digest: digestPart as Digest } : {}),
    text,
  });
}

/** The part before the first slash is a registry if it looks like a host or cannot be a path. */
function namesRegistry(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return false;
  const first = text.slice(0, slash);
  return /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
}

function defaultRegistry({ defaultRegistry: name = "" }: ImageReferenceOptions): string {
  const [first = ""] = name.split("/", 1);
  const short = first.replaceAll(".", "").length <= 255;
  return short && dnsName.test(first) && !ipv4.test(first) ? name : "docker.io";
}

/** A host with an underscore is no domain by the grammar; Kyverno takes it for the registry all the same. */
function splitName(registry: string, repository: string): Pick<ImageReference, "registry" | "repository"> {
  const slash = repository.indexOf("/");
  if (registry !== "" || slash < 0 || !repository.slice(0, slash).includes("_"))
    return { registry, repository };
  return { registry: repository.slice(0, slash), repository: repository.slice(slash + 1) };
}
