import {
  createSigstore,
  type Format,
  type IdentityOptions,
  type LeafSpec,
  type Signer,
  type SignOptions,
  type TestImage,
} from "@assay/testkit";
import { createCtLog, createRekor, createTimestampAuthority, GITHUB_SUBJECT } from "@assay/testkit/parts";
import { predicates } from "./predicates.ts";
import type { Signers } from "./signers.ts";

type Build = (made: TestImage) => TestImage;
type Builds = Readonly<Record<string, Build>>;

/** The formats, by the words that images' names begin with, and who signs in them: everybody only where they are read differently. */
const formats: Readonly<Record<string, readonly [Format, RegExp]>> = {
  sig: ["legacy", /./],
  b3: ["bundle-v0.3", /./],
  b1: ["bundle-v0.1", /^(?:workflow|old|by-.*)$/],
  oci: ["oci11", /^(?:workflow|old|two|evilfirst|key-v1)$/],
};

/** Images that keyless identities signed and attested, and a key: each identity, and each kind of evidence, in each format. */
export function keylessBuilds(signers: Signers): Builds {
  const who = identities(signers);
  const all: Readonly<Record<string, Identity>> = { ...who, ...throughTime(signers) };
  const evidence = Object.entries(vouched(signers));
  const builds: Builds = {
    ...Object.fromEntries(Object.entries(all).map(([name, identity]) => [name, by(identity)])),
    ...Object.fromEntries(
      evidence.flatMap(([name, options]) => [
        [`by-${name}`, by({ signer: who.workflow.signer, options })],
        [`key-${name}`, by({ signer: { ...signers.keys.a, log: signers.sigstore.rekor }, options })],
      ]),
    ),
    ...several(who),
    cert: by({ signer: signers.certified }),
  };
  return Object.fromEntries(
    Object.entries(formats).flatMap(([word, [format, names]]) =>
      Object.entries(builds)
        .filter(([name]) => names.test(name))
        .map(([name, build]): [string, Build] => [
          `${word}-${name}`,
          (made) => build(made.using({ format })),
        ]),
    ),
  );
}

function by({ signer, options = {} }: Identity): Build {
  const p = predicates();
  return (made) => made.using(options).signedBy(signer).attested(p.built, p.scanned);
}

/** Who signs, and how where that is not as usual. */
interface Identity {
  readonly signer: Signer;
  readonly options?: SignOptions;
}

const HOUR = 3_600_000;

const extensions = {
  ...{ githubWorkflowTrigger: "push", githubWorkflowSha: "0".repeat(40), githubWorkflowName: "release" },
  ...{ githubWorkflowRepository: "acme/app", githubWorkflowRef: "refs/heads/main" },
};

function identities({ sigstore, retired }: Signers) {
  const another = createSigstore({ clock: sigstore.clock });
  // Runs may take longer than the ten minutes for which such a certificate is valid.
  const edit = (spec: LeafSpec): LeafSpec => ({
    ...spec,
    notAfter: new Date(sigstore.clock().getTime() + 24 * HOUR),
  });
  const identity = (options: IdentityOptions): Signer => sigstore.identity({ edit, extensions, ...options });
  const workflow = identity({});
  const evil = "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main";
  const names = [
    { kind: "email", value: "alice@acme.example" },
    { kind: "uri", value: GITHUB_SUBJECT },
  ] as const;
  const uris = [evil, GITHUB_SUBJECT].map((value) => ({ kind: "uri", value }) as const);
  const hosts = [
    { kind: "dns", value: "ci.acme.example" },
    { kind: "ip", value: "10.0.0.1" },
  ] as const;
  return {
    workflow: { signer: workflow },
    person: {
      signer: identity({
        subject: "alice@acme.example",
        issuer: "https://accounts.example",
        extensions: {},
      }),
    },
    evil: { signer: identity({ subject: evil, extensions: { githubWorkflowRepository: "evil/app" } }) },
    tag: { signer: identity({ subject: GITHUB_SUBJECT.replace("heads/main", "tags/v1") }) },
    impostor: { signer: identity({ issuer: "https://accounts.evil.example" }) },
    names: { signer: identity({ subject: names }) },
    uris: { signer: identity({ subject: uris }) },
    host: { signer: identity({ subject: hosts }) },
    user: { signer: identity({ subject: [{ kind: "other", value: "alice!acme.example" }] }) },
    nobody: { signer: identity({ subject: [] }) },
    anywhere: { signer: identity({ issuer: "" }) },
    unseen: { signer: identity({ ctLogs: [] }) },
    seenelse: { signer: identity({ ctLogs: [createCtLog()] }) },
    seenboth: { signer: identity({ ctLogs: [createCtLog(), sigstore.ctLog] }) },
    elsewhere: { signer: { ...another.identity({ edit, extensions }), log: sigstore.rekor } },
    retiredct: { signer: identity({ ctLogs: [retired.ctLog] }) },
    retiredca: {
      signer: { ...retired.identity({ edit, extensions, ctLogs: [sigstore.ctLog] }), log: sigstore.rekor },
    },
  } satisfies Readonly<Record<string, Identity>>;
}

/** Certificates of ten minutes some time ago, and who says when they were used. */
function throughTime({ sigstore, retired }: Signers): Readonly<Record<string, Identity>> {
  const { clock, rekor, timestampAuthority } = sigstore;
  const ago = (hours: number): Date => new Date(clock().getTime() - hours * HOUR);
  const [at, before] = [ago(1), ago(3)];
  const signer = sigstore.identity({ extensions, at });
  const now = { ...timestampAuthority, timestamp: (data: Uint8Array) => timestampAuthority.timestamp(data) };
  const byRetired = retired.identity({ extensions, at: before, ctLogs: [sigstore.ctLog] });
  return {
    // Used while the certificate was valid, and after that.
    old: { signer, options: { at } },
    late: { signer },
    oldnolog: { signer, options: { log: false } },
    oldtsa: { signer, options: { at, log: false, timestampAuthority } },
    oldlogtsa: { signer, options: { at, timestampAuthority } },
    oldlatetsa: { signer, options: { at, timestampAuthority: now } },
    latetsa: { signer, options: { log: false, timestampAuthority } },
    // Used while those were trusted that no longer are.
    wasct: {
      signer: sigstore.identity({ extensions, at: before, ctLogs: [retired.ctLog] }),
      options: { at: before },
    },
    wasca: { signer: { ...byRetired, log: rekor }, options: { at: before } },
    waslog: {
      signer: sigstore.identity({ extensions, at: before }),
      options: { at: before, log: retired.rekor },
    },
  };
}

/** What stands for time and log, beside the usual. */
function vouched({ sigstore, retired }: Signers): Readonly<Record<string, SignOptions>> {
  const { rekor, rekorV2, timestampAuthority, clock } = sigstore;
  const stranger = createTimestampAuthority({ clock });
  return {
    v1: {},
    nolog: { log: false },
    otherlog: { log: createRekor({ clock }) },
    retiredlog: { log: retired.rekor },
    promise: { logEvidence: "promise" },
    proof: { logEvidence: "proof" },
    tsa: { timestampAuthority },
    badtsa: { timestampAuthority: stranger },
    "tsa-nolog": { timestampAuthority, log: false },
    "badtsa-nolog": { timestampAuthority: stranger, log: false },
    v2: { log: rekorV2 },
    "v2-tsa": { log: rekorV2, timestampAuthority },
    "v2-badtsa": { log: rekorV2, timestampAuthority: stranger },
    "v1-v2": { log: [rekor, rekorV2], timestampAuthority },
    intoto: { entryKind: "intoto002" },
  };
}

/** Images that more than one have signed. */
function several(who: ReturnType<typeof identities>): Builds {
  const p = predicates();
  const [workflow, person, evil] = [who.workflow.signer, who.person.signer, who.evil.signer];
  return {
    two: (made) => made.signedBy(workflow).attested(p.built).signedBy(person).attested(p.scanned),
    evilfirst: (made) =>
      made.signedBy(evil).attested(p.builtElsewhere).signedBy(workflow).attested(p.built, p.scanned),
    evilatt: (made) => made.signedBy(workflow).attestedBy(evil, p.built, p.scanned),
    builtelse: (made) => made.signedBy(workflow).attested(p.builtElsewhere, p.scannedLongAgo),
    unattested: (made) => made.signedBy(workflow),
    attonly: (made) => made.attestedBy(workflow, p.built, p.scanned),
    unsigned: (made) => made,
  };
}
