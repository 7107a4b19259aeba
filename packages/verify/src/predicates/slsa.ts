import type { Json, JsonObject } from "@assay/policy";
import { type Fields, fieldsOf, present, texts, timeOf } from "./read.ts";

/** Predicate types of SLSA provenance. */
export const slsaTypes = {
  v02: "https://slsa.dev/provenance/v0.2",
  v1: "https://slsa.dev/provenance/v1",
} as const;

/** Something that went into a build, or came out of it. */
export interface SlsaResource {
  readonly uri?: string;
  readonly name?: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** SLSA provenance v0.2 (slsa.dev/spec/v0.2/provenance). */
export interface SlsaProvenanceV02 {
  readonly builderId: string;
  readonly buildType: string;
  readonly invocation?: JsonObject;
  readonly buildConfig?: Json;
  readonly startedOn?: Date;
  readonly finishedOn?: Date;
  readonly reproducible: boolean;
  readonly materials: readonly SlsaResource[];
}

/** SLSA provenance v1.x (slsa.dev/spec/v1.0/provenance). */
export interface SlsaProvenanceV1 {
  readonly buildType: string;
  readonly externalParameters: JsonObject;
  readonly internalParameters?: JsonObject;
  readonly resolvedDependencies: readonly SlsaResource[];
  readonly builderId: string;
  readonly builderVersion: Readonly<Record<string, string>>;
  readonly invocationId?: string;
  readonly startedOn?: Date;
  readonly finishedOn?: Date;
  readonly byproducts: readonly SlsaResource[];
}

/** Reads SLSA provenance v0.2. Throws `PredicateError`. */
export function readSlsaV02(predicate: Json): SlsaProvenanceV02 {
  const fields = fieldsOf(predicate);
  const metadata = fields.optionalObject("metadata");
  return present({
    builderId: fields.object("builder").text("id"),
    buildType: fields.text("buildType"),
    invocation: fields.optionalObject("invocation")?.raw,
    buildConfig: fields.json("buildConfig"),
    startedOn: timeOf(metadata?.optionalText("buildStartedOn"), "metadata.buildStartedOn"),
    finishedOn: timeOf(metadata?.optionalText("buildFinishedOn"), "metadata.buildFinishedOn"),
    reproducible: metadata?.json("reproducible") === true,
    materials: fields.list("materials").map(readResource),
  });
}

/** Reads SLSA provenance v1.x. Throws `PredicateError`. */
export function readSlsaV1(predicate: Json): SlsaProvenanceV1 {
  const definition = fieldsOf(predicate).object("buildDefinition");
  const details = fieldsOf(predicate).object("runDetails");
  const builder = details.object("builder");
  const metadata = details.optionalObject("metadata");
  return present({
    buildType: definition.text("buildType"),
    externalParameters: definition.object("externalParameters").raw,
    internalParameters: definition.optionalObject("internalParameters")?.raw,
    resolvedDependencies: definition.list("resolvedDependencies").map(readResource),
    builderId: builder.text("id"),
    builderVersion: texts(builder.optionalObject("version")),
    invocationId: metadata?.optionalText("invocationId"),
    startedOn: timeOf(metadata?.optionalText("startedOn"), "runDetails.metadata.startedOn"),
    finishedOn: timeOf(metadata?.optionalText("finishedOn"), "runDetails.metadata.finishedOn"),
    byproducts: details.list("byproducts").map(readResource),
  });
}

function readResource(fields: Fields): SlsaResource {
  return present({
    uri: fields.optionalText("uri"),
    name: fields.optionalText("name"),
    digest: texts(fields.optionalObject("digest")),
  });
}
