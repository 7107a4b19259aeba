import { parseImageReference } from "@assay/image";
import { describe, expect, test } from "vitest";
import {
  extractImages,
  indexPolicies,
  type JsonObject,
  loadPolicies,
  matchRule,
  selectImage,
} from "../index.ts";

const policy = (name: string, kinds: string, references: string, more = ""): string => `
apiVersion: kyverno.io/v1
kind: ${more.includes("namespace") ? "Policy" : "ClusterPolicy"}
metadata: {name: ${name}${more}}
spec:
  rules:
    - name: r
      match: {any: [{resources: {kinds: ${kinds}}}]}
      verifyImages: [{imageReferences: ${references}}]
`;

const { policies } = loadPolicies(
  [
    policy("pods", "[Pod]", '["ghcr.io/org/*"]'),
    policy("both", "[Pod, Deployment]", '["docker.io/*", "quay.io/a:1"]'),
    policy("wild", "['*Set']", '["*"]'),
    policy("versioned", "[apps/v1/Deployment]", '["*"]'),
    policy("local", "[Pod]", '["*"]', ", namespace: prod"),
    policy("tags", "[Pod]", '["ghcr.io/org/app:v?"]'),
  ].join("\n---\n"),
);
const index = indexPolicies(policies);

const resource = (kind: string, image: string, namespace = "default"): JsonObject => {
  const spec = { containers: [{ name: "c", image }] };
  const group = kind === "Pod" ? "v1" : "apps/v1";
  return {
    apiVersion: group,
    kind,
    metadata: { namespace },
    spec: kind === "Pod" ? spec : { template: { spec } },
  };
};

const digest = `sha256:${"0".repeat(64)}`;

describe("indexPolicies", () => {
  test.each([
    ["Pod", "ghcr.io/org/app", "default", ["pods"]],
    ["Pod", "ghcr.io/org/app:v1", "default", ["pods", "tags"]],
    ["Pod", `ghcr.io/org/app:v1@${digest}`, "default", ["pods", "tags"]],
    ["Pod", "GHCR.io/org/app", "default", ["pods"]],
    ["Pod", "ghcr.io:443/org/app:v1", "default", ["pods", "tags"]],
    ["Pod", "index.docker.io/library/nginx", "default", ["both"]],
    ["Pod", "nginx", "default", ["both"]],
    ["Pod", "nginx", "prod", ["both", "local"]],
    ["Pod", "quay.io/a:1", "default", ["both"]],
    ["Pod", "quay.io/a:12", "default", []],
    ["ReplicaSet", "nginx", "default", ["wild"]],
    ["StatefulSet", "ghcr.io/org/app:v1", "default", ["pods", "wild", "tags"]],
    ["Deployment", "ghcr.io/org/app", "default", ["pods", "versioned"]],
    ["ConfigMap", "nginx", "default", []],
  ])("%s with %s in %s: %j", (kind, image, namespace, names) => {
    const found = index.candidates({ resource: resource(kind, image, namespace) }, [
      parseImageReference(image),
    ]);
    expect([...new Set(found.map((one) => one.policy.name))]).toEqual(names);
  });
  test("never leaves out a rule that matches", () => {
    const names = [
      "ghcr.io/org/app:v1",
      `ghcr.io/org/app:v2@${digest}`,
      "quay.io/a:1",
      "docker.io/library/a",
    ];
    const spelled = names.flatMap((name) => [
      name,
      name.replace(/^[^/]+/, (host) => host.toUpperCase()),
      name.replace(/^[^/]+/, "$&:0443"),
    ]);
    const images = ["nginx", "index.docker.io/nginx", ...spelled];
    for (const kind of ["Pod", "Deployment", "ReplicaSet", "ConfigMap"]) {
      for (const image of images) {
        for (const namespace of ["default", "prod"]) {
          const request = { resource: resource(kind, image, namespace) };
          const references = extractImages(request.resource).images.map((one) => one.reference);
          const matching = policies.flatMap((one) =>
            one.rules.filter(
              (rule) =>
                matchRule(rule, request, one).matched &&
                rule.verifyImages.some((entry) =>
                  references.some((ref) => selectImage(entry, ref) !== "other"),
                ),
            ),
          );
          const found = index.candidates(request, references).map((one) => one.rule);
          expect(found).toEqual(expect.arrayContaining(matching));
        }
      }
    }
  });
});
