import type { Registry } from "./registry.ts";

const offline = { rekor: { url: "http://127.0.0.1:3000", ignoreTlog: true }, ctlog: { ignoreSCT: true } };

/**
 * The one ClusterPolicy that every peer judges by. Two rules of one entry each: Kyverno asks the registry for a tag's
 * digest again for every entry of a rule that looks at the image, also for those that do not match it.
 */
export function benchPolicy({ host, pem }: Pick<Registry, "host" | "pem">): object {
  const rule = (name: string, images: readonly string[], more: object = {}) => ({
    name,
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [
      {
        imageReferences: images.map((image) => `${host}/acme/${image}`),
        attestors: signedBy(pem),
        ...more,
      },
    ],
  });
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "bench" },
    spec: {
      validationFailureAction: "Enforce",
      failurePolicy: "Fail",
      webhookTimeoutSeconds: 10,
      background: false,
      rules: [
        rule("signed", ["key-*", "unsigned*", "cold-*"]),
        rule("attested", ["attested*"], { attestations: attestations(pem) }),
      ],
    },
  };
}

/** Each attestation names its attestors: Kyverno would take one without for keyless. */
function attestations(pem: string): object[] {
  const attestation = (type: string, all: readonly object[]) => ({
    type,
    attestors: signedBy(pem),
    conditions: [{ all }],
  });
  const equals = (key: string, value: string) => ({ key: `{{ ${key} }}`, operator: "Equals", value });
  return [
    attestation("https://slsa.dev/provenance/v0.2", [equals("builder.id", "https://builder.example/*")]),
    attestation("https://spdx.dev/Document", [equals("spdxVersion", "SPDX-2.3")]),
    attestation("https://cosign.sigstore.dev/attestation/vuln/v1", [
      equals("scanner.uri", "pkg:github/aquasecurity/trivy@*"),
      {
        key: "{{ time_since('','{{ metadata.scanFinishedOn }}','') }}",
        operator: "LessThanOrEquals",
        value: "24h",
      },
    ]),
  ];
}

function signedBy(publicKeys: string): object[] {
  return [{ entries: [{ keys: { publicKeys, ...offline } }] }];
}
