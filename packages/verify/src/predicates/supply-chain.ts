import type { Json, JsonObject } from "@assay/policy";
import { type Fields, fieldsOf, present, textList, texts, timeOf } from "./read.ts";

/** Predicate types of verification summaries and links. */
export const supplyChainTypes = {
  vsa: "https://slsa.dev/verification_summary/v1",
  link: "https://in-toto.io/Link/v1",
  linkV03: "https://in-toto.io/attestation/link/v0.3",
} as const;

/** A SLSA verification summary (slsa.dev/spec/v1.0/verification_summary). */
export interface VerificationSummary {
  readonly verifierId: string;
  readonly timeVerified?: Date;
  readonly resourceUri: string;
  readonly policyUri?: string;
  readonly result: string;
  readonly verifiedLevels: readonly string[];
  readonly slsaVersion?: string;
}

/** An in-toto link (in-toto.io spec 1.0 §4.4). */
export interface InTotoLink {
  readonly name?: string;
  readonly command: readonly string[];
  readonly materials: readonly LinkArtifact[];
  readonly products: readonly LinkArtifact[];
  readonly byproducts?: JsonObject;
  readonly environment?: JsonObject;
}

/** A file before or after a step. */
export interface LinkArtifact {
  readonly path: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** Reads a verification summary. Throws `PredicateError`. */
export function readVerificationSummary(predicate: Json): VerificationSummary {
  const fields = fieldsOf(predicate);
  return present({
    verifierId: fields.object("verifier").text("id"),
    timeVerified: timeOf(fields.optionalText("timeVerified"), "timeVerified"),
    resourceUri: fields.text("resourceUri"),
    policyUri: fields.optionalObject("policy")?.optionalText("uri"),
    result: fields.text("verificationResult"),
    verifiedLevels: textList(fields.json("verifiedLevels"), "verifiedLevels"),
    slsaVersion: fields.optionalText("slsaVersion"),
  });
}

/** Reads an in-toto link. Throws `PredicateError`. */
export function readLink(predicate: Json): InTotoLink {
  const fields = fieldsOf(predicate);
  return present({
    name: fields.optionalText("name"),
    command: textList(fields.json("command"), "command"),
    materials: readArtifacts(fields, "materials"),
    products: readArtifacts(fields, "products"),
    byproducts: fields.optionalObject("byproducts")?.raw,
    environment: fields.optionalObject("environment")?.raw,
  });
}

/** A map from path to digests in the old form, a list of resources in the new one. */
function readArtifacts(fields: Fields, name: string): readonly LinkArtifact[] {
  if (Array.isArray(fields.json(name))) {
    return fields.list(name).map((one) => ({
      path: one.optionalText("name") ?? one.text("uri"),
      digest: texts(one.optionalObject("digest")),
    }));
  }
  const map = fields.optionalObject(name);
  return map === undefined
    ? []
    : Object.keys(map.raw).map((path) => ({ path, digest: texts(map.object(path)) }));
}
