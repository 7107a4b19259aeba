import { createEngine } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { hostFetch, image, predicate } from "@assay/testkit";
import { expect, test } from "vitest";
import { keyYaml, world } from "./engine-world.ts";
import { now, policyKey } from "./world.ts";

// Whoever signs a predicate chooses its keys. None of them may stand for what the policy calls by the same name.

const TYPE = "https://example.com/predicate/v1";
const theirs = { builder: "theirs" };
const forged = {
  entry: { data: theirs },
  configmap: { keys: { data: theirs }, other: { data: theirs } },
  request: { object: { metadata: { name: "theirs" } } },
  images: { containers: { c0: { name: "theirs" } } },
  image: { name: "theirs" },
  VARIABLE: "theirs",
  serviceAccountName: "theirs",
  attestation: { signer: { kind: "theirs" } },
};

async function codeFor(key: string): Promise<string | undefined> {
  const registry = world();
  const { byDigest } = image().attestedBy(policyKey, predicate(TYPE, forged)).pushTo(registry);
  const { policies } = loadPolicies(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: shadowing }
spec:
  validationFailureAction: Enforce
  rules:
    - name: attested
      match: { any: [{ resources: { kinds: [Pod] } }] }
      context: [{ name: entry, configMap: { name: keys, namespace: kyverno } }]
      verifyImages:
        - imageReferences: ["*"]
          attestations:
            - type: ${TYPE}
              attestors: [{ entries: [${keyYaml()}] }]
              conditions: [{ all: [{ key: ${JSON.stringify(key)}, operator: Equals, value: theirs }] }]
`);
  const engine = createEngine({
    policies,
    clock: () => now,
    variables: { VARIABLE: "ours" },
    sources: {
      evidence: registrySource({
        fetch: hostFetch({ [registry.host]: registry.handle }),
        resolve: async () => ["192.0.2.1"],
      }),
      context: {
        fetch: (lookup) =>
          Promise.resolve(
            "name" in lookup && lookup.name === "keys"
              ? { ok: true, value: { object: { data: { builder: "ours" } }, data: {} } }
              : { ok: false, failure: { code: "notFound", message: "there is none", origin: "test" } },
          ),
      },
    },
  });
  const metadata = { name: "ours", namespace: "default" };
  const spec = { containers: [{ name: "c0", image: byDigest }] };
  const { verdict } = await engine.evaluate({ resource: { apiVersion: "v1", kind: "Pod", metadata, spec } });
  expect(verdict.allowed).toBe(key === "{{ entry.data.never || 'theirs' }}");
  return verdict.results[0]?.code;
}

test.each([
  ["{{ entry.data.never || 'theirs' }}", "ok"],
  ["{{ entry.data.builder }}", "conditionFalse"],
  ["{{ @.entry.data.builder }}", "conditionFalse"],
  ["{{ [@][0].entry.data.builder }}", "conditionFalse"],
  ["{{ merge(@, `{}`).entry.data.builder }}", "conditionFalse"],
  ["{{ merge(`{}`, @).entry.data.builder }}", "conditionFalse"],
  ["{{ $.entry.data.builder }}", "conditionFalse"],
  ["{{ configmap.keys.data.builder }}", "conditionFalse"],
  ["{{ @.configmap.keys.data.builder }}", "conditionFalse"],
  ['{{ "configmap".other.data.builder }}', "contextUnavailable"],
  ["{{ configmap | other.data.builder }}", "contextUnavailable"],
  ["{{ @ | configmap | other.data.builder }}", "contextUnavailable"],
  ["{{ request.object.metadata.name }}", "conditionFalse"],
  ["{{ merge(@, `{}`).request.object.metadata.name }}", "conditionFalse"],
  ["{{ images.containers.c0.name }}", "conditionFalse"],
  ["{{ merge(@, `{}`).images.containers.c0.name }}", "conditionFalse"],
  ["{{ image.name }}", "conditionFalse"],
  ["{{ VARIABLE }}", "conditionFalse"],
  ["{{ serviceAccountName }}", "conditionFalse"],
  ["{{ attestation.signer.kind }}", "conditionFalse"],
])("a predicate's key does not answer %s: %s", async (key, code) => {
  expect(await codeFor(key)).toBe(code);
});
