import { type ImageReference, repositoryName } from "@assay/image";
import type { Json, JsonObject } from "@assay/policy";
import { exactly } from "../flags/exact-pattern.ts";
import { parseImage } from "../inputs/parse-image.ts";
import { isJsonObject, ownField } from "../json-object.ts";
import type { ImageProfile, ProvenAttestation, ProvenSigner } from "./profile-image.ts";

/** The tightest policy that admits the profiled images, and in words what else it would admit. */
export interface Inference {
  readonly policy: JsonObject;
  readonly alsoAdmits: readonly string[];
}

/** Fields of well-known predicates that say how something was made; what differs between images is left open. */
const TELLING: ReadonlyMap<string, readonly string[]> = new Map([
  ["https://slsa.dev/provenance/v0.2", ["builder.id", "buildType", "invocation.configSource.uri"]],
  [
    "https://slsa.dev/provenance/v1",
    [
      "runDetails.builder.id",
      "buildDefinition.buildType",
      "buildDefinition.externalParameters.workflow.repository",
    ],
  ],
  ["https://spdx.dev/Document", ["spdxVersion"]],
  ["https://cyclonedx.org/bom", ["bomFormat"]],
]);

/** One rule entry for each repository: its images' common signers, and the attestations that all of them have. */
export function inferPolicy(profiles: readonly ImageProfile[], name: string): Inference {
  const groups = new Map<string, ImageProfile[]>();
  for (const profile of profiles) {
    const repository = repositoryOf(parseImage(profile.image));
    groups.set(repository, [...(groups.get(repository) ?? []), profile]);
  }
  const entries = [...groups].map(([repository, images]) => entryOf(repository, images));
  return {
    policy: {
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name },
      spec: {
        validationFailureAction: "Enforce",
        webhookTimeoutSeconds: 30,
        rules: [
          {
            name: "signed",
            match: { any: [{ resources: { kinds: ["Pod"] } }] },
            verifyImages: entries.map(({ entry }) => entry),
          },
        ],
      },
    },
    alsoAdmits: entries.flatMap(({ alsoAdmits }) => alsoAdmits),
  };
}

function repositoryOf(image: ImageReference): string {
  return repositoryName(image);
}

function entryOf(
  repository: string,
  images: readonly ImageProfile[],
): { entry: JsonObject; alsoAdmits: readonly string[] } {
  const signers = common(images.map((image) => image.signers));
  const attestations = commonAttestations(images);
  const entry: JsonObject = {
    imageReferences: [`${repository}:*`, `${repository}@*`],
    attestors: attestorsOf(signers),
    ...(attestations.length === 0 ? {} : { attestations: attestations.map(attestationOf) }),
  };
  const what = attestations.length === 0 ? "" : `, with ${attestations.map(({ type }) => type).join(", ")}`;
  return {
    entry,
    alsoAdmits: [
      `every image of ${repository}, past or future, under any tag, that was signed by ${describe(signers)}${what}`,
      ...signers.flatMap(caveats),
      ...attestations.flatMap(leftOpen),
    ],
  };
}

/** What an attestation may say, as far as the images say something else each, or nothing. */
function leftOpen({ type, predicates }: ProvenAttestation): readonly string[] {
  const asked = conditionsOf(type, predicates).map(({ key }) => key);
  if (asked.length === 0)
    return [`any content of an attestation ${type}: only its presence and signer are asked for`];
  const open = (TELLING.get(type) ?? []).filter((path) => !asked.includes(keyOf(path)));
  return open.length === 0 ? [] : [`any ${open.join(", ")} in an attestation ${type}`];
}

/** Signers that all have; where there is none, everybody's, of whom one suffices. */
function common(lists: readonly (readonly ProvenSigner[])[]): readonly ProvenSigner[] {
  const [first = [], ...rest] = lists;
  const shared = first.filter((signer) => rest.every((list) => list.some((other) => same(signer, other))));
  if (shared.length > 0) return shared.slice(0, 1);
  return [...new Map(lists.flat().map((signer) => [JSON.stringify(signer), signer])).values()];
}

function commonAttestations(images: readonly ImageProfile[]): readonly ProvenAttestation[] {
  const [first, ...rest] = images.map((image) => image.attestations);
  return (first ?? []).flatMap(({ type }) => {
    const all = [first ?? [], ...rest].map((list) => list.find((one) => one.type === type));
    if (all.some((one) => one === undefined)) return [];
    const known = all.filter((one) => one !== undefined);
    return [
      {
        type,
        signers: common(known.map(({ signers }) => signers)),
        predicates: known.flatMap(({ predicates }) => predicates),
      },
    ];
  });
}

function attestationOf({ type, signers, predicates }: ProvenAttestation): JsonObject {
  const conditions = conditionsOf(type, predicates);
  return {
    type,
    attestors: attestorsOf(signers),
    ...(conditions.length === 0 ? {} : { conditions: [{ all: conditions }] }),
  };
}

function conditionsOf(type: string, predicates: readonly Json[]): readonly JsonObject[] {
  return (TELLING.get(type) ?? []).flatMap((path) => {
    const values = new Set(predicates.map((predicate) => textAt(predicate, path)));
    const [value] = values;
    // A wildcard in the value would match more than itself.
    if (values.size !== 1 || value === undefined || /[*?{}]/.test(value)) return [];
    return [{ key: keyOf(path), operator: "Equals", value }];
  });
}

function keyOf(path: string): string {
  return `{{ ${path} }}`;
}

function textAt(value: Json, path: string): string | undefined {
  const found = path
    .split(".")
    .reduce<Json | undefined>((at, key) => (isJsonObject(at) ? ownField(at, key) : undefined), value);
  return typeof found === "string" ? found : undefined;
}

function attestorsOf(signers: readonly ProvenSigner[]): readonly JsonObject[] {
  return [{ count: 1, entries: signers.map(signerEntry) }];
}

function signerEntry(signer: ProvenSigner): JsonObject {
  if (signer.kind === "key") {
    const logs = signer.tlog === "ignore" ? { rekor: { ignoreTlog: true } } : {};
    return { keys: { publicKeys: signer.pem, ...logs } };
  }
  const identity = { ...exactly("subject", signer.subject), ...exactly("issuer", signer.issuer) };
  return { keyless: { ...identity, rekor: { url: "https://rekor.sigstore.dev" } } };
}

function describe(signers: readonly ProvenSigner[]): string {
  return signers
    .map((signer) => (signer.kind === "key" ? "the key" : `${signer.subject} (as ${signer.issuer} says)`))
    .join(" or ");
}

function caveats(signer: ProvenSigner): readonly string[] {
  if (signer.kind === "key") {
    const unlogged =
      signer.tlog === "ignore" ? ["signatures by the key that no transparency log has seen"] : [];
    return ["whatever a holder of the private key signs", ...unlogged];
  }
  const ref = /@refs\/(heads|tags)\/(.+)$/.exec(signer.subject);
  if (ref === null) return [];
  return ref[1] === "heads"
    ? [`whatever anyone who can push to ${ref[2]} makes the workflow sign`]
    : [`nothing of a later release: the identity ends in ${ref[0]}; write refs/tags/v* for all of them`];
}

function same(a: ProvenSigner, b: ProvenSigner): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
