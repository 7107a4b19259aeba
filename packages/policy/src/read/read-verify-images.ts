import type { AttestationRule, AttestorSet, FailureAction, ImageVerification } from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import { type OfEntry, readAttestorSet } from "./read-attestors.ts";
import { readConditions } from "./read-conditions.ts";
import { readRegistryCredentials } from "./read-context.ts";
import { field, filledText, flagOf, items, optional, textOf, textRecord, textsOf } from "./read-node.ts";

/** Reads one entry of `verifyImages`; the old fields are converted as Kyverno does. */
export function readImageVerification(spot: Spot, report: Report): ImageVerification {
  const old = readOldAttestors(spot, report);
  const type = textOf(field(spot, "type"));
  const ofEntry = { type, annotations: textRecord(field(spot, "annotations")) };
  const own = items(field(spot, "attestors")).map((set) => readAttestorSet(set, report, ofEntry));
  const attestationSpots = items(field(spot, "attestations"));
  // Old keys and issuers were meant for the attestations where there are some (Convert() in image_verification_types.go).
  const attestors = attestationSpots.length === 0 ? [...own, ...old] : own;
  const attestations = attestationSpots.map((one) => readAttestation(one, { own, old, ofEntry }, report));
  if (type === "Notary") {
    const message =
      "`type: Notary` is not supported: only Cosign and Sigstore bundle signatures can be verified";
    report.error("unsupported", field(spot, "type") ?? spot, message);
  }
  return {
    ...placeOf(spot),
    ...(type === "Cosign" || type === "SigstoreBundle" ? { type } : {}),
    ...optional("failureAction", textOf(field(spot, "failureAction")) as FailureAction | undefined),
    imageReferences: readReferences(spot, report),
    skipImageReferences: patterns(field(spot, "skipImageReferences"), report),
    attestors,
    attestations,
    ...optional("repository", filledText(field(spot, "repository"))),
    mutateDigest: flagOf(field(spot, "mutateDigest")) ?? true,
    verifyDigest: flagOf(field(spot, "verifyDigest")) ?? true,
    required: flagOf(field(spot, "required")) ?? true,
    useCache: flagOf(field(spot, "useCache")) ?? true,
    ...optional(
      "signaturePredicateTypes",
      textOf(field(spot, "signaturePredicateTypes")) as "any" | undefined,
    ),
    ...optional(
      "registryCredentials",
      readRegistryCredentials(field(spot, "imageRegistryCredentials"), report),
    ),
    ...optional("validate", readValidate(field(spot, "validate"), report)),
  };
}

function readReferences(spot: Spot, report: Report): readonly string[] {
  const image = field(spot, "image");
  const references = patterns(field(spot, "imageReferences"), report);
  const old = filledText(image);
  const all = old === undefined ? references : [...references, old];
  if (all.length === 0)
    report.error(
      "missingField",
      spot,
      "an image reference is required: `imageReferences` is missing or empty",
    );
  return all;
}

function patterns(spot: Spot | undefined, report: Report): readonly string[] {
  for (const pattern of items(spot)) {
    const text = textOf(pattern) ?? "";
    if (/\{\{|\$\(/.test(text)) {
      report.error("unsupported", pattern, "rule should not have variables in image reference section");
    }
    if (text === "") report.error("badValue", pattern, "an empty image reference matches no image");
  }
  return textsOf(spot);
}

/** `key`, or `issuer` with `subject` and `roots`: one attestor. */
function readOldAttestors(spot: Spot, report: Report): readonly AttestorSet[] {
  for (const name of ["image", "key", "issuer", "subject", "roots", "annotations", "cosignOCI11"]) {
    const one = field(spot, name);
    if (one !== undefined)
      report.warning("deprecated", one, `\`${name}\` is deprecated here: ${replacement[name] ?? ""}`);
  }
  const extensions = field(spot, "additionalExtensions");
  if (extensions !== undefined) {
    const message = "`additionalExtensions` has no effect here, as in Kyverno: it belongs into `keyless`";
    report.warning("ignoredField", extensions, message);
  }
  const key = field(spot, "key");
  const issuer = field(spot, "issuer");
  const annotations = textRecord(field(spot, "annotations"));
  const common = { annotations, signatureAlgorithm: "sha256" } as const;
  if (filledText(key) !== undefined && key !== undefined) {
    const publicKeys = filledText(key) ?? "";
    return [single(spot, { ...placeOf(key), kind: "key", ...common, publicKeys })];
  }
  if (filledText(issuer) !== undefined && issuer !== undefined) {
    const identity = {
      ...optional("issuer", filledText(issuer)),
      ...optional("subject", filledText(field(spot, "subject"))),
    };
    const roots = optional("roots", filledText(field(spot, "roots")));
    if (roots.roots === undefined)
      report.error("missingField", issuer, "either Rekor URL or roots are required");
    return [
      single(spot, {
        ...placeOf(issuer),
        kind: "keyless",
        annotations,
        ...identity,
        ...roots,
        additionalExtensions: {},
      }),
    ];
  }
  if (Object.keys(annotations).length > 0) tellOfSignerless(spot, report);
  const alone = ["subject", "roots"].map((name) => field(spot, name)).find((one) => one !== undefined);
  if (alone !== undefined && filledText(alone) !== undefined) {
    report.warning(
      "ignoredField",
      alone,
      `\`${alone.path}\` has no effect without \`key\` or \`issuer\`, as in Kyverno`,
    );
  }
  return [];
}

/** Beside `image`, Kyverno makes an attestor of annotations alone, which its webhook refuses: it names no signer. */
function tellOfSignerless(spot: Spot, report: Report): void {
  const at = field(spot, "annotations") ?? spot;
  if (filledText(field(spot, "image")) === undefined || items(field(spot, "attestations")).length > 0) return;
  const message =
    "`annotations` beside `image` need `key` or `issuer`: use `imageReferences`, and `annotations` of the attestors";
  report.error("conflict", at, message);
}

const replacement: Readonly<Record<string, string>> = {
  image: "use `imageReferences`",
  key: "use `attestors` with `keys.publicKeys`",
  issuer: "use `attestors` with `keyless.issuer`",
  subject: "use `attestors` with `keyless.subject`",
  roots: "use `attestors` with `keyless.roots`",
  annotations: "use `annotations` of the attestor",
  cosignOCI11: "referrers are always asked",
};

function single(spot: Spot, entry: AttestorSet["entries"][number]): AttestorSet {
  return { ...placeOf(spot), kind: "set", entries: [entry] };
}

interface Inherited {
  readonly own: readonly AttestorSet[];
  readonly old: readonly AttestorSet[];
  readonly ofEntry: OfEntry;
}

function readAttestation(spot: Spot, { own, old, ofEntry }: Inherited, report: Report): AttestationRule {
  const typeSpot = field(spot, "type");
  const oldType = field(spot, "predicateType");
  const type = filledText(typeSpot) ?? filledText(oldType);
  if (type === undefined)
    report.error("missingField", spot, "missing type: say which predicateType the attestation has");
  else if (filledText(typeSpot) === undefined && oldType !== undefined) {
    report.warning("deprecated", oldType, "`predicateType` is deprecated, use `type`");
  } else if (filledText(oldType) !== undefined && filledText(oldType) !== type && oldType !== undefined) {
    report.error("conflict", oldType, "`type` and `predicateType` differ: leave out `predicateType`");
  }
  const written = items(field(spot, "attestors")).map((set) => readAttestorSet(set, report, ofEntry));
  const given = [...written, ...old];
  const attestors = given.length > 0 ? given : own;
  if (attestors.length === 0) {
    const message =
      "an attestation needs attestors: it has none, and its entry has none either, so anyone could have made it";
    report.error("missingField", spot, message);
  }
  return {
    ...placeOf(spot),
    inheritsAttestors: given.length === 0,
    type: type ?? "",
    ...optional("name", filledText(field(spot, "name"))),
    attestors,
    ...optional("conditions", readConditions(field(spot, "conditions"), report)),
    quantifier: (textOf(field(spot, "quantifier")) ?? "all") as AttestationRule["quantifier"],
  };
}

function readValidate(spot: Spot | undefined, report: Report): ImageVerification["validate"] {
  if (spot === undefined) return undefined;
  const denial = field(spot, "deny");
  // `deny: {}` denies always, as in Kyverno: no condition is one that holds.
  const deny = denial && (readConditions(field(denial, "conditions"), report) ?? []);
  return {
    ...placeOf(spot),
    ...optional("message", filledText(field(spot, "message"))),
    ...optional("deny", deny),
  };
}
