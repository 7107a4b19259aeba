import type { Json } from "@assay/policy";
import {
  PredicateError,
  readCosignVuln,
  readCycloneDx,
  readLink,
  readOpenVex,
  readSlsaV1,
  readSlsaV02,
  readSpdx,
  readVerificationSummary,
} from "@assay/verify/predicates";
import { describe, expect, test } from "vitest";
import { fixtureText } from "./fixtures.ts";

function fixture(name: string): Json {
  return JSON.parse(fixtureText(`predicates/${name}.json`)) as Json;
}

describe("predicates that were really attested", () => {
  test("SLSA provenance 0.2", () => {
    const read = readSlsaV02(fixture("slsa02"));
    expect(read).toMatchObject({
      builderId: expect.any(String),
      buildType: expect.any(String),
      reproducible: expect.any(Boolean),
    });
  });

  test("SLSA provenance 1", () => {
    const read = readSlsaV1(fixture("slsa1"));
    expect(read).toMatchObject({
      builderId: expect.any(String),
      buildType: expect.any(String),
      externalParameters: expect.any(Object),
    });
  });

  test("SPDX, as an object and as cosign's text", () => {
    const document = readSpdx(fixture("spdx"));
    expect(document.spdxVersion).toMatch(/^SPDX-2/);
    expect(readSpdx(fixtureText("predicates/spdx.json"))).toEqual(document);
  });

  test("CycloneDX", () => {
    expect(readCycloneDx(fixture("cyclonedx"))).toMatchObject({
      specVersion: expect.stringMatching(/^1\./),
      components: expect.any(Array),
    });
  });

  test("cosign's vulnerability scan", () => {
    const { scanner, scanFinishedOn } = readCosignVuln(fixture("vuln"));
    expect(scanner.uri ?? scanner.name).toEqual(expect.any(String));
    expect(scanFinishedOn).toBeInstanceOf(Date);
  });
});

test("OpenVEX, with names of both kinds", () => {
  const statements = [
    {
      vulnerability: "CVE-2026-1",
      products: ["pkg:oci/app"],
      status: "not_affected",
      justification: "component_not_present",
    },
    {
      vulnerability: { "@id": "https://x/CVE-2026-2", name: "CVE-2026-2" },
      products: [{ "@id": "pkg:oci/app" }],
      status: "fixed",
    },
  ];
  const read = readOpenVex({
    "@id": "https://x/vex",
    author: "acme",
    timestamp: "2026-01-01T00:00:00Z",
    version: 1,
    statements,
  });
  expect(
    read.statements.map(({ vulnerability, products, status }) => [vulnerability, ...products, status]),
  ).toEqual([
    ["CVE-2026-1", "pkg:oci/app", "not_affected"],
    ["CVE-2026-2", "pkg:oci/app", "fixed"],
  ]);
});

test("verification summaries", () => {
  const predicate = {
    verifier: { id: "https://acme.test/verifier" },
    timeVerified: "2026-01-01T00:00:00Z",
    resourceUri: "pkg:oci/app",
    policy: { uri: "https://acme.test/policy" },
    verificationResult: "PASSED",
    verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
  };
  expect(readVerificationSummary(predicate)).toMatchObject({
    result: "PASSED",
    verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
    policyUri: "https://acme.test/policy",
  });
});

test("links, old and new", () => {
  const digest = { sha256: "00" };
  const old = readLink({
    name: "build",
    command: ["make"],
    materials: { "a.c": digest },
    products: { a: digest },
  });
  const recent = readLink({
    name: "build",
    command: ["make"],
    materials: [{ name: "a.c", digest }],
    products: [{ uri: "file:a", digest }],
  });
  expect(old.materials).toEqual(recent.materials);
  expect(recent.products).toEqual([{ path: "file:a", digest }]);
});

describe("what has not the form of its type is refused, and the field is named", () => {
  test.each([
    [() => readSlsaV02({ buildType: "x" }), "builder"],
    [() => readSlsaV02({ builder: { id: 1 }, buildType: "x" }), "builder.id"],
    [() => readSlsaV02({ builder: { id: "x" }, buildType: "x", materials: {} }), "materials"],
    [() => readSlsaV02({ builder: { id: "x" }, buildType: "x", materials: ["x"] }), "materials[0]"],
    [() => readSlsaV02(null), "predicate"],
    [() => readSlsaV1({ buildDefinition: {} }), "runDetails"],
    [() => readSpdx("{"), "predicate"],
    [
      () => readSpdx({ spdxVersion: "SPDX-2.3", name: "x", creationInfo: { created: "never" } }),
      "creationInfo.created",
    ],
    [() => readCycloneDx({ bomFormat: "SPDX", specVersion: "1.5" }), "bomFormat"],
    [
      () => readCosignVuln({ scanner: { uri: "x" }, metadata: { scanFinishedOn: 5 } }),
      "metadata.scanFinishedOn",
    ],
    [
      () => readOpenVex({ "@id": "x", author: "x", statements: [{ vulnerability: 1, status: "x" }] }),
      "statements[0].vulnerability",
    ],
    [
      () =>
        readVerificationSummary({
          verifier: { id: "x" },
          resourceUri: "x",
          verificationResult: "x",
          verifiedLevels: [1],
        }),
      "verifiedLevels",
    ],
    [() => readLink({ command: "make" }), "command"],
  ])("%# %s", (read, path) => {
    expect(read).toThrow(PredicateError);
    expect(read).toThrow(expect.objectContaining({ path }));
  });

  test("names of the prototype are no fields", () => {
    expect(() => readSlsaV02({ builder: { id: "x" }, toString: "x" } as Json)).toThrow(
      expect.objectContaining({ path: "buildType" }),
    );
  });
});

describe("times are those of RFC 3339", () => {
  function created(timestamp: string): Date | undefined {
    return readCycloneDx({ bomFormat: "CycloneDX", specVersion: "1.5", metadata: { timestamp } }).timestamp;
  }

  test.each([
    ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000Z"],
    ["2026-01-01t12:00:00.123456789z", "2026-01-01T12:00:00.123Z"],
    ["2024-02-29T23:30:00-02:00", "2024-03-01T01:30:00.000Z"],
  ])("%s", (text, instant) => {
    expect(created(text)?.toISOString()).toBe(instant);
  });

  test.each([
    ["without zone, which every machine would read as its own", "2026-01-01T12:00:00"],
    ["of a day that is none", "2026-02-30T12:00:00Z"],
    ["of a month that is none", "2026-13-01T12:00:00Z"],
    ["of an hour that is none", "2026-01-01T25:00:00Z"],
    ["a day alone", "2026-01-01"],
    ["as people write it", "1 January 2026 12:00 UTC"],
    ["with text after it", "2026-01-01T12:00:00Z (UTC)"],
  ])("not %s", (_, text) => {
    expect(() => created(text)).toThrow(expect.objectContaining({ path: "metadata.timestamp" }));
  });
});
