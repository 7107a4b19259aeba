import { repositoryName } from "@assay/image";
import type { Attestor, SourcePosition } from "@assay/policy";
import { hostOf, originOf } from "./gather/gather.ts";
import type { Lookup } from "./gather/lookup.ts";
import { withoutUserInfo } from "./gather/without-user-info.ts";
import { type Case, judgeOnce } from "./judge-once.ts";
import type { CompiledEntry, CompiledSets } from "./plan/compile.ts";
import { repositoryOf } from "./plan/repository.ts";
import type { PlannedImage } from "./plan/request-plan.ts";

/** A question that would be asked, or might be. */
export interface PlannedLookup {
  readonly kind: Lookup["kind"];
  /** What it is about: an image, a digest, a ConfigMap, a key. */
  readonly subject: string;
  /** Registry host, service, KMS scheme, `cluster`, or the name of a trust root. */
  readonly host: string;
  readonly when: /** At once. */
    | "now"
    /** When the tag was resolved. */
    | "whenResolved"
    /** Only if the registry has no referrers API. */
    | "ifNoReferrersApi"
    /** Only if a bundle hangs there that signs the manifest itself. */
    | "ifManifestIsSigned"
    /** Only if a signature that was found needs log, CT or authority keys that the policy does not give. */
    | "ifTrustIsNeeded"
    /** Only if a signature by the right signer comes without its log entry. */
    | "ifLogEntryIsMissing";
}

/** A rule that applies, and the images it checks. */
export interface PlanRule {
  readonly policy: string;
  readonly rule: string;
  readonly source: SourcePosition;
  readonly images: readonly string[];
}

/** What an evaluation would do, known without asking anybody. */
export interface Plan {
  readonly rules: readonly PlanRule[];
  readonly lookups: readonly PlannedLookup[];
  /** Every host among the lookups, sorted. */
  readonly hosts: readonly string[];
}

/** The plan of one request: what the first pass asks, and what may follow from its answers. */
export function planOf(one: Case): Plan {
  const judgement = judgeOnce(one, new Map());
  const first = judgement.kind === "wanted" ? [...judgement.wanted.values()].map(plannedNow) : [];
  const announced = judgement.kind === "wanted" ? judgement.announced.map(plannedLater) : [];
  const planned = unique([
    ...first,
    ...announced,
    ...one.plan.rules.flatMap(({ images }) => images.flatMap(followUps)),
  ]);
  const lookups = [...planned, ...trustLookups(one), ...logLookups(one)];
  return {
    rules: one.plan.rules
      .filter(({ images }) => images.length > 0)
      .map(({ compiled: { policy, rule }, images }) => ({
        policy: policy.name,
        rule: rule.name,
        source: rule.source,
        images: images.map(({ text }) => text),
      })),
    lookups,
    hosts: [...new Set(lookups.map(({ host }) => host))].sort(),
  };
}

function plannedNow(lookup: Lookup): PlannedLookup {
  return { kind: lookup.kind, subject: subjectOf(lookup), host: originOf(lookup), when: "now" };
}

function plannedLater(lookup: Lookup): PlannedLookup {
  return { ...plannedNow(lookup), when: "whenResolved" };
}

/** What hangs on the answers: evidence of a tag's digest, and the fallback tag of registries without a referrers API. */
function followUps({ reference, entries }: PlannedImage): readonly PlannedLookup[] {
  const image = repositoryName(reference);
  const digest = reference.digest ?? `(digest of ${reference.tag})`;
  const at = (kind: Lookup["kind"], repository: string, when: PlannedLookup["when"]): PlannedLookup => {
    return { kind, subject: `${repository}@${digest}`, host: hostIn(repository), when };
  };
  const active = entries.filter(({ skipped }) => !skipped).map(({ compiled }) => compiled);
  const shelves = unique(active.flatMap((entry) => shelvesOf(entry, image, at)));
  const referrers = shelves.filter(({ kind }) => kind === "referrers");
  const tags = shelves.filter(({ kind }) => kind !== "referrers");
  const later = reference.digest === undefined ? [...tags, ...referrers] : [];
  const fallbacks = referrers.map(
    (one): PlannedLookup => ({ ...one, kind: "referrersTag", when: "ifNoReferrersApi" }),
  );
  const signed = active.some(mayBeSigned) ? [at("manifest", image, "ifManifestIsSigned")] : [];
  return [...later, ...fallbacks, ...signed];
}

/** Where one entry's evidence may be: beside the image, or in the repositories that it or its attestors name. */
function shelvesOf(
  { entry, attestors, attestations }: CompiledEntry,
  image: string,
  at: (kind: Lookup["kind"], repository: string, when: "whenResolved") => PlannedLookup,
): readonly PlannedLookup[] {
  const beside = placeOf(entry.repository) ?? image;
  const legacy = entry.type !== "SigstoreBundle";
  const shelves = (kind: Lookup["kind"], { model }: CompiledSets): readonly PlannedLookup[] => {
    const places = [...new Set(model.flatMap(repositoriesOf))].map((own) => placeOf(own) ?? beside);
    const kinds = legacy ? ([kind, "referrers"] as const) : (["referrers"] as const);
    return places.flatMap((place) => kinds.map((one) => at(one, place, "whenResolved")));
  };
  return [
    ...(attestors === undefined ? [] : shelves("signatureTag", attestors)),
    ...attestations.flatMap((attestation) => shelves("attestationTag", attestation.attestors)),
  ];
}

/** What each signer of a set says of where its signatures are; undefined: beside the others. */
function repositoriesOf(attestor: Attestor): readonly (string | undefined)[] {
  return attestor.kind === "set" ? attestor.entries.flatMap(repositoriesOf) : [attestor.repository];
}

/** A `repository` as `registry/path`; one with variables as it is written. */
function placeOf(repository: string | undefined): string | undefined {
  return repository === undefined || repository.includes("{{") ? repository : repositoryOf(repository);
}

function hostIn(repository: string): string {
  const slash = repository.indexOf("/");
  return slash < 0 ? repository : repository.slice(0, slash);
}

/** Whether a bundle could count as an image signature. */
function mayBeSigned({ attestors, entry }: CompiledEntry): boolean {
  return attestors !== undefined && entry.type !== "Cosign";
}

/** Whose signatures are looked for, and in which way they are made ready. */
function setsOf({ plan }: Case): readonly CompiledSets[] {
  return plan.rules.flatMap(({ images }) =>
    images.flatMap(({ entries }) =>
      entries.flatMap(({ compiled }) => [
        ...(compiled.attestors === undefined ? [] : [compiled.attestors]),
        ...compiled.attestations.map(({ attestors }) => attestors),
      ]),
    ),
  );
}

function trustLookups(one: Case): readonly PlannedLookup[] {
  const isNeeded = setsOf(one).some((sets) => sets.kind === "variable" || sets.sets.mayNeedTrust);
  const name = one.settings.trustRoot;
  return isNeeded
    ? [{ kind: "trustRoot", subject: name, host: `trust root ${name}`, when: "ifTrustIsNeeded" }]
    : [];
}

/** Logs that may be asked for missing entries. Which ones a trust root names is not known before it is loaded. */
function logLookups(one: Case): readonly PlannedLookup[] {
  if (one.settings.logLookup === "never") return [];
  const ofRoot = `logs of trust root ${one.settings.trustRoot}`;
  const urls = setsOf(one).flatMap(({ model }) => model.flatMap(logUrlsOf));
  return [...new Set(urls)].map((url) => ({
    kind: "logEntries",
    subject: url === undefined ? ofRoot : withoutUserInfo(url),
    host: url === undefined ? ofRoot : hostOf(url),
    when: "ifLogEntryIsMissing",
  }));
}

/** What the loader fills in for `rekor.url`, as Kyverno does. */
const defaultLog = "https://rekor.sigstore.dev";

/** `rekor.url` of every signer whose signatures must be logged; undefined: the trust root says where. */
function logUrlsOf(attestor: Attestor): readonly (string | undefined)[] {
  if (attestor.kind === "set") return attestor.entries.flatMap(logUrlsOf);
  const { rekor } = attestor;
  if (rekor?.ignoreTlog === true) return [];
  return [rekor?.pubkey === undefined && rekor?.url === defaultLog ? undefined : rekor?.url];
}

function subjectOf(lookup: Lookup): string {
  switch (lookup.kind) {
    case "digest":
    case "imageData":
      return lookup.image.text;
    case "signatureTag":
    case "attestationTag":
    case "referrers":
    case "referrersTag":
    case "manifest":
      return `${lookup.repository}@${lookup.digest}`;
    case "configMap":
    case "secret":
      return `${lookup.namespace}/${lookup.name}`;
    case "apiCall":
      return `${lookup.method} ${withoutUserInfo(lookup.url)}`;
    case "kmsKey":
      return lookup.reference;
    case "logEntries":
      return withoutUserInfo(lookup.url);
    case "globalContext":
    case "trustRoot":
      return lookup.name;
  }
}

function unique(lookups: readonly PlannedLookup[]): readonly PlannedLookup[] {
  return [...new Map(lookups.map((one) => [`${one.kind} ${one.subject}`, one])).values()];
}
