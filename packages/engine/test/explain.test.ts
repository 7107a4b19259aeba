import type { JsonObject } from "@assay/policy";
import { beforeAll, describe, expect, test } from "vitest";
import type { Evaluation } from "../src/evaluation.ts";
import { toJUnit, toSarif } from "../src/report.ts";
import { explain } from "../src/verdict/explain.ts";
import type { Verdict } from "../src/verdict/verdict.ts";
import { engineFor, entry, image, pinned, pod, policy } from "./build.ts";

const empty = {
  resource: { kind: "Pod", name: "a" },
  allowed: true,
  outcome: "pass",
  results: [],
  patches: [],
  warnings: [],
  trace: [],
} as const;
const step = { step: "policy", path: "", outcome: "pass", code: "ok", message: "", children: [] } as const;
const esc = "\u001b";
let denied: Evaluation;
let allowed: Evaluation;
let undecided: Evaluation;

beforeAll(async () => {
  const builder =
    "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml";
  const conditions = [
    { all: [{ key: "{{ attestation.predicate.builder.id }}", operator: "Equals", value: builder }] },
  ];
  const attestations = [{ type: "https://slsa.dev/provenance/v0.2", conditions }];
  denied = await engineFor(policy({ entries: [entry({ attestations })] })).evaluate({
    resource: pod(image("key-att3")),
  });
  allowed = await engineFor(policy()).evaluate({ resource: pod(image("key-ecdsa")) });
  const attestors = [{ entries: [{ keys: { publicKeys: "{{ configmap.a.data.b }}" } }] }];
  undecided = await engineFor(policy({ entry: { attestors } })).evaluate({
    resource: pod(image("key-ecdsa")),
  });
});

describe("a verdict is explained to people", () => {
  test.each<[string, unknown, string]>([
    ["nothing", undefined, "the verdict is not an object"],
    ["an empty object", {}, "`resource` is not an object"],
    ["an evaluation", { verdict: {}, stats: {} }, "`resource` is not an object: give its `verdict`"],
    ["no list of results", { ...empty, results: {} }, "`results` is not a list"],
    [
      "a code that is none",
      { ...empty, results: [{ outcome: "fail", code: "toString", message: "", policy: "p", rule: "r" }] },
      "`results[0].code` is none of ours",
    ],
    [
      "a step that is none",
      { ...empty, trace: [{ ...step, children: [{ ...step, outcome: "good" }] }] },
      "`trace[0].children[0].outcome` is none",
    ],
    ["no object in its trace", { ...empty, trace: [null] }, "`trace[0]` is not an object"],
  ])("%s is no verdict, and told so", (_, verdict, said) => {
    const attempt = (): string => explain(verdict as Verdict);
    expect(attempt).toThrow(said);
    expect(attempt).toThrow(expect.objectContaining({ name: "EngineError", code: "misuse" }));
  });

  test("with the place in the policy, what was expected and received, and why they differ", () => {
    const text = explain(denied.verdict);
    expect(text).toMatch(/^Pod default\/web: denied\n/);
    expect(text).toMatch(/at policy-0\.json:\d+:\d+/);
    expect(text).toContain("expected: Equals");
    expect(text).toContain("generator_container_slsa3.yml@refs/tags/v1.9.0");
    expect(text.replaceAll(/\s+/g, " ")).toContain("the builder.id of a GitHub workflow ends in the ref");
  });

  test("with the next step for each code", () => {
    expect(explain(denied.verdict)).toContain("next steps\n  conditionFalse: ");
    expect(explain(undecided.verdict).replaceAll(/\s+/g, " ")).toContain("`--configmap FILE`");
  });

  test("with what was verified: evidence digests, signer, and every weakening", () => {
    const text = explain(allowed.verdict);
    expect(text).toMatch(/^Pod default\/web: allowed\n/);
    expect(text).toContain("manifest sha256:");
    expect(text).toContain("keyId sha256:");
    expect(text).toContain("tlog ignored");
    expect(text).toContain("patches\n  /spec/containers/0/image →");
  });

  test("with what it cost, which is no part of the verdict", () => {
    const text = explain(allowed.verdict, {
      stats: { milliseconds: 12.4, lookups: 3, requests: 5, rounds: 2, facts: 0, away: 0 },
    });
    expect(text).toContain("3 lookups, 5 requests, 2 rounds, 12 ms");
    expect(JSON.stringify(allowed.verdict)).not.toContain("milliseconds");
  });

  test("what could not be decided is not called unsigned", () => {
    const text = explain(undecided.verdict);
    expect(text).toContain("denied (could not be decided)");
    expect(text).not.toContain("no matching signatures");
  });

  test("within the width, and in colour only when asked", () => {
    const narrow = explain(denied.verdict, { width: 60 });
    for (const line of narrow.split("\n")) {
      // A single long word (a digest, an address) cannot be wrapped, nor one that belongs to its name.
      expect(line.length <= 62 || line.trim().split(" ").length <= 2).toBe(true);
    }
    expect(narrow).not.toContain(esc);
    expect(explain(denied.verdict, { color: true })).toContain(`${esc}[31m`);
  });

  test("foreign text cannot steer the terminal", async () => {
    const resource = pod(pinned("key-ecdsa"), {
      metadata: { name: `web${esc}[2J\u202e\u061c\u2028`, namespace: "default" },
    });
    const { verdict } = await engineFor(policy()).evaluate({ resource });
    const text = explain(verdict, { color: true });
    expect(text).not.toContain(`${esc}[2J`);
    for (const steering of ["\u202e", "\u061c", "\u2028"]) expect(text).not.toContain(steering);
    expect(text).not.toContain("\u202e");
  });

  test("an object that no policy is about says so", async () => {
    const { verdict } = await engineFor([]).evaluate({ resource: pod(image("key-ecdsa")) });
    expect(explain(verdict)).toContain("no policy applies");
  });

  test("a rule that does not apply says why", async () => {
    const resource: JsonObject = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
    };
    const { verdict } = await engineFor(policy()).evaluate({ resource });
    expect(verdict).toMatchObject({ allowed: true, outcome: "skip", results: [] });
    expect(explain(verdict)).toContain("kind does not match");
  });
});

describe("reports for continuous integration", () => {
  test("SARIF places each trouble at the step of the policy that decided", () => {
    const sarif = JSON.parse(
      toSarif([{ verdict: denied.verdict, file: "pod.yaml" }, { verdict: allowed.verdict }], "1.0.0"),
    );
    const [run] = sarif.runs;
    expect(run.results).toHaveLength(1);
    expect(run.results[0]).toMatchObject({ ruleId: "conditionFalse", level: "error" });
    const { physicalLocation } = run.results[0].locations[0];
    expect(physicalLocation.artifactLocation.uri).toBe("policy-0.json");
    expect(physicalLocation.region.startLine).toBeGreaterThan(20);
    expect(run.results[0].relatedLocations[0].physicalLocation.artifactLocation.uri).toBe("pod.yaml");
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(["conditionFalse"]);
  });

  test("SARIF places it in the policy of that name, not in one whose name ends alike", async () => {
    const strict = policy({ name: "images-signed", entry: { imageReferences: ["*"] } });
    const engine = engineFor([policy({ name: "signed", entry: { imageReferences: ["none"] } }), strict]);
    const { verdict } = await engine.evaluate({ resource: pod(image("unsigned")) });
    const { results } = JSON.parse(toSarif([{ verdict }], "1.0.0")).runs[0];
    expect(results[0].properties.policy).toBe("images-signed");
    expect(results[0].locations[0].physicalLocation.artifactLocation.uri).toBe("policy-1.json");
  });

  test("JUnit has a suite per object and tells failures from errors", () => {
    const xml = toJUnit([denied, allowed, undecided].map(({ verdict }) => ({ verdict })));
    expect(xml.match(/<testsuite /g)).toHaveLength(3);
    expect(xml).toContain('tests="1" failures="1" errors="0" skipped="0"');
    expect(xml).toContain('tests="1" failures="0" errors="1" skipped="0"');
    expect(xml).toContain('<failure type="conditionFalse"');
    expect(xml).toContain('<error type="contextUnavailable"');
  });

  test("JUnit escapes what would break out of it", async () => {
    const resource = pod(image("unsigned"), { metadata: { name: `a"><b>&\u0000`, namespace: "default" } });
    const { verdict } = await engineFor(policy()).evaluate({ resource });
    const xml = toJUnit([{ verdict }]);
    expect(xml).toContain('name="Pod/default/a&quot;&gt;&lt;b&gt;&amp;?"');
  });
});
