import { describe, expect, test } from "vitest";
import { loadPolicies, PolicyError, positionOf } from "./index.ts";

const minimal = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: signed}
spec:
  rules:
    - name: check
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - imageReferences: ["ghcr.io/org/*"]
          attestors: [{entries: [{keys: {publicKeys: "{{ keys.data.key }}"}}]}]
`;

describe("loadPolicies", () => {
  test("fills in Kyverno's defaults", () => {
    const [policy] = loadPolicies(minimal).policies;
    expect(policy).toMatchObject({
      failureAction: "Audit",
      failurePolicy: "Fail",
      webhookTimeoutSeconds: 10,
    });
    expect(policy?.rules[0]?.verifyImages[0]).toMatchObject({
      mutateDigest: true,
      verifyDigest: true,
      required: true,
    });
    expect(policy?.rules.map((rule) => rule.name)).toEqual([
      "check",
      "autogen-check",
      "autogen-cronjob-check",
    ]);
  });
  test("knows where a field stands", () => {
    const [policy] = loadPolicies({ text: minimal, file: "a.yaml" }).policies;
    if (policy === undefined) throw new Error("no policy");
    expect(positionOf(policy, "spec.rules[0].verifyImages[0].imageReferences[0]")).toEqual({
      file: "a.yaml",
      line: 9,
      column: 29,
    });
  });
  test("refuses a misspelt field with its place and the nearest name", () => {
    const load = () => loadPolicies(minimal.replace("imageReferences", "imageReferencs"));
    expect(load).toThrow(PolicyError);
    expect(load).toThrow("policy.yaml:9:11: unknown field `imageReferencs`; did you mean `imageReferences`?");
  });
});
