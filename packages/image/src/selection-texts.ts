import { type ImageReference, matchText, tagText } from "./image-reference.ts";

const known = new WeakMap<ImageReference, readonly string[]>();

/**
 * Every text under which a pattern may select the image, the one that was written first: its digest and its tag form,
 * in every spelling that a container runtime fetches the same image for. `selects` and look-ups by prefix must agree
 * on these, or an image slips past the one or the other.
 */
export function selectionTexts(image: ImageReference): readonly string[] {
  const texts = known.get(image) ?? [...new Set([image, ...spellings(image)].flatMap(forms))];
  if (Object.isFrozen(image)) known.set(image, texts);
  return texts;
}

function forms(image: ImageReference): readonly string[] {
  const both = image.digest !== undefined && image.tag !== undefined;
  return both ? [matchText(image), tagText(image)] : [matchText(image)];
}

/** The names under which policies may know what is fetched for this image, its usual one first. */
function spellings(image: ImageReference): readonly ImageReference[] {
  const registries = registrySpellings(image.registry);
  const repositories = registries.includes(dockerHub)
    ? hubRepositories(image.repository)
    : [image.repository];
  return registries.flatMap((registry) =>
    repositories.map((repository) => ({ ...image, registry, repository })),
  );
}

const dockerHub = "docker.io";
const dockerHubs = [dockerHub, "index.docker.io", "registry-1.docker.io"];

/** Hosts have no case, ports no zeros in front, and IPv6 addresses one short form; 443 is where https goes without one. */
function registrySpellings(registry: string): readonly string[] {
  if (registry === "") return [];
  const lower = registry
    .toLowerCase()
    .replace(/^\[.*\]/, shortAddress)
    .replace(/:0+(?=[0-9]+$)/, ":");
  const host = lower.replace(/:443$/, "");
  if (dockerHubs.includes(host)) return dockerHubs;
  return /:[0-9]+$/.test(host) ? [host] : [host, `${host}:443`];
}

/** What is no address stays as it is: nothing is fetched from there. */
function shortAddress(bracketed: string): string {
  const url = `http://${bracketed}`;
  return URL.canParse(url) ? new URL(url).hostname : bracketed;
}

/** Docker Hub's official images: `nginx` is kept as `library/nginx`. */
function hubRepositories(repository: string): readonly string[] {
  const name = repository.replace(/^library\/(?=[^/]+$)/, "");
  return name.includes("/") ? [name] : [name, `library/${name}`];
}
