import { readdirSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parseDocuments } from "../src/index.ts";
import { policyJsonSchema } from "../src/schema.ts";
import { lintExamples, wholePolicy } from "./lint-examples.ts";

const ajv = new Ajv({ strict: true, allowUnionTypes: true, keywords: ["deprecationMessage"] });
const validate = ajv.compile(policyJsonSchema());
const accepts = (text: string): boolean =>
  parseDocuments({ text }).documents.every((document) => validate(document));

describe("policyJsonSchema", () => {
  const fixtures = new URL("../../conformance/cases/fixtures/policies/", import.meta.url);
  test.each(readdirSync(fixtures))("accepts the fixture %s", (file) => {
    expect(accepts(readFileSync(new URL(file, fixtures), "utf8"))).toBe(true);
  });
  test.each(["original-page-1.yaml", "original-page-2.yaml"])("accepts the page's %s", (file) => {
    expect(accepts(readFileSync(new URL(`../testdata/${file}`, import.meta.url), "utf8"))).toBe(true);
  });
  test.each(Object.entries(lintExamples))("accepts the examples of %s", (_, { form, bad, good }) => {
    expect(accepts(wholePolicy(form, bad))).toBe(true);
    expect(accepts(wholePolicy(form, good))).toBe(true);
  });
  const page = readFileSync(new URL("../testdata/original-page-1.yaml", import.meta.url), "utf8");
  test.each([
    ["a misspelt field", "imageReferences", "imageReferencs"],
    ["a wrong type", "background: false", "background: never"],
    ["a word of nobody", "operator: Equals", "operator: Equal"],
    ["a timeout out of range", "webhookTimeoutSeconds: 30", "webhookTimeoutSeconds: 60"],
    ["another kind", "kind: ClusterPolicy", "kind: Policies"],
  ])("refuses %s", (_, written, typed) => {
    expect(page).toContain(written);
    expect(accepts(page.replace(written, typed))).toBe(false);
  });
  test("reaches into nested attestors", () => {
    const nested = (field: string): string =>
      wholePolicy(
        "entry",
        `imageReferences: ["*"]\nattestors: [{entries: [{attestor: {entries: [{attestor: {${field}: 1}}]}}]}]`,
      );
    expect(accepts(nested("count"))).toBe(true);
    expect(accepts(nested("counts"))).toBe(false);
  });
  test("says what fields mean", () => {
    expect(JSON.stringify(policyJsonSchema())).toContain("Patterns of the images to verify");
  });
});
