import type { Random } from "../../../random.ts";

/** Keys that sign, by the names that the cases know them by; `c` and the last ones sign little. */
export type KeyName = "a" | "b" | "c" | "p384" | "p521" | "rsa" | "ed";

/** An image that some registry serves. */
export interface NamedImage {
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/**
 * What cases may name. Ports, keys and digests differ from run to run, and a case says the same with whichever it is given:
 * nothing that is drawn depends on them.
 */
export interface Surroundings {
  /** `127.0.0.1:PORT` of a registry without the referrers API, and of one with it. */
  readonly hosts: readonly [string, string];
  /** A transparency log that knows of nothing. */
  readonly log: string;
  /** PEM texts. */
  readonly keys: Readonly<Record<KeyName, string>>;
  readonly sigstore: Readonly<Record<"roots" | "rekor" | "ctlog" | "tsaCertChain", string>>;
  /** Somebody's own certificate and what stands above it, PEM. */
  readonly certificate: string;
  readonly certificateChain: string;
  /** Made for the comparison, under `t/`. */
  readonly images: readonly NamedImage[];
  /** Signed by keyless identities, under `k/`. */
  readonly keyless: readonly NamedImage[];
  /** Signed by cosign, under `acme/`. */
  readonly fixtures: readonly NamedImage[];
}

/** One set of cases in the making. */
export interface Scope {
  readonly random: Random;
  readonly names: Surroundings;
  /** Whose objects its policies are about. */
  readonly namespace: string;
}

/** Predicate types of the images' attestations. */
export const types = {
  slsa02: "https://slsa.dev/provenance/v0.2",
  slsa1: "https://slsa.dev/provenance/v1",
  vuln: "https://cosign.sigstore.dev/attestation/vuln/v1",
  spdx: "https://spdx.dev/Document",
  custom: "https://cosign.sigstore.dev/attestation/v1",
  odd: "https://acme.example/odd/v1",
  list: "https://acme.example/list/v1",
} as const;
