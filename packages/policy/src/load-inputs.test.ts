import { expect, test } from "vitest";
import { loadPolicies, type PolicyInput, parseDocuments } from "./load-policies.ts";

const policy = JSON.stringify({
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "signed" },
  spec: {
    rules: [
      {
        name: "by-us",
        match: { any: [{ resources: { kinds: ["Pod"] } }] },
        verifyImages: [
          { imageReferences: ["*"], attestors: [{ entries: [{ keys: { publicKeys: "{{ KEY }}" } }] }] },
        ],
      },
    ],
  },
});

test.each<[string, unknown, string]>([
  ["nothing", undefined, "input 1 of 1"],
  ["bytes", [policy, Buffer.from(policy)], "input 2 of 2"],
  ["a hole among the texts", [policy, undefined], "input 2 of 2"],
  ["a text that is still awaited", Promise.resolve(policy), "input 1 of 1"],
  ["a Set of texts", new Set([policy]), "input 1 of 1"],
  ["a file without its text", { file: "policy.yaml" }, "input 1 of 1"],
])("%s is no input of policies: it is refused, not read as none", (_, input, said) => {
  expect(() => loadPolicies(input as PolicyInput)).toThrow(`${said} is neither text nor \`{ text, file }\``);
});

test("a file that is empty beside others is told of: a policy may have got lost", () => {
  const { policies, diagnostics } = loadPolicies([policy, { text: " \n# nothing\n", file: "b.yaml" }]);
  expect(policies).toHaveLength(1);
  expect(diagnostics).toMatchObject([
    { severity: "warning", message: "this file is empty", source: { file: "b.yaml" } },
  ]);
  expect(parseDocuments({ text: "" }).diagnostics).toEqual([]);
});
