import { FROZEN_TIME } from "../frozen-time.ts";
/** A predicate and its type: what an attestation says about an image. */
export interface Predicate {
  readonly predicateType: string;
  /** An object, or (cosign's `--type spdx`) a string. */
  readonly predicate: unknown;
  /** In-toto statement type. Default v0.1, as `cosign attest` writes it. */
  readonly statementType?: string;
}

/** Any predicate under any type. */
export function predicate(predicateType: string, value: unknown): Predicate {
  return { predicateType, predicate: value };
}

/** SLSA provenance, v1 unless `version: "0.2"`. Further fields replace or extend the predicate's own. */
export function slsa(
  options: {
    readonly version?: "0.2" | "1";
    readonly builder?: string;
    readonly buildType?: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  } = {},
): Predicate {
  const builder = { id: options.builder ?? "https://builder.example/v1" };
  const buildType = options.buildType ?? "https://builder.example/container@v1";
  if (options.version === "0.2")
    return predicate("https://slsa.dev/provenance/v0.2", {
      builder,
      buildType,
      invocation: { configSource: { uri: "git+https://git.example/acme/app", entryPoint: "build" } },
      metadata: { buildFinishedOn: FROZEN_TIME },
      materials: [],
      ...options.fields,
    });
  return predicate("https://slsa.dev/provenance/v1", {
    buildDefinition: { buildType, externalParameters: {}, resolvedDependencies: [] },
    runDetails: { builder, metadata: { finishedOn: FROZEN_TIME } },
    ...options.fields,
  });
}

/** A vulnerability scan in cosign's form. `cosign attest --type vuln` drops `scanner.name`; here it stays. */
export function vuln(
  options: {
    readonly scanner?: string;
    readonly finishedOn?: string;
    readonly result?: unknown;
    readonly fields?: Readonly<Record<string, unknown>>;
  } = {},
): Predicate {
  const finishedOn = options.finishedOn ?? FROZEN_TIME;
  return predicate("https://cosign.sigstore.dev/attestation/vuln/v1", {
    invocation: { parameters: [], uri: "", event_id: "", "builder.id": "" },
    scanner: {
      name: options.scanner ?? "trivy",
      uri: "pkg:github/aquasecurity/trivy@0.60.0",
      version: "0.60.0",
      db: { uri: "", version: "" },
      result: options.result ?? { Results: [] },
    },
    metadata: { scanStartedOn: finishedOn, scanFinishedOn: finishedOn },
    ...options.fields,
  });
}

/** An SPDX 2.3 document. `asText` is how cosign's `--type spdx` stores it: as one JSON string. */
export function spdx(
  options: {
    readonly name?: string;
    readonly packages?: readonly string[];
    readonly asText?: boolean;
    readonly fields?: Readonly<Record<string, unknown>>;
  } = {},
): Predicate {
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: options.name ?? "app",
    documentNamespace: "https://sbom.example/app",
    creationInfo: { created: FROZEN_TIME, creators: ["Tool: testkit"] },
    packages: (options.packages ?? ["app"]).map((name) => ({
      name,
      SPDXID: `SPDXRef-${name}`,
      versionInfo: "1.0.0",
    })),
    ...options.fields,
  };
  return predicate(
    "https://spdx.dev/Document",
    options.asText === true ? JSON.stringify(document) : document,
  );
}

/** What `cosign attest --type custom` makes of a file: its text in `Data`, and a time. */
export function custom(data: unknown, timestamp: string = FROZEN_TIME): Predicate {
  return predicate("https://cosign.sigstore.dev/attestation/v1", {
    Data: typeof data === "string" ? data : JSON.stringify(data),
    Timestamp: timestamp,
  });
}
