import type { Json } from "@assay/policy";
import { type Fields, fieldsOf, PredicateError, present, textList, timeOf } from "./read.ts";

/** Predicate types of software bills of materials. */
export const sbomTypes = {
  spdx: "https://spdx.dev/Document",
  cycloneDx: "https://cyclonedx.org/bom",
} as const;

/** A package of an SPDX document. */
export interface SpdxPackage {
  readonly spdxId: string;
  readonly name: string;
  readonly version?: string;
  readonly licenseConcluded?: string;
  readonly licenseDeclared?: string;
  readonly supplier?: string;
  readonly purls: readonly string[];
}

/** An SPDX 2.x document (spdx.github.io/spdx-spec/v2.3). */
export interface SpdxDocument {
  readonly spdxVersion: string;
  readonly name: string;
  readonly namespace?: string;
  readonly created?: Date;
  readonly creators: readonly string[];
  readonly packages: readonly SpdxPackage[];
}

/** A component of a CycloneDX document. */
export interface CycloneDxComponent {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly licenses: readonly string[];
  readonly components: readonly CycloneDxComponent[];
}

/** A CycloneDX document (cyclonedx.org/docs/1.6/json). */
export interface CycloneDxDocument {
  readonly specVersion: string;
  readonly serialNumber?: string;
  readonly timestamp?: Date;
  readonly component?: CycloneDxComponent;
  readonly components: readonly CycloneDxComponent[];
}

/** Reads an SPDX 2.x predicate: a JSON object, or its text, as `cosign attest --type spdx` stores it. Throws `PredicateError`. */
export function readSpdx(predicate: Json): SpdxDocument {
  const fields = fieldsOf(typeof predicate === "string" ? parse(predicate) : predicate);
  const creation = fields.optionalObject("creationInfo");
  return present({
    spdxVersion: fields.text("spdxVersion"),
    name: fields.text("name"),
    namespace: fields.optionalText("documentNamespace"),
    created: timeOf(creation?.optionalText("created"), "creationInfo.created"),
    creators: textList(creation?.json("creators"), "creationInfo.creators"),
    packages: fields.list("packages").map(readPackage),
  });
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new PredicateError("predicate", "JSON");
  }
}

function readPackage(fields: Fields): SpdxPackage {
  const references = fields
    .list("externalRefs")
    .filter((one) => one.optionalText("referenceType") === "purl");
  return present({
    spdxId: fields.text("SPDXID"),
    name: fields.text("name"),
    version: fields.optionalText("versionInfo"),
    licenseConcluded: fields.optionalText("licenseConcluded"),
    licenseDeclared: fields.optionalText("licenseDeclared"),
    supplier: fields.optionalText("supplier"),
    purls: references.map((one) => one.text("referenceLocator")),
  });
}

/** Reads a CycloneDX predicate. Throws `PredicateError`. */
export function readCycloneDx(predicate: Json): CycloneDxDocument {
  const fields = fieldsOf(predicate);
  if (fields.text("bomFormat") !== "CycloneDX") throw new PredicateError("bomFormat", "`CycloneDX`");
  const metadata = fields.optionalObject("metadata");
  const component = metadata?.optionalObject("component");
  return present({
    specVersion: fields.text("specVersion"),
    serialNumber: fields.optionalText("serialNumber"),
    timestamp: timeOf(metadata?.optionalText("timestamp"), "metadata.timestamp"),
    component: component && readComponent(component, 0),
    components: fields.list("components").map((one) => readComponent(one, 0)),
  });
}

const maxDepth = 64;

function readComponent(fields: Fields, depth: number): CycloneDxComponent {
  if (depth > maxDepth) throw new PredicateError("components", `nested less than ${maxDepth} levels`);
  return present({
    type: fields.text("type"),
    name: fields.text("name"),
    version: fields.optionalText("version"),
    purl: fields.optionalText("purl"),
    licenses: fields.list("licenses").flatMap(readLicense),
    components: fields.list("components").map((one) => readComponent(one, depth + 1)),
  });
}

function readLicense(fields: Fields): readonly string[] {
  const license = fields.optionalObject("license");
  const name =
    fields.optionalText("expression") ?? license?.optionalText("id") ?? license?.optionalText("name");
  return name === undefined ? [] : [name];
}
