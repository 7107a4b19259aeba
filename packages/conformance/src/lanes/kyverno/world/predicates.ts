import { custom, type Predicate, predicate, slsa, spdx, vuln } from "@assay/testkit";
import { types } from "../generate/surroundings.ts";

/** Hours before now, as a scan writes it: conditions ask how old scans are, and Kyverno takes no clock. */
function ago(hours: number): string {
  return new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
}

function found(...severities: readonly string[]): object {
  const Vulnerabilities = severities.map((Severity, index) => ({
    VulnerabilityID: `CVE-2026-${index}`,
    Severity,
    CVSS: { score: 1.5 + index * 2 },
  }));
  return { Results: [{ Vulnerabilities }] };
}

/** A value of every type, and texts that are written like another one. */
const odd = {
  ...{ request: { operation: "DELETE" }, images: { x: 1 }, tmpl: "{{ request.operation }}" },
  ...{ size: "10Mi", count: 5, zero: 0, neg: -2.5, age: "36h", ver: "1.4.2", flag: false, none: null },
  ...{ list: ["a", "b", "c"], nums: [1, 2, 3], empty: [], map: { k: "v" } },
  ...{ "with-dash": "d", "a.b": "dot", unicode: "Grüße" },
};
const odder = {
  ...{ size: "2Gi", count: "5", zero: "0", age: "30m", ver: "2.0.0-rc1", flag: "true" },
  ...{ list: ["a"], nums: [2], map: {}, text: "" },
};

const materials = [
  { uri: "git+https://git.example/acme/app", digest: { sha1: "abc" } },
  { uri: "pkg:docker/base@1.2" },
];

/** What images are attested to be. */
export function predicates(): Readonly<Record<PredicateName, Predicate>> {
  return {
    built: slsa({ version: "0.2", fields: { materials } }),
    builtElsewhere: slsa({ version: "0.2", builder: "https://evil.example/v1", buildType: "manual" }),
    provenance: slsa(),
    provenanceWithMore: slsa({
      builder: "https://other.example/v2",
      fields: { extra: { n: 3, f: 1.5, b: true, list: [1, 2, "3"] } },
    }),
    scanned: vuln({ finishedOn: ago(2), result: found("LOW", "MEDIUM") }),
    scannedLongAgo: vuln({ finishedOn: ago(24 * 40), result: found("CRITICAL", "LOW") }),
    nothingFound: vuln({ finishedOn: ago(30) }),
    parts: spdx({ packages: ["app", "openssl"] }),
    partsAsText: spdx({ asText: true }),
    approved: custom({ approved: true, by: "bob", level: 3 }),
    text: custom("just text"),
    odd: predicate(types.odd, odd),
    odder: predicate(types.odd, odder),
    list: predicate(types.list, ["x", "y"]),
  };
}

type PredicateName =
  | ("built" | "builtElsewhere" | "provenance" | "provenanceWithMore")
  | ("scanned" | "scannedLongAgo" | "nothingFound" | "parts" | "partsAsText" | "approved" | "text")
  | ("odd" | "odder" | "list");
