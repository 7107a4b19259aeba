import { holding } from "./expressions.ts";
import { inNamespace, type KyvernoObject, policy } from "./policies.ts";
import { type Scope, types } from "./surroundings.ts";

// Policies of keyless identities and of keys whose signatures are logged, mostly with what they trust from the TUF repository.

/** Where an identity stands. */
interface Place extends Scope {
  readonly isBundle: boolean;
  readonly of: "image" | "attestation";
}

/** One rule that may block, or many that only warn, so that one review asks about all of their identities. */
export function keylessPolicy(scope: Scope, name: string, isEnforced: boolean): KyvernoObject {
  const { random } = scope;
  const rules = random.list([isEnforced ? 1 : 3], (index) => ({
    name: `r${index}`,
    match: inNamespace(scope),
    verifyImages: [verification(scope)],
  }));
  const validationFailureAction = isEnforced ? "Enforce" : "Audit";
  return policy(scope, { name, spec: { validationFailureAction, failurePolicy: "Fail", rules } });
}

function verification(scope: Scope): object {
  const { random } = scope;
  const isBundle = random.chance(0.5);
  const [isSigned, isAttested] = random.one([
    [true, false],
    [true, false],
    [true, true],
    [false, true],
  ] as const);
  const at = { ...scope, isBundle };
  const sets = (place: Place): readonly object[] => random.list([1, 1, 1, 2], () => attestorSet(place));
  return {
    ...{ imageReferences: ["*"], mutateDigest: false, verifyDigest: false, required: false },
    type: isBundle ? "SigstoreBundle" : "Cosign",
    ...random.maybe(isBundle ? 0 : 0.15, () => ({ cosignOCI11: true })),
    ...(isSigned && { attestors: sets({ ...at, of: "image" }) }),
    ...(isAttested && {
      attestations: random.list([1, 1, 2], () => ({
        type: random.one([types.slsa02, types.slsa02, types.vuln, types.slsa1]),
        attestors: sets({ ...at, of: "attestation" }),
        ...random.maybe(0.5, () => ({ conditions: [{ all: [random.one(holding)] }] })),
      })),
    }),
  };
}

function attestorSet(place: Place, depth = 0): object {
  const { random } = place;
  const entries = random.list([1, 1, 1, 2, 3], () =>
    place.of === "image" && depth < 2 && random.chance(0.12)
      ? { attestor: attestorSet(place, depth + 1) }
      : signer(place),
  );
  return { ...random.maybe(0.4, () => ({ count: 1 + random.below(entries.length) })), entries };
}

/** A key's log is found by the TUF repository, too. */
function signer(place: Place): object {
  const { random, names } = place;
  if (random.chance(0.85)) return { keyless: keyless(place) };
  const { roots: _, ...rest } = logs(place);
  const publicKeys = names.keys[random.chance(0.9) ? "a" : "c"];
  if (random.chance(place.isBundle ? 0.9 : 0.8)) return { keys: { publicKeys, ...rest } };
  const { certificate: cert, certificateChain: certChain } = names;
  return { certificates: { ...random.one([{ cert }, { cert, certChain }, { certChain }]), ...rest } };
}

function keyless(place: Place): object {
  const { random, isBundle } = place;
  return {
    ...identity(place),
    ...logs(place),
    ...random.maybe(isBundle ? 0.05 : 0.15, () => ({ additionalExtensions: extensions(place) })),
  };
}

const main = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const github = "https://token.actions.githubusercontent.com";
const accounts = "https://accounts.example";

/** Mostly the workflow's or the person's, by its text or by an expression. */
function identity({ random, isBundle }: Place): object {
  const wild = random.chance(isBundle ? 0.06 : 0.4);
  const subject = (): object => ({
    subject: wild
      ? random.one([
          "https://github.com/acme/*",
          "*@acme.example",
          "*",
          "*/release.yml@*",
          "alice?acme.example",
        ])
      : random.one([
          main,
          main,
          main,
          "alice@acme.example",
          main.replace("acme", "evil"),
          "alice!acme.example",
          "ci.acme.example",
        ]),
  });
  const subjectRegExp = (): object => ({
    subjectRegExp: random.one([
      ...["^https://github.com/acme/.*$", "acme", "^alice@", ".*", "^$", "(?i)^HTTPS://GITHUB\\.COM/"],
      ...[
        "refs/heads/main$",
        "refs/(heads|tags)/\\w+$",
        "\\Ahttps://[^/]+/acme/",
        "^https://github.com/evil",
      ],
    ]),
  });
  const issuer = (): object => ({
    issuer: wild
      ? random.one(["https://*", "*", "https://accounts*", "*githubusercontent.com"])
      : random.one([github, github, github, accounts, "https://accounts.evil.example"]),
  });
  const issuerRegExp = (): object => ({
    issuerRegExp: random.one([
      "^https://token\\.",
      "accounts",
      ".*",
      "^https://[^.]+\\.actions\\.",
      "example$",
    ]),
  });
  const both = isBundle ? 0.06 : 0.12;
  const alone = isBundle ? 0.04 : 0.15;
  const [names, issuers] = [
    random.chance(both) ? [subject, subjectRegExp] : [random.chance(0.65) ? subject : subjectRegExp],
    random.chance(both) ? [issuer, issuerRegExp] : [random.chance(0.65) ? issuer : issuerRegExp],
  ];
  const left = random.chance(alone) ? random.one([names, issuers]) : [...names, ...issuers];
  return Object.assign({}, ...left.map((make) => make()));
}

function extensions({ random }: Place): object {
  return Object.fromEntries(
    random.list([1, 1, 2], () =>
      random.one([
        ...[
          ["githubWorkflowRepository", "acme/app"],
          ["githubWorkflowRepository", "acme/*"],
        ],
        ...[
          ["githubWorkflowRef", "refs/heads/main"],
          ["githubWorkflowTrigger", "push"],
        ],
        ...[
          ["githubWorkflowTrigger", "pull_request"],
          ["githubWorkflowName", "rel?ase"],
          ["githubWorkflowSha", "0*"],
        ],
        ["1.3.6.1.4.1.57264.1.5", "acme/app"],
      ]),
    ),
  );
}

interface Logs {
  readonly rekor: object;
  readonly ctlog?: object;
  readonly roots?: string;
}

/** What has to vouch for it, and by which keys: nearly always those of the TUF repository. */
function logs({ random, names, isBundle, of }: Place): Logs {
  const { rekor, ctlog, roots, tsaCertChain } = names.sigstore;
  const own = isBundle ? 0.04 : 0.12;
  const ignoreTlog = random.maybe(0.25, () => ({ ignoreTlog: true }));
  const ignoresSct = random.chance("ignoreTlog" in ignoreTlog ? 0.4 : isBundle ? 0.05 : 0.2);
  const ct = {
    ...(ignoresSct ? { ignoreSCT: true } : random.maybe(own, () => ({ pubkey: ctlog }))),
    ...random.maybe(isBundle ? 0.1 : 0.25, () => ({ tsaCertChain })),
  };
  const isSaid = Object.keys(ct).length > 0 || random.chance(of === "attestation" ? 0.7 : 0.3);
  return {
    rekor: { url: names.log, ...random.maybe(own, () => ({ pubkey: rekor })), ...ignoreTlog },
    ...(isSaid && { ctlog: ct }),
    ...random.maybe(own, () => ({ roots })),
  };
}
