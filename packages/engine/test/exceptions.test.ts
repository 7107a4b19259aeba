import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { engineFor, image, kindsAsked, pinned, pod, policy } from "./build.ts";
import { fixtureSources } from "./fixture-source.ts";

function exception(spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "kyverno.io/v2",
    kind: "PolicyException",
    metadata: { name: "legacy", namespace: "platform" },
    spec: {
      exceptions: [{ policyName: "test", ruleNames: ["check"] }],
      match: { any: [{ resources: { kinds: ["Pod"], names: ["web*"] } }] },
      ...spec,
    },
  };
}

const unsigned = pod(image("unsigned"));
const labelled = pod(image("unsigned"), {
  metadata: { name: "web", namespace: "default", labels: { ticket: "1" } },
});
const condition = (value: string): JsonObject => ({
  all: [{ key: "{{ request.object.metadata.labels.ticket || '' }}", operator: "Equals", value }],
});

describe("an exception takes an object out of a rule", () => {
  test("that it names and matches: the rule is skipped, in Kyverno's words, and asks for nothing", async () => {
    const sources = fixtureSources();
    const { verdict } = await engineFor([policy(), exception()], { sources }).evaluate({
      resource: unsigned,
    });
    expect(verdict).toMatchObject({ allowed: true, outcome: "skip", results: [{ code: "excepted" }] });
    expect(verdict.results[0]?.message).toContain("rule is skipped due to policy exception");
    expect(kindsAsked(sources)).toEqual([]);
  });

  test.each<[string, JsonObject, boolean, JsonObject?]>([
    ["of another rule", { exceptions: [{ policyName: "test", ruleNames: ["other"] }] }, false],
    ["of rules by wildcard", { exceptions: [{ policyName: "test", ruleNames: ["ch*"] }] }, true],
    ["of another policy", { exceptions: [{ policyName: "tes*", ruleNames: ["check"] }] }, false],
    ["for another object", { match: { any: [{ resources: { kinds: ["Pod"], names: ["db"] } }] } }, false],
    ["that has expired", { expires: "2026-11-23T12:00:00Z" }, false],
    ["that has not expired yet", { expires: "2026-11-23T12:00:01Z" }, true],
    ["whose conditions hold", { conditions: condition("1") }, true, labelled],
    ["with an empty any", { conditions: { any: [] } }, false, labelled],
    ["whose conditions do not hold", { conditions: condition("2") }, false, labelled],
    [
      "whose conditions cannot be evaluated",
      { conditions: { all: [{ key: "{{ not.there }}", operator: "Equals", value: "1" }] } },
      false,
    ],
  ])("%s: %j holds %s", async (_name, spec, holds, resource = unsigned) => {
    const { verdict } = await engineFor([policy(), exception(spec)]).evaluate({ resource });
    expect(verdict.allowed).toBe(holds);
  });

  test("but not where its conditions ask for what cannot be had", async () => {
    const context = [{ name: "gone", configMap: { name: "gone", namespace: "kyverno" } }];
    const conditions = { all: [{ key: "{{ gone.data.ok }}", operator: "NotEquals", value: "yes" }] };
    const { verdict } = await engineFor([policy({ rule: { context } }), exception({ conditions })]).evaluate({
      resource: unsigned,
    });
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail" });
  });

  test("only for the images that it names, by their digest form", async () => {
    const engine = engineFor([
      policy({ entry: { mutateDigest: false, verifyDigest: false } }),
      exception({ imageReferences: ["*/acme/unsigned:v1"] }),
    ]);
    const both = await engine.evaluate({ resource: pod([image("unsigned"), image("key-ecdsa")]) });
    expect(both.verdict).toMatchObject({ allowed: true, outcome: "pass" });
    expect(both.verdict.results.map(({ code }) => code)).toEqual(["excepted", "ok"]);
    const other = await engine.evaluate({ resource: pod([image("unsigned"), image("key-other")]) });
    expect(other.verdict.allowed).toBe(false);
    // A tag beside a digest releases nothing: what runs is the digest.
    const disguised = pinned("unsigned").replace("@", ":v1@");
    const { verdict } = await engine.evaluate({ resource: pod(disguised) });
    expect(verdict.allowed).toBe(false);
  });

  test("but not out of the rules that were generated for Pod controllers, unless it names them", async () => {
    const documents = (ruleNames: readonly string[]): readonly JsonObject[] => {
      const { metadata, ...rest } = policy() as { metadata: JsonObject };
      return [
        { ...rest, metadata: { name: "test" } },
        exception({
          exceptions: [{ policyName: "test", ruleNames }],
          match: { any: [{ resources: { kinds: ["Deployment", "Pod"] } }] },
        }),
      ];
    };
    const resource = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default" },
      spec: { template: { spec: { containers: [{ name: "c", image: image("unsigned") }] } } },
    };
    const plain = await engineFor(documents(["check"])).evaluate({ resource });
    expect(plain.verdict.allowed).toBe(false);
    const covered = await engineFor(documents(["check", "autogen-check"])).evaluate({ resource });
    expect(covered.verdict.allowed).toBe(true);
  });
});
