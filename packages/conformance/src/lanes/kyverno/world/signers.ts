import {
  createAuthority,
  createKey,
  createSigstore,
  type Signer,
  type SigningKey,
  type Sigstore,
} from "@assay/testkit";
import type { KeyName, Surroundings } from "../generate/surroundings.ts";

/** Everyone who signs something. */
export interface Signers {
  readonly keys: Readonly<Record<KeyName, SigningKey>>;
  readonly sigstore: Sigstore;
  /** Another one, which was trusted until `retiredAt`: two hours ago. */
  readonly retired: Sigstore;
  readonly retiredAt: Date;
  /** By a certificate of somebody's own authority. */
  readonly certified: Signer;
  /** Keyless identities: a workflow, a person, and a workflow of someone else. */
  readonly workflow: Signer;
  readonly person: Signer;
  readonly stranger: Signer;
  /** What policies may say of them. */
  readonly pem: Pick<Surroundings, "keys" | "sigstore" | "certificate" | "certificateChain">;
}

/** Fresh keys; keyless certificates of now, because Kyverno takes no clock. */
export function createSigners(): Signers {
  const keys = {
    ...{ a: createKey(), b: createKey(), c: createKey(), p384: createKey("p384"), p521: createKey("p521") },
    ...{ rsa: createKey("rsa2048"), ed: createKey("ed25519") },
  };
  const clock = (): Date => new Date();
  const [sigstore, retired] = [createSigstore({ clock }), createSigstore({ clock })];
  const authority = createAuthority({ name: "pki" });
  const certified = authority.certify(createKey(), {
    alternativeNames: [{ kind: "email", value: "ci@acme.example" }],
    extendedKeyUsage: ["codeSigning"],
  });
  const pem = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, key.pem]));
  return {
    keys,
    ...{ sigstore, retired, retiredAt: new Date(Date.now() - 2 * 3_600_000) },
    certified,
    workflow: sigstore.identity(),
    person: sigstore.identity({ subject: "alice@acme.example", issuer: "https://accounts.example" }),
    stranger: sigstore.identity({
      subject: "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main",
      extensions: { githubWorkflowRepository: "evil/app", githubWorkflowRef: "refs/heads/main" },
    }),
    pem: {
      keys: pem as Readonly<Record<KeyName, string>>,
      sigstore: sigstore.pem,
      certificate: certified.certificatePem,
      certificateChain: authority.pem,
    },
  };
}
