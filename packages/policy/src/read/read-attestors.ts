import type {
  Attestor,
  AttestorSet,
  CtLog,
  KeyAttestor,
  KeylessAttestor,
  Rekor,
  SignatureAlgorithm,
} from "../model.ts";
import { placeOf, type Report, type Spot } from "../report.ts";
import {
  entries,
  field,
  filledText,
  flagOf,
  integerOf,
  items,
  optional,
  textOf,
  textRecord,
} from "./read-node.ts";

/** What the entry of `verifyImages` says about all of its attestors. */
export interface OfEntry {
  readonly type: string | undefined;
  /** For attestors that say none of their own. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Reads one attestor set, nested sets included. Texts of errors are those of Kyverno's webhook. */
export function readAttestorSet(spot: Spot, report: Report, ofEntry: OfEntry): AttestorSet {
  const entries = items(field(spot, "entries"));
  const count = integerOf(field(spot, "count"));
  if (entries.length === 0) report.error("missingField", spot, "an entry is required in an attestor set");
  if (count !== undefined && entries.length > 0 && count > entries.length && !mayExpand(entries)) {
    const message = `count ${count} cannot exceed length of entries, which is ${entries.length}`;
    report.error("badValue", field(spot, "count") ?? spot, message);
  }
  return {
    ...placeOf(spot),
    kind: "set",
    ...optional("count", count),
    entries: entries.flatMap((entry) => readAttestor(entry, report, ofEntry) ?? []),
  };
}

/** Several PEM keys in one entry, or a variable that may hold them, become entries later. */
function mayExpand(entries: readonly Spot[]): boolean {
  return entries.some((entry) => {
    const keys = textOf(field(field(entry, "keys"), "publicKeys")) ?? "";
    return keys.includes("{{") || keys.split("-----END PUBLIC KEY-----").length > 2;
  });
}

const kinds = ["keys", "certificates", "keyless", "attestor"] as const;

function readAttestor(spot: Spot, report: Report, ofEntry: OfEntry): Attestor | undefined {
  const given = kinds.filter((kind) => field(spot, kind) !== undefined);
  const kind = given[0];
  if (kind === undefined || given.length > 1) {
    const message = "keys, certificates, keyless, or a nested attestor is required, and only one of them";
    report.error("conflict", spot, message);
    return undefined;
  }
  const inner = field(spot, kind);
  if (inner === undefined) return undefined;
  if (kind !== "attestor") warnOfEmpty(inner, report);
  switch (kind) {
    case "keys":
      return readKeys(spot, inner, report, ofEntry);
    case "certificates":
      return readCertificates(spot, inner, report, ofEntry);
    case "keyless":
      return readKeyless(spot, inner, report, ofEntry);
    case "attestor":
      return readAttestorSet(inner, report, ofEntry);
  }
}

/**
 * Empty text counts as absent, as in Kyverno. It is told: a template that lost a value leaves just that, and who is named by
 * less is more people.
 */
function warnOfEmpty(spot: Spot, report: Report): void {
  for (const [name, one] of entries(spot)) {
    // What is compared with may be empty.
    if (name === "additionalExtensions") continue;
    if (textOf(one) === "") {
      const message = `\`${name}\` is empty, as if it were not there: nothing is demanded by it`;
      report.warning("ignoredField", one, message);
    } else warnOfEmpty(one, report);
  }
}

function readKeys(spot: Spot, inner: Spot, report: Report, ofEntry: OfEntry): KeyAttestor {
  const publicKeys = filledText(field(inner, "publicKeys"));
  const secret = field(inner, "secret");
  const kms = filledText(field(inner, "kms"));
  const given = [publicKeys, secret, kms].filter((one) => one !== undefined).length;
  if (given === 0) report.error("missingField", inner, "a public key, kms key or secret is required");
  if (given > 1) {
    report.error(
      "conflict",
      inner,
      "only one of publicKeys, secret and kms can be given: Kyverno would ignore the others",
    );
  }
  const reference = publicKeys !== undefined && isKeyReference(publicKeys);
  return {
    ...signer(spot, inner, report, ofEntry),
    kind: "key",
    ...(reference ? { kms: publicKeys.trim() } : optional("publicKeys", publicKeys)),
    ...optional("kms", kms),
    ...(secret === undefined
      ? {}
      : {
          secret: {
            name: textOf(field(secret, "name")) ?? "",
            namespace: textOf(field(secret, "namespace")) ?? "",
          },
        }),
    signatureAlgorithm: algorithm(spot, inner),
  };
}

function isKeyReference(text: string): boolean {
  return /^\s*(?:awskms|gcpkms|azurekms|hashivault|k8s):\/\/\S+\s*$/.test(text);
}

/** The inner, deprecated field wins (cosign.go). */
function algorithm(spot: Spot, inner: Spot): SignatureAlgorithm {
  const text =
    filledText(field(inner, "signatureAlgorithm")) ?? filledText(field(spot, "signatureAlgorithm"));
  return (text ?? "sha256") as SignatureAlgorithm;
}

function readCertificates(spot: Spot, inner: Spot, report: Report, ofEntry: OfEntry): Attestor {
  const cert = filledText(field(inner, "cert"));
  const certChain = filledText(field(inner, "certChain"));
  if (cert === undefined && certChain === undefined) {
    report.error("missingField", inner, "cert or certChain required");
  }
  const pems = { ...optional("cert", cert), ...optional("certChain", certChain) };
  return { ...signer(spot, inner, report, ofEntry), kind: "certificate", ...pems };
}

function readKeyless(spot: Spot, inner: Spot, report: Report, ofEntry: OfEntry): KeylessAttestor {
  const identity = {
    ...optional("subject", filledText(field(inner, "subject"))),
    ...optional("subjectRegExp", filledText(field(inner, "subjectRegExp"))),
    ...optional("issuer", filledText(field(inner, "issuer"))),
    ...optional("issuerRegExp", filledText(field(inner, "issuerRegExp"))),
  };
  if (Object.keys(identity).length === 0) {
    const message =
      "keyless without subject and issuer would accept the signature of anyone: name the identity";
    report.error("missingField", inner, message);
  }
  const { subject, subjectRegExp } = identity;
  // Kyverno has two verifiers: that of bundles (sigstore-go) wants both subjects, that of `.sig` and `.att` either.
  const bothSubjects =
    ofEntry.type === "SigstoreBundle" && subject !== undefined && subjectRegExp !== undefined
      ? true
      : undefined;
  const roots = filledText(field(inner, "roots"));
  if (field(inner, "rekor") === undefined && roots === undefined) {
    report.error("missingField", inner, "either Rekor URL or roots are required");
  }
  return {
    ...signer(spot, inner, report, ofEntry),
    kind: "keyless",
    ...identity,
    ...optional("bothSubjects", bothSubjects),
    additionalExtensions: textRecord(field(inner, "additionalExtensions")),
    ...optional("roots", roots),
  };
}

function signer(
  spot: Spot,
  inner: Spot,
  report: Report,
  ofEntry: OfEntry,
): Omit<KeyAttestor, "kind" | "signatureAlgorithm"> {
  const annotations = textRecord(field(spot, "annotations"));
  const rekor = field(inner, "rekor");
  const ctlog = field(inner, "ctlog");
  return {
    ...placeOf(inner),
    annotations: Object.keys(annotations).length === 0 ? ofEntry.annotations : annotations,
    ...optional("repository", filledText(field(spot, "repository"))),
    ...(rekor === undefined ? {} : { rekor: readRekor(rekor, report) }),
    ...(ctlog === undefined ? {} : { ctlog: readCtLog(ctlog) }),
  };
}

function readRekor(spot: Spot, report: Report): Rekor {
  const url = field(spot, "url");
  if (url !== undefined && filledText(url) === undefined)
    report.error("missingField", url, "an URL is required");
  return {
    url: filledText(url) ?? "https://rekor.sigstore.dev",
    ...optional("pubkey", filledText(field(spot, "pubkey"))),
    ignoreTlog: flagOf(field(spot, "ignoreTlog")) ?? false,
  };
}

function readCtLog(spot: Spot): CtLog {
  return {
    ...optional("pubkey", filledText(field(spot, "pubkey"))),
    ...optional("tsaCertChain", filledText(field(spot, "tsaCertChain"))),
    ignoreSCT: flagOf(field(spot, "ignoreSCT")) ?? false,
  };
}
