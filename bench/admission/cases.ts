import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./options.ts";

/** What is admitted, and what must come of it. */
export interface Case {
  readonly name: string;
  /** Cold images differ from request to request: then nothing about them is in any cache. */
  readonly image: () => string;
  readonly cold: boolean;
  readonly allowed: boolean;
  /** The admission must pin the image to the digest that was verified: nobody saves time by not verifying. */
  readonly pinned: boolean;
}

/** Where the images are. */
export interface Images {
  readonly host: string;
  /** Of `acme/key-ecdsa:v1`. */
  readonly digest: string;
  /** Whether there are images that nobody has met, and attested ones: only a registry of the run's own has them. */
  readonly all: boolean;
}

/** The cases for one peer. Every peer has cases of its own, so that each meets the same cold images, once. */
export function casesFor({ host, digest, all }: Images): readonly Case[] {
  const image = (name: string) => () => `${host}/acme/${name}`;
  const cold = (name: string): (() => string) => {
    let met = 0;
    return () => `${host}/acme/${name}-${met++}:v1`;
  };
  const signed = { allowed: true, pinned: true };
  const cases: readonly Case[] = [
    { name: "no match", image: () => "nginx:1", cold: false, allowed: true, pinned: false },
    { name: "signed, tag, cold", image: cold("cold"), cold: true, ...signed },
    { name: "signed, tag, warm", image: image("key-ecdsa:v1"), cold: false, ...signed },
    {
      name: "signed, digest, warm",
      image: image(`key-ecdsa@${digest}`),
      cold: false,
      ...signed,
      pinned: false,
    },
    { name: "unsigned, tag", image: image("unsigned:v1"), cold: false, allowed: false, pinned: false },
    { name: "signed + 3 attestations, cold", image: cold("attested"), cold: true, ...signed },
    { name: "signed + 3 attestations, warm", image: image("attested:v1"), cold: false, ...signed },
  ];
  return all ? cases : cases.filter(({ name }) => !/cold|attestations/.test(name));
}

/** The fixtures' images, in the registry where someone else put them. */
export function fixtureImages(host: string): Images {
  const index = join(root, "packages/conformance/cases/fixtures/images/tags/index.json");
  const { manifests } = JSON.parse(readFileSync(index, "utf8")) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const found = manifests.find(
    ({ annotations }) =>
      annotations?.["dev.assay.repository"] === "acme/key-ecdsa" &&
      annotations["org.opencontainers.image.ref.name"] === "v1",
  );
  if (found === undefined) throw new Error("the fixtures have no acme/key-ecdsa:v1");
  return { host, digest: found.digest, all: false };
}
