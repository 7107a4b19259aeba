import { createAssay, type JsonObject } from "assay";
import { describe, expect, test } from "vitest";
import { compatibilitySubjects } from "../compatibility-rows.ts";
import { patched } from "../lanes/kyverno/sides/json-patch.ts";
import { HOST, keyed, worldAssay } from "../world.ts";
import {
  anyOf,
  attesting,
  byDigest,
  deployment,
  images,
  no,
  objectOf,
  pem,
  pod,
  rule,
  type Step,
  subjects,
  types,
  world,
  yes,
} from "./build.ts";

// What Kyverno's own end-to-end tests say of `verifyImages` (test/conformance/chainsaw and test/cli of kyverno/kyverno, the
// policies of kyverno/policies), of images of our own. A case has the name of its directory there. Kyverno's admission
// controller was asked about all of them with images made alike, and said what is expected here (of the one with a bundle by a
// keyless identity it is its case that says so).

interface Case {
  readonly of: string;
  readonly rules: readonly object[];
  readonly spec?: object;
  readonly objects?: readonly JsonObject[];
  readonly steps: readonly Step[];
}

const { signed, unsigned, byOthers, zulu, elsewhere } = images;
const own = keyed(pem.own);
const others = keyed(pem.other);
const unpinned = { mutateDigest: false, verifyDigest: false };
const strict = { mutateDigest: true, verifyDigest: true, required: true };
const isBuilt = {
  ...{ operator: "Equals", value: true },
  key: `{{ regex_match('^${subjects.build}','{{ builder.id}}') }}`,
};
const notDeleted = { all: [{ key: "{{request.operation}}", operator: "NotEquals", value: "DELETE" }] };
const ofKind = (kind: string, group = "tekton.dev/v1beta1"): object => ({
  match: { any: [{ resources: { kinds: [`${group}/${kind}`] } }] },
});
const task = (image: string): JsonObject =>
  objectOf("tekton.dev/v1beta1", "Task", { steps: [{ name: "s", image }] });
const volume = (image: string): JsonObject =>
  objectOf("cdi.kubevirt.io/v1beta1", "DataVolume", { source: { registry: { url: `docker://${image}` } } });
const configMap = (name: string, data: JsonObject): JsonObject => ({
  ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data },
});
const keyIn = (name: string): readonly object[] => keyed(`{{ ${name}.data.key }}`);
const contextOf = (name: string): object => ({
  context: [{ name, configMap: { name, namespace: "default" } }],
});

const keys: readonly Case[] = [
  {
    of: "cornercases/multiple-attestors",
    rules: [
      rule({ attestors: own, ...strict }),
      { ...rule({ imageReferences: ["local.example/*"], attestors: own, ...unpinned }), name: "other" },
    ],
    steps: [yes(pod(signed), { pinned: true }), no(pod(unsigned))],
  },
  {
    of: "standard/keyed-basic",
    rules: [rule({ attestors: own })],
    steps: [yes(pod(signed), { pinned: true })],
  },
  {
    of: "standard/keyed-basic-namespace-selector",
    rules: [
      rule(
        { attestors: own },
        {
          match: {
            all: [
              {
                resources: {
                  kinds: ["Pod"],
                  namespaceSelector: {
                    matchExpressions: [{ key: "signed", operator: "In", values: ["true"] }],
                  },
                },
              },
            ],
          },
        },
      ),
    ],
    steps: [
      yes(pod(signed), { more: { namespaceLabels: { signed: "true" } } }),
      no(pod(unsigned), { more: { namespaceLabels: { signed: "true" } } }),
      yes(pod(unsigned), { more: { namespaceLabels: { signed: "false" } } }),
    ],
  },
  {
    of: "standard/keyed-oci11",
    rules: [rule({ attestors: own, cosignOCI11: true })],
    steps: [yes(pod(images.asArtifact))],
  },
  {
    of: "standard/keyed-tsa",
    rules: [
      rule({
        attestors: [
          {
            entries: [
              {
                keys: { publicKeys: pem.own, ctlog: { tsaCertChain: world.sigstore.timestampAuthority.pem } },
              },
            ],
          },
        ],
      }),
    ],
    steps: [yes(pod(images.timestamped))],
  },
  {
    of: "standard/empty-image",
    rules: [rule({ imageReferences: ["*"], attestors: own, ...strict, useCache: true })],
    steps: [yes(deployment(" "))],
  },
  {
    of: "standard/failure-policy-test-noconfigmap-diffimage-success",
    spec: { validationFailureAction: "Audit", webhookConfiguration: { failurePolicy: "Ignore" } },
    rules: [rule({ attestors: keyIn("map"), ...unpinned, failureAction: "Audit" }, contextOf("map"))],
    steps: [yes(pod(signed))],
  },
  {
    of: "standard/noconfigmap-diffimage-success: without the ConfigMap",
    spec: { failurePolicy: "Fail" },
    rules: [rule({ attestors: keyIn("map"), ...unpinned, failureAction: "Audit" }, contextOf("map"))],
    steps: [yes(pod(elsewhere)), no(pod(signed))],
  },
  {
    of: "standard/noconfigmap-diffimage-success: with it",
    spec: { failurePolicy: "Fail" },
    rules: [rule({ attestors: keyIn("map"), ...unpinned, failureAction: "Audit" }, contextOf("map"))],
    objects: [configMap("map", { key: pem.own })],
    steps: [yes(pod(signed))],
  },
  {
    of: "standard/update-multi-containers",
    rules: [rule({ attestors: own, mutateDigest: false, verifyDigest: false, required: true })],
    steps: [
      yes(deployment(signed, signed)),
      yes(deployment(signed, images.byTwo)),
      no(deployment(signed, unsigned)),
    ],
  },
  {
    of: "standard/rollback-image-verification",
    rules: [rule({ attestors: own }, { match: { any: [{ resources: { kinds: ["Deployment"] } }] } })],
    steps: [signed, images.byTwo, byDigest(signed)].map((image) => yes(deployment(image), { pinned: true })),
  },
  {
    of: "standard/mutateDigest-noverifyDigest-norequired",
    rules: [rule({ mutateDigest: true, verifyDigest: false, required: false })],
    steps: [yes(pod(unsigned), { pinned: true })],
  },
  {
    of: "standard/nomutateDigest-verifyDigest-norequired",
    rules: [rule({ mutateDigest: false, verifyDigest: true, required: false })],
    steps: [yes(pod(byDigest(unsigned))), no(pod(unsigned))],
  },
  {
    of: "standard/skip-image-reference",
    rules: [rule({ skipImageReferences: [`${HOST}/kyverno*`], attestors: own })],
    steps: [yes(pod(unsigned)), yes(pod(byDigest(byOthers))), no(pod(unsigned, images.scanned))],
  },
  {
    of: "reports/background/verify-image-fail",
    spec: { validationFailureAction: "Audit" },
    rules: [rule({ attestors: own, ...unpinned, required: false, failureAction: "Audit" })],
    steps: [yes(pod(unsigned)), yes(pod(byOthers)), yes(pod(signed))],
  },
  {
    of: "test/cli/test/images/secure-images",
    rules: [rule({ imageReferences: ["*"], ...unpinned, required: true })],
    steps: [no(pod(signed))],
  },
  {
    of: "test/cli/test/images/digest",
    rules: [rule({ imageReferences: ["*"], mutateDigest: false, required: false, verifyDigest: true })],
    steps: [no(pod(elsewhere)), yes(pod(`${elsewhere}@sha256:${"8".repeat(64)}`))],
  },
  {
    of: "kyverno/policies: other/verify-image-with-multi-keys",
    rules: [
      rule(
        {
          required: true,
          attestors: [
            {
              count: 2,
              entries: [
                keyed("{{ keys.data.production }}"),
                keyed("{{ keys.data.{{request.namespace}} }}"),
              ].flatMap((sets) => (sets[0] as { entries: readonly object[] }).entries),
            },
          ],
        },
        contextOf("keys"),
      ),
    ],
    objects: [configMap("keys", { production: pem.own, default: pem.other })],
    steps: [yes(pod(images.byTwo)), no(pod(signed)), no(pod(byOthers))],
  },
];

const extractors: readonly Case[] = [
  {
    of: "standard/imageExtractors-complex",
    rules: [
      rule(
        { imageReferences: ["*"], attestors: own, ...strict, useCache: true },
        {
          ...ofKind("Task"),
          imageExtractors: { Task: [{ path: "/spec/steps/*", name: "steps", value: "image", key: "name" }] },
          preconditions: notDeleted,
        },
      ),
    ],
    steps: [no(task(unsigned)), yes(task(signed), { pinned: true })],
  },
  {
    of: "standard/imageExtractors-complex-keyless",
    rules: [
      rule(
        { attestors: anyOf(1, "https://github.com/*"), ...strict },
        {
          ...ofKind("Task"),
          imageExtractors: { Task: [{ path: "/spec/steps/*/image" }] },
          preconditions: notDeleted,
        },
      ),
    ],
    steps: [yes(task(byDigest(zulu))), no(task(byDigest(unsigned)))],
  },
  {
    of: "standard/imageExtractors-none",
    rules: [
      rule(
        { imageReferences: ["*"], attestors: own, ...strict },
        { ...ofKind("Task"), preconditions: notDeleted },
      ),
    ],
    steps: [yes(task(unsigned))],
  },
  {
    of: "test/cli/test/images/verify-signature",
    rules: [
      rule(
        { imageReferences: ["*"], attestors: own, mutateDigest: false, required: true, verifyDigest: false },
        {
          ...ofKind("DataVolume", "cdi.kubevirt.io/v1beta1"),
          imageExtractors: {
            DataVolume: [{ path: "/spec/source/registry/url", jmesPath: "trim_prefix(@, 'docker://')" }],
          },
        },
      ),
    ],
    steps: [no(volume(unsigned)), yes(volume(signed))],
  },
];

const identities: readonly Case[] = [
  {
    of: "standard/keyless-image-invalid-attestor",
    rules: [rule({ attestors: anyOf(1, "invalid subject", subjects.release) })],
    steps: [yes(pod(zulu)), no(pod(unsigned))],
  },
  {
    of: "standard/keyless-mutatedigest-verifydigest-required",
    rules: [rule({ attestors: anyOf(undefined, subjects.release), ...strict })],
    steps: [yes(pod(zulu), { pinned: true })],
  },
  {
    of: "standard/keyless-nomutatedigest-noverifydigest-required",
    rules: [rule({ attestors: anyOf(undefined, subjects.release), ...unpinned, required: true })],
    steps: [yes(pod(zulu), { pinned: false })],
  },
  {
    of: "standard/keyless-attestation-invalid-attestor",
    rules: [rule(attesting(types.slsa, anyOf(1, "invalid subject", subjects.build)))],
    steps: [yes(pod(zulu))],
  },
  {
    of: "standard/keyless-attestations-multiple-subjects-1",
    rules: [rule(attesting(types.slsa, anyOf(undefined, subjects.build), isBuilt))],
    steps: [yes(pod(zulu), { pinned: true })],
  },
  {
    of: "standard/keyless-attestations-multiple-subjects-2",
    rules: [
      rule(
        attesting(types.scan, anyOf(undefined, subjects.scan), {
          ...{ operator: "Equals", value: true },
          key: "{{ regex_match('^pkg:github/aquasecurity/trivy@0.34.0','{{ scanner.uri }}') }}",
        }),
      ),
    ],
    steps: [yes(pod(zulu), { pinned: true })],
  },
  {
    of: "standard/keyless-attestations-multiple-subjects-3",
    rules: [rule(attesting(types.scan, anyOf(undefined, subjects.build), isBuilt))],
    steps: [no(pod(zulu))],
  },
  ...(
    [
      ["1", 1, yes],
      ["2", 2, no],
      ["3", undefined, no],
    ] as const
  ).map(([number, count, step]) => ({
    of: `standard/keyless-attestations-multiple-subjects-counts-${number}`,
    rules: [rule(attesting(types.slsa, anyOf(count, subjects.build, subjects.scan), isBuilt))],
    steps: [step(pod(zulu))],
  })),
  {
    of: "standard/sigstore-attestation-verification-test",
    rules: [
      rule({
        type: "SigstoreBundle",
        ...attesting(types.slsa1, anyOf(undefined, subjects.example), {
          key: "{{ buildDefinition.buildType }}",
          operator: "Equals",
          value: "https://actions.github.io/buildtypes/workflow/v1",
        }),
      }),
    ],
    steps: [yes(pod(images.example)), no(pod(unsigned))],
  },
  {
    of: "kyverno/policies: other/require-vulnerability-scan",
    rules: [
      rule(
        attesting(types.scan, anyOf(undefined, subjects.scan), {
          key: "{{ time_since('','{{metadata.scanFinishedOn}}','') }}",
          operator: "LessThanOrEquals",
          value: "168h",
        }),
      ),
    ],
    steps: [
      yes(pod(images.scanned)),
      ...[images.scannedLongAgo, images.scannedTwice, unsigned].map((one) => no(pod(one))),
    ],
  },
  {
    of: "kyverno/policies: other/verify-image-cve-2022-42889",
    rules: [
      rule(
        attesting(types.bom, anyOf(undefined, subjects.build), {
          key: "{{ components[?name=='commons-text'].version || 'none' }}",
          operator: "AllNotIn",
          value: ["1.5", "1.6", "1.7", "1.8", "1.9"],
        }),
      ),
    ],
    steps: [yes(pod(images.withGoodText)), no(pod(images.withBadText))],
  },
];

/** Those of Notary's, as Cosign attestations with names. */
const denials: readonly Case[] = [
  {
    of: "standard/multiple-image-verification-attestations-pass",
    rules: [
      rule({
        attestations: [
          { type: "sbom/cyclone-dx", name: "sbom", attestors: own },
          { type: "scan", name: "scan", attestors: others },
        ],
        validate: {
          message: "scan report should be created after sbom",
          deny: {
            conditions: {
              any: [
                { key: "{{ sbom.bomFormat }}", operator: "NotEquals", value: "CycloneDX", message: "test1" },
                {
                  key: "{{ time_after('{{ sbom.metadata.timestamp }}', '{{ scan.descriptor.timestamp }}' ) }}",
                  ...{ operator: "Equals", value: true, message: "test2" },
                },
              ],
            },
          },
        },
      }),
    ],
    steps: [yes(pod(images.sbomThenScan)), no(pod(images.scanThenSbom))],
  },
  {
    of: "standard/multiple-image-verification-attestations-trivy-vex-pass",
    rules: [
      rule({
        attestations: [
          { type: "trivy/vulnerability", name: "trivy", attestors: own },
          { type: "vex/cyclone-dx", name: "vex", attestors: others },
        ],
        validate: {
          message: "All vulnerabilities in trivy and vex should be same",
          deny: {
            conditions: {
              any: [
                {
                  key: "{{ trivy.Vulnerabilities[*].VulnerabilityID }}",
                  operator: "AnyNotIn",
                  value: "{{ vex.vulnerabilities[*].id }}",
                },
              ],
            },
          },
        },
      }),
    ],
    steps: [yes(pod(images.excused)), no(pod(images.vulnerable))],
  },
];

function policyOf({ rules, spec }: Pick<Case, "rules" | "spec">): string {
  const whole = { validationFailureAction: "Enforce", ...spec, rules };
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: whole,
  });
}

describe("Kyverno's own cases come out as Kyverno expects", () => {
  test.each([...keys, ...extractors, ...identities, ...denials].map((one) => [one.of, one] as const))(
    "%s",
    async (_, { steps, objects = [], ...policy }) => {
      const assay = worldAssay(world, {}, { policies: policyOf(policy), objects });
      let before: JsonObject | undefined;
      for (const { object, allowed, pinned, more } of steps) {
        const update = before === undefined ? {} : ({ operation: "UPDATE", oldResource: before } as const);
        const verdict = await assay.evaluate({ resource: object, mutate: true, ...update, ...more });
        expect(verdict.allowed, JSON.stringify(verdict.results)).toBe(allowed);
        if (!allowed) continue;
        const admitted = patched(object, Buffer.from(JSON.stringify(verdict.patches)).toString("base64"));
        if (pinned !== undefined) expect(/@sha256:/.test(JSON.stringify(admitted))).toBe(pinned);
        const validated = await assay.evaluate({ resource: admitted, mutate: false, ...update, ...more });
        expect(validated.allowed, JSON.stringify(validated.results)).toBe(true);
        // Those about Pods are of other Pods.
        if (object["kind"] === "Deployment") before = admitted;
      }
    },
  );
});

describe("Kyverno's own cases that come out otherwise, by a row of docs/compatibility.md", () => {
  const subjectsOfRows = compatibilitySubjects();

  test.each([
    [
      "standard/keyless-attestations-multiple-subjects-4",
      "attestations without `attestors`",
      { attestations: [{ predicateType: types.slsa, conditions: [{ all: [isBuilt] }] }] },
    ],
    ["standard/notary-image-verification", "`type: Notary`", { type: "Notary", attestors: own }],
    [
      "standard/skip-image-reference",
      "`type: Notary`",
      { type: "Notary", attestors: own, skipImageReferences: ["x"] },
    ],
  ])("%s is refused: %s", (_, row, entry) => {
    expect(subjectsOfRows).toContain(row);
    expect(() => createAssay({ policies: policyOf({ rules: [rule(entry)] }) })).toThrow(
      expect.objectContaining({ code: "invalidPolicy" }),
    );
  });

  test("standard/sigstore-image-verification-test: a signed provenance is no image signature", async () => {
    expect(subjectsOfRows).toContain("image signature in the new format");
    const rules = [rule({ type: "SigstoreBundle", attestors: anyOf(undefined, subjects.example) })];
    const verdict = await worldAssay(world, {}, { policies: policyOf({ rules }) }).evaluate({
      resource: pod(images.example),
    });
    expect(verdict.allowed).toBe(false);
  });

  test("standard/with-mutation: what is sent is judged, not what a rule of another kind would make of it", async () => {
    expect(subjectsOfRows).toContain("`mutate` rules");
    const change = { spec: { containers: [{ "(name)": "c0", image: signed }] } };
    const mutating = { name: "change", mutate: { patchStrategicMerge: change } };
    const match = { any: [{ resources: { kinds: ["Pod"] } }] };
    const rules = [rule({ attestors: own }), { ...mutating, match }];
    const assay = worldAssay(world, {}, { policies: policyOf({ rules }) });
    expect(await assay.evaluate({ resource: pod(unsigned) })).toMatchObject({ allowed: false });
    expect(await assay.evaluate({ resource: pod(signed) })).toMatchObject({ allowed: true });
  });
});
