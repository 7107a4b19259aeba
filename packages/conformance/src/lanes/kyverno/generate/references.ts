import type { Random } from "../../../random.ts";
import type { NamedImage, Scope } from "./surroundings.ts";

/** An image as an object names it: mostly one that there is, by tag, by digest or by both. */
export function reference({ random, names }: Scope): string {
  const image = random.one(random.chance(0.9) ? names.images : names.fixtures);
  const name = `${image.host}/${image.repository}`;
  const [byTag, byDigest] = [`${name}:${image.tag}`, `${name}@${image.digest}`];
  const both = random.chance(0.3) ? [`${byTag}@${image.digest}`] : [];
  const odd = random.chance(0.15) ? [name, `${name}:nope`, `${byTag}@sha256:${"0".repeat(64)}`, ""] : [];
  return random.one([byTag, byTag, byTag, byDigest, byDigest, ...both, ...odd]);
}

/** A pattern of `imageReferences`. */
export function pattern({ random, names }: Scope): string {
  const image = random.one(names.images);
  const name = `${image.host}/${image.repository}`;
  const host = random.one(names.hosts);
  return random.one([
    ...[
      "*",
      "*",
      `${host}/*`,
      `${host}/t/*`,
      `${host}/t/*:*`,
      `${host}/t/a*`,
      "127.0.0.1*",
      "127.0.0.1:*/t/*",
    ],
    ...["127.0.0.1:????*/t/*", `${name}*`, `${name}:${image.tag}`, `${name}@sha256:*`, "*@sha256:*"],
    ...["*:v1", "*/t/???", "*att*", "docker.io/*"],
  ]);
}

/** One of the images that have attestations, by digest or tag. */
export function attestedReference({ random, names }: Scope): string {
  const attested = names.images.filter(({ repository }) => /^t\/(?:att|mixed|a-log|bun)/.test(repository));
  return byDigestOrTag(random, random.one(attested));
}

/** One of the images that a keyless identity signed, by digest or tag; every other one by the identity that policies mostly name. */
export function keylessReference({ random, names }: Scope): string {
  const usual = names.keyless.filter(({ repository }) =>
    /-(?:workflow|by-.*|two|old|was.*|names)$/.test(repository),
  );
  return byDigestOrTag(random, random.one(random.chance(0.5) ? usual : names.keyless));
}

function byDigestOrTag(random: Random, { host, repository, tag, digest }: NamedImage): string {
  const name = `${host}/${repository}`;
  return random.chance(0.7) ? `${name}@${digest}` : `${name}:${tag}`;
}
