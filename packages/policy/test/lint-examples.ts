import type { LintId } from "../src/lint.ts";

/** A policy that has the finding, and one that does not: as an entry of `verifyImages`, fields of the rule, or whole. */
export interface LintExample {
  readonly form: "entry" | "rule" | "policy";
  readonly bad: string;
  readonly good: string;
}

const signed = `imageReferences: ["ghcr.io/acme/*"]
attestors:
  - entries:
      - keys: {publicKeys: "{{ keys.data.cosign }}"}`;

const keyless = (identity: string): string => `imageReferences: ["ghcr.io/acme/*"]
attestors:
  - entries:
      - keyless:
          ${identity.replaceAll("\n", "\n          ")}
          rekor: {url: https://rekor.sigstore.dev}`;

const github = "issuer: https://token.actions.githubusercontent.com";

const attested = (type: string, condition: string): string => `${signed}
attestations:
  - type: ${type}
    attestors:
      - entries:
          - keys: {publicKeys: "{{ keys.data.cosign }}"}
    conditions:
      - all:
          - ${condition}`;

const rule = (more: string): string => more;

const policy = (spec: string, metadata = ""): string => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed${metadata}
spec:
  ${spec.replaceAll("\n", "\n  ")}
  rules:
    - name: check
      match: {any: [{resources: {kinds: [Pod]}}]}
      context: [{name: keys, configMap: {name: keys, namespace: kyverno}}]
      verifyImages:
        - ${signed.replaceAll("\n", "\n          ")}`;

const exception = (spec: string): string => `${policy("validationFailureAction: Enforce")}
---
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: legacy, namespace: legacy}
spec:
  ${spec.replaceAll("\n", "\n  ")}`;

export const lintExamples: Readonly<Record<LintId, LintExample>> = {
  "identity-any": {
    form: "entry",
    bad: keyless(`subject: "*"\n${github}`),
    good: keyless(`subject: "https://github.com/acme/*"\n${github}`),
  },
  "subject-missing": {
    form: "entry",
    bad: keyless(github),
    good: keyless(`subject: release@acme.com\nissuer: https://accounts.google.com`),
  },
  "issuer-missing": {
    form: "entry",
    bad: keyless("subject: release@acme.com"),
    good: keyless("subject: release@acme.com\nissuer: https://accounts.google.com"),
  },
  "subject-open-prefix": {
    form: "entry",
    bad: keyless(`subject: "https://github.com/acme*"\n${github}`),
    good: keyless(
      `subject: "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/v*"\n${github}`,
    ),
  },
  "signer-chosen-by-object": {
    form: "entry",
    bad: keyless(`subject: "https://github.com/{{ request.object.metadata.annotations.org }}/*"\n${github}`),
    good: keyless(`subject: "https://github.com/{{ keys.data.org }}/*"\n${github}`),
  },
  "regexp-unanchored": {
    form: "entry",
    bad: keyless(`subjectRegExp: github\\.com/acme/.+\n${github}`),
    good: keyless(`subjectRegExp: ^https://github\\.com/acme/[^@]+@refs/tags/v[0-9.]+$\n${github}`),
  },
  "skip-open-prefix": {
    form: "entry",
    bad: `${signed}\nskipImageReferences: ["ghcr.io/acme*"]`,
    good: `${signed}\nskipImageReferences: ["ghcr.io/acme/tools/*"]`,
  },
  "references-miss-digests": {
    form: "entry",
    bad: signed.replace("ghcr.io/acme/*", "ghcr.io/acme/app:*"),
    good: signed.replace("ghcr.io/acme/*", "ghcr.io/acme/app*"),
  },
  "references-miss-tags": {
    form: "entry",
    bad: signed.replace("ghcr.io/acme/*", "ghcr.io/acme/app@*"),
    good: signed.replace('"ghcr.io/acme/*"', '"ghcr.io/acme/app@*", "ghcr.io/acme/app:*"'),
  },
  "reference-never-matches": {
    form: "entry",
    bad: signed.replace("ghcr.io/acme/*", "nginx:*"),
    good: signed.replace("ghcr.io/acme/*", "docker.io/nginx*"),
  },
  "nothing-verified": { form: "entry", bad: 'imageReferences: ["ghcr.io/acme/*"]', good: signed },
  "required-false-without-catch-all": { form: "entry", bad: `${signed}\nrequired: false`, good: signed },
  "attestations-without-attestors": {
    form: "entry",
    bad: `${signed}\nattestations:\n  - type: https://slsa.dev/provenance/v1`,
    good: attested(
      "https://slsa.dev/provenance/v1",
      '{key: "{{ buildDefinition.buildType }}", operator: Equals, value: x}',
    ),
  },
  "log-ignored-without-time": {
    form: "entry",
    bad: keyless(`subject: release@acme.com\nissuer: https://accounts.google.com`).replace(
      "rekor: {url: https://rekor.sigstore.dev}",
      "rekor: {url: https://rekor.sigstore.dev, ignoreTlog: true}",
    ),
    good: keyless(`subject: release@acme.com\nissuer: https://accounts.google.com`).replace(
      "rekor: {url: https://rekor.sigstore.dev}",
      'rekor: {url: https://rekor.sigstore.dev, ignoreTlog: true}\n          ctlog: {tsaCertChain: "{{ keys.data.tsa }}"}',
    ),
  },
  "log-ignored": {
    form: "entry",
    bad: signed.replace('cosign }}"}', 'cosign }}", rekor: {ignoreTlog: true}}'),
    good: signed.replace('cosign }}"}', 'cosign }}", rekor: {url: https://rekor.sigstore.dev}}'),
  },
  "sct-ignored": {
    form: "entry",
    bad: keyless(`subject: release@acme.com\nissuer: https://accounts.google.com\nctlog: {ignoreSCT: true}`),
    good: keyless(`subject: release@acme.com\nissuer: https://accounts.google.com`),
  },
  "duplicate-attestor": {
    form: "entry",
    bad: `${signed}\n      - keys: {publicKeys: "{{ keys.data.cosign }}"}`,
    good: `${signed}\n      - keys: {publicKeys: "{{ keys.data.second }}"}`,
  },
  "insecure-registry": {
    form: "entry",
    bad: `${signed}\nimageRegistryCredentials: {allowInsecureRegistry: true}`,
    good: `${signed}\nimageRegistryCredentials: {secrets: [pull]}`,
  },
  "conditions-empty": {
    form: "entry",
    bad: `${attested("https://acme.com/review/v1", "{}").split("    conditions")[0]}    conditions: [{all: []}]`,
    good: attested("https://acme.com/review/v1", '{key: "{{ approved }}", operator: Equals, value: true}'),
  },
  "condition-true-for-missing-data": {
    form: "entry",
    bad: attested(
      "https://acme.com/review/v1",
      `{key: "{{ author || '' }}", operator: NotEquals, value: mallory}`,
    ),
    good: attested(
      "https://acme.com/review/v1",
      `{key: "{{ author }}", operator: NotEquals, value: mallory}`,
    ),
  },
  "condition-pattern-by-variable": {
    form: "entry",
    bad: attested(
      "https://slsa.dev/provenance/v1",
      `{key: "{{ runDetails.builder.id }}", operator: Equals, value: "{{ builders.data.ours }}*"}`,
    ),
    good: attested(
      "https://slsa.dev/provenance/v1",
      `{key: "{{ runDetails.builder.id }}", operator: Equals, value: "{{ builders.data.ours }}/*"}`,
    ),
  },
  "claimed-time": {
    form: "entry",
    bad: attested(
      "https://cosign.sigstore.dev/attestation/vuln/v1",
      `{key: "{{ time_since('', '{{ metadata.scanFinishedOn }}', '') }}", operator: LessThanOrEquals, value: 24h}`,
    ),
    good: attested(
      "https://cosign.sigstore.dev/attestation/vuln/v1",
      '{key: "{{ scanner.uri }}", operator: Equals, value: "pkg:github/acme/scanner"}',
    ),
  },
  "vuln-scanner-name": {
    form: "entry",
    bad: attested(
      "https://cosign.sigstore.dev/attestation/vuln/v1",
      '{key: "{{ scanner.name }}", operator: Equals, value: trivy}',
    ),
    good: attested(
      "https://cosign.sigstore.dev/attestation/vuln/v1",
      '{key: "{{ scanner.uri }}", operator: Equals, value: "pkg:github/aquasecurity/trivy@*"}',
    ),
  },
  "kinds-without-images": {
    form: "rule",
    bad: rule("match: {any: [{resources: {kinds: [Task]}}]}"),
    good: rule(
      "match: {any: [{resources: {kinds: [Task]}}]}\nimageExtractors: {Task: [{path: /spec/steps/*/image}]}",
    ),
  },
  "rule-never-matches": {
    form: "rule",
    bad: rule("match: {any: [{resources: {kinds: [Pod]}}]}\nexclude: {any: [{resources: {kinds: [Pod]}}]}"),
    good: rule(
      "match: {any: [{resources: {kinds: [Pod]}}]}\nexclude: {any: [{resources: {kinds: [Pod], namespaces: [kube-system]}}]}",
    ),
  },
  "ephemeral-containers-operation": {
    form: "rule",
    bad: rule("match: {any: [{resources: {kinds: [Pod], operations: [CREATE]}}]}"),
    good: rule("match: {any: [{resources: {kinds: [Pod], operations: [CREATE, UPDATE]}}]}"),
  },
  "audit-only": {
    form: "policy",
    bad: policy("background: false"),
    good: policy("validationFailureAction: Enforce"),
  },
  "failure-policy-ignore": {
    form: "policy",
    bad: policy("validationFailureAction: Enforce\nfailurePolicy: Ignore"),
    good: policy("validationFailureAction: Enforce\nfailurePolicy: Fail"),
  },
  "exception-wider-than-policy": {
    form: "policy",
    bad: exception(
      'match: {any: [{resources: {kinds: [Pod]}}]}\nexceptions: [{policyName: signed, ruleNames: ["*"]}]',
    ),
    good: exception(
      'match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}\nexceptions: [{policyName: signed, ruleNames: ["*"]}]',
    ),
  },
  "exception-without-rule": {
    form: "policy",
    bad: exception(
      "match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}\nexceptions: [{policyName: signd, ruleNames: [check]}]",
    ),
    good: exception(
      "match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}\nexceptions: [{policyName: signed, ruleNames: [check]}]",
    ),
  },
  "exception-without-expiry": {
    form: "policy",
    bad: exception(
      "match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}\nexceptions: [{policyName: signed, ruleNames: [check]}]",
    ),
    good: exception(
      'match: {any: [{resources: {kinds: [Pod], namespaces: [legacy]}}]}\nexceptions: [{policyName: signed, ruleNames: [check]}]\nexpires: "2027-06-30T00:00:00Z"',
    ),
  },
  "deprecated-field": {
    form: "policy",
    bad: policy("validationFailureAction: enforce"),
    good: policy("validationFailureAction: Enforce"),
  },
  "kyverno-namespace": {
    form: "policy",
    bad: policy("validationFailureAction: Enforce", "\n  namespace: kyverno"),
    good: policy("validationFailureAction: Enforce"),
  },
  "kyverno-audit-mutates": {
    form: "policy",
    bad: policy("validationFailureAction: Audit"),
    good: policy("validationFailureAction: Audit").replace(
      "imageReferences",
      "mutateDigest: false\n          imageReferences",
    ),
  },
  "kyverno-user-info-in-background": {
    form: "policy",
    bad: policy("validationFailureAction: Enforce").replace(
      "kinds: [Pod]}",
      "kinds: [Pod]}, clusterRoles: [admin]",
    ),
    good: policy("validationFailureAction: Enforce\nbackground: false").replace(
      "kinds: [Pod]}",
      "kinds: [Pod]}, clusterRoles: [admin]",
    ),
  },
  "kyverno-undefined-variable": {
    form: "entry",
    bad: keyless(`subject: "https://github.com/{{ORG}}/*"\n${github}`),
    good: keyless(`subject: "https://github.com/{{keys.data.org}}/*"\n${github}`),
  },
  "kyverno-expression": {
    form: "entry",
    bad: attested(
      "https://slsa.dev/provenance/v0.2",
      '{key: "{{ attestation.predicate.builder.id }}", operator: Equals, value: x}',
    ),
    good: attested(
      "https://slsa.dev/provenance/v0.2",
      '{key: "{{ builder.id }}", operator: Equals, value: x}',
    ),
  },
  "kyverno-field": {
    form: "entry",
    bad: attested(
      "https://slsa.dev/provenance/v1\n    quantifier: latest",
      '{key: "{{ buildDefinition.buildType }}", operator: Equals, value: x}',
    ),
    good: attested(
      "https://slsa.dev/provenance/v1",
      '{key: "{{ buildDefinition.buildType }}", operator: Equals, value: x}',
    ),
  },
  "kyverno-nested-attestors": {
    form: "entry",
    bad: `${signed}
attestations:
  - type: https://slsa.dev/provenance/v1
    attestors:
      - entries:
          - attestor: {entries: [{keys: {publicKeys: "{{ keys.data.cosign }}"}}]}`,
    good: attested(
      "https://slsa.dev/provenance/v1",
      '{key: "{{ buildDefinition.buildType }}", operator: Equals, value: x}',
    ),
  },
};

/** The whole policy of an example. */
export function wholePolicy(form: LintExample["form"], text: string): string {
  if (form === "policy") return text;
  const match = "match: {any: [{resources: {kinds: [Pod]}}]}";
  const ruleText = form === "rule" ? text : match;
  const entry = form === "entry" ? text : signed;
  return `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
spec:
  validationFailureAction: Enforce
  rules:
    - name: check
      ${ruleText.replaceAll("\n", "\n      ")}
      context: [{name: keys, configMap: {name: keys, namespace: kyverno}}]
      verifyImages:
        - ${entry.replaceAll("\n", "\n          ")}
`;
}
