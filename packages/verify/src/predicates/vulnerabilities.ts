import type { Json, JsonObject } from "@assay/policy";
import { type Fields, fieldsOf, present, textList, timeOf } from "./read.ts";

/** Predicate types of statements about vulnerabilities. */
export const vulnerabilityTypes = {
  cosignVuln: "https://cosign.sigstore.dev/attestation/vuln/v1",
  openVex: "https://openvex.dev/ns",
} as const;

/** A scan, in cosign's form (cosign specs/COSIGN_VULN_ATTESTATION_SPEC.md). */
export interface CosignVuln {
  /** `cosign attest --type vuln` drops `name`: only statements made otherwise have it. */
  readonly scanner: {
    readonly uri?: string;
    readonly name?: string;
    readonly version?: string;
    readonly dbUri?: string;
    readonly dbVersion?: string;
  };
  /** As the scanner printed it. */
  readonly result?: Json;
  readonly invocation?: JsonObject;
  readonly scanStartedOn?: Date;
  readonly scanFinishedOn?: Date;
}

/** One statement of an OpenVEX document. */
export interface OpenVexStatement {
  readonly vulnerability: string;
  readonly products: readonly string[];
  readonly status: string;
  readonly justification?: string;
  readonly impactStatement?: string;
  readonly timestamp?: Date;
}

/** An OpenVEX document (github.com/openvex/spec). */
export interface OpenVexDocument {
  readonly id: string;
  readonly author: string;
  readonly timestamp?: Date;
  readonly version?: Json;
  readonly statements: readonly OpenVexStatement[];
}

/** Reads cosign's vulnerability predicate. Throws `PredicateError`. */
export function readCosignVuln(predicate: Json): CosignVuln {
  const fields = fieldsOf(predicate);
  const scanner = fields.object("scanner");
  const db = scanner.optionalObject("db");
  const metadata = fields.optionalObject("metadata");
  return present({
    scanner: present({
      uri: scanner.optionalText("uri"),
      name: scanner.optionalText("name"),
      version: scanner.optionalText("version"),
      dbUri: db?.optionalText("uri"),
      dbVersion: db?.optionalText("version"),
    }),
    result: scanner.json("result"),
    invocation: fields.optionalObject("invocation")?.raw,
    scanStartedOn: timeOf(metadata?.optionalText("scanStartedOn"), "metadata.scanStartedOn"),
    scanFinishedOn: timeOf(metadata?.optionalText("scanFinishedOn"), "metadata.scanFinishedOn"),
  });
}

/** Reads an OpenVEX predicate. Throws `PredicateError`. */
export function readOpenVex(predicate: Json): OpenVexDocument {
  const fields = fieldsOf(predicate);
  return present({
    id: fields.text("@id"),
    author: fields.text("author"),
    timestamp: timeOf(fields.optionalText("timestamp"), "timestamp"),
    version: fields.json("version"),
    statements: fields.list("statements").map(readStatement),
  });
}

function readStatement(fields: Fields): OpenVexStatement {
  return present({
    vulnerability: nameOf(fields, "vulnerability"),
    products: readProducts(fields),
    status: fields.text("status"),
    justification: fields.optionalText("justification"),
    impactStatement: fields.optionalText("impact_statement"),
    timestamp: timeOf(fields.optionalText("timestamp"), "statements.timestamp"),
  });
}

/** Older documents name things by a text, newer ones by an object with `name` or `@id`. */
function nameOf(fields: Fields, name: string): string {
  if (typeof fields.json(name) === "string") return fields.text(name);
  const inner = fields.object(name);
  return inner.optionalText("name") ?? inner.text("@id");
}

function readProducts(fields: Fields): readonly string[] {
  const products = fields.json("products");
  const areTexts = Array.isArray(products) && products.every((one: Json) => typeof one === "string");
  return areTexts ? textList(products, "products") : fields.list("products").map((one) => one.text("@id"));
}
