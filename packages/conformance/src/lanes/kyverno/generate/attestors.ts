import type { KeyName, Scope } from "./surroundings.ts";

/** Where an attestor stands, and what it may use. */
export interface AttestorScope extends Scope {
  /** The name of the rule's context entry that holds keys. */
  readonly keysFrom?: string;
  /** Names that the rule's context has. */
  readonly variables: readonly string[];
  /** Of `type: SigstoreBundle`, where less is allowed. */
  readonly isBundle: boolean;
  readonly of: "image" | "attestation";
}

/** `keys` of one name, which need no log. */
export function keyed({ names }: Pick<Scope, "names">, key: KeyName): readonly object[] {
  const rekor = { url: names.log, ignoreTlog: true };
  return [{ entries: [{ keys: { publicKeys: names.keys[key], rekor, ctlog: { ignoreSCT: true } } }] }];
}

/** One item of `attestors`: entries, and perhaps how many of them must have signed. */
export function attestorSet(scope: AttestorScope, depth = 0): object {
  const { random } = scope;
  const entries = random.list([1, 1, 1, 2, 2, 3], () => entry(scope, depth));
  return { ...random.maybe(0.4, () => ({ count: 1 + random.below(entries.length) })), entries };
}

function entry(scope: AttestorScope, depth: number): object {
  const { random, of, isBundle, variables } = scope;
  if (of === "image" && depth < 2 && random.chance(0.1)) return { attestor: attestorSet(scope, depth + 1) };
  const annotations = [{ env: "prod" }, { env: "dev" }, { env: "prod", team: "pay" }, { team: "pay" }];
  const fromVariable = variables.includes("envname") ? [{ env: "{{ envname }}" }] : [];
  const annotated = of === "attestation" ? 0.03 : isBundle ? 0 : 0.15;
  return {
    ...signer(scope),
    ...random.maybe(annotated, () => ({ annotations: random.one([...annotations, ...fromVariable]) })),
    ...random.maybe(isBundle ? 0 : 0.05, () => ({ repository: otherRepository(scope) })),
    ...random.maybe(0.04, () => ({ signatureAlgorithm: random.one(["sha256", "sha512", "sha384"]) })),
  };
}

function signer(scope: AttestorScope): object {
  const { random, isBundle } = scope;
  if (random.chance(0.1)) return certificates(scope);
  if (!isBundle && random.chance(0.12)) return keyless(scope);
  return keys(scope);
}

/** A repository where the signatures of an image of `t/else` are. */
export function otherRepository({ random, names }: Scope): string {
  return `${random.one(names.hosts)}/t/store`;
}

const single: readonly KeyName[] = ["a", "a", "a", "a", "b", "b", "c", "p384", "p521", "rsa", "ed"];

function keys(scope: AttestorScope): object {
  const { random, names, of, keysFrom } = scope;
  const several = (): object => {
    const some = random.list([2, 3], () => names.keys[random.one<KeyName>(["a", "b", "c", "rsa"])]);
    return { publicKeys: some.join(random.one(["", "\n", "\n\n"])) };
  };
  const field = random.one(["a", "b", "ab", "nope"]);
  const whose = random.one([
    ...Array.from({ length: 6 }, () => ({ publicKeys: names.keys[random.one(single)] })),
    ...(of === "image" ? [several()] : []),
    { publicKeys: "k8s://kyverno/cosign-a" },
    { secret: { name: "cosign-a", namespace: "kyverno" } },
    ...(keysFrom === undefined ? [] : [{ publicKeys: `{{ ${keysFrom}.data.${field} }}` }]),
  ]);
  const algorithm = random.maybe(0.12, () => ({
    signatureAlgorithm: random.one(["sha256", "sha384", "sha512", "sha224"]),
  }));
  const logged = { rekor: { url: names.log, pubkey: names.sigstore.rekor }, ctlog: { ignoreSCT: true } };
  return { keys: { ...whose, ...algorithm, ...(random.chance(0.08) ? logged : offline(scope)) } };
}

function offline({ random, names }: Scope): object {
  const pubkey = random.maybe(0.1, () => ({ pubkey: names.sigstore.rekor }));
  return { rekor: { url: names.log, ignoreTlog: true, ...pubkey }, ctlog: { ignoreSCT: true } };
}

function certificates(scope: AttestorScope): object {
  const { random, names } = scope;
  const [cert, certChain] = [names.certificate, names.certificateChain];
  return {
    certificates: { ...random.one([{ cert }, { cert, certChain }, { certChain }]), ...offline(scope) },
  };
}

const workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const subjects = [
  ...[workflow, "https://github.com/acme/*", "*@acme.example", "*", "alice@acme.example"],
  "https://github.com/*/release.yml@refs/heads/main",
];
const subjectExpressions = ["^https://github.com/acme/.*$", "acme", "^alice@", ".*"];
const issuers = ["https://token.actions.githubusercontent.com", "https://*", "https://accounts.example", "*"];
const issuerExpressions = ["^https://token\\.", "accounts", ".*"];

function keyless({ random, names }: AttestorScope): object {
  const { rekor, ctlog, roots } = names.sigstore;
  const ignoreTlog = random.maybe(0.1, () => ({ ignoreTlog: true }));
  const additionalExtensions = (): object => ({
    [random.one(["githubWorkflowRepository", "githubWorkflowRef"])]: random.one([
      ...["evil/app", "*", "acme/*", "refs/heads/main"],
    ]),
  });
  return {
    keyless: {
      rekor: { url: names.log, pubkey: rekor, ...ignoreTlog },
      ctlog: random.chance(0.5) ? { pubkey: ctlog } : { ignoreSCT: true },
      roots,
      ...(random.chance(0.7)
        ? { subject: random.one(subjects) }
        : { subjectRegExp: random.one(subjectExpressions) }),
      ...(random.chance(0.7)
        ? { issuer: random.one(issuers) }
        : { issuerRegExp: random.one(issuerExpressions) }),
      ...random.maybe(0.15, () => ({ additionalExtensions: additionalExtensions() })),
    },
  };
}
