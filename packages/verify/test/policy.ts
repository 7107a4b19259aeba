import type { Attestor, CertificateAttestor, KeyAttestor, KeylessAttestor, Rekor } from "@assay/policy";
import type { ResolvedSet } from "@assay/verify";
import { fixtureText } from "./fixtures.ts";

const source = { file: "policy.yaml", line: 1, column: 1 } as const;

function place(path: string): { readonly path: string; readonly source: typeof source } {
  return { path, source };
}

/** Attestors as the policy parser would hand them over. */
export function set(entries: ResolvedSet["entries"], count?: number): ResolvedSet {
  return { kind: "set", ...place("attestors[0]"), entries, ...(count === undefined ? {} : { count }) };
}

export function nested(entries: readonly Attestor[], count?: number): Attestor {
  return {
    kind: "set",
    ...place("attestors[0].entries[0].attestor"),
    entries,
    ...(count === undefined ? {} : { count }),
  };
}

export const ignoreTlog: Rekor = { ignoreTlog: true };

export function key(publicKeys: string, more: Partial<KeyAttestor> = {}): KeyAttestor {
  const base = {
    kind: "key",
    ...place("attestors[0].entries[0].keys"),
    annotations: {},
    signatureAlgorithm: "sha256",
  } as const;
  return { ...base, publicKeys, rekor: ignoreTlog, ...more };
}

export function fixtureKey(name: string, more: Partial<KeyAttestor> = {}): KeyAttestor {
  return key(fixtureText(`keys/${name}.pub`), more);
}

export const workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
export const issuer = "http://127.0.0.1:9998";

/** As the policies of the fixture set: everything from the policy itself. */
export function keyless(more: Partial<KeylessAttestor> = {}): KeylessAttestor {
  return {
    kind: "keyless",
    ...place("attestors[0].entries[0].keyless"),
    annotations: {},
    subject: workflow,
    issuer,
    additionalExtensions: {},
    roots: fixtureText("trust/fulcio-chain.pem"),
    rekor: { ignoreTlog: false, url: "http://127.0.0.1:3000", pubkey: fixtureText("trust/rekor.pub") },
    ctlog: { ignoreSCT: false, pubkey: fixtureText("trust/ctlog.pub") },
    ...more,
  };
}

/** Everything from the trust root. */
export function keylessByTrust(more: Partial<KeylessAttestor> = {}): KeylessAttestor {
  const { roots, rekor, ctlog, ...rest } = keyless();
  return { ...rest, ...more };
}

export function certificate(more: Partial<CertificateAttestor>): CertificateAttestor {
  return { kind: "certificate", ...place("attestors[0].entries[0].certificates"), annotations: {}, ...more };
}
