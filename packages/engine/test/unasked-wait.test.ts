import { loadPolicies } from "@assay/policy";
import { expect, test } from "vitest";
import { engineMemory } from "../src/engine-memory.ts";
import type { EngineSettings } from "../src/engine-settings.ts";
import { answerBook } from "../src/gather/answer-book.ts";
import { judge } from "../src/judge/judge.ts";
import type { Pass } from "../src/judge/pass.ts";
import { compileRule } from "../src/plan/compile.ts";
import { builtInVariables, objectFacts } from "../src/plan/object-facts.ts";
import { planRequest } from "../src/plan/request-plan.ts";
import { image, noon, pod, policy } from "./build.ts";

const settings: EngineSettings = {
  variables: {},
  configMapNamespace: "kyverno",
  secretNamespace: "kyverno",
  trustRoot: "public-good",
  signaturePredicateTypes: "cosign-sign",
  logLookup: "never",
  defaultRegistry: "docker.io",
};

function passOver(book: Pass["book"]): ReturnType<typeof judge> {
  const { policies } = loadPolicies({ text: JSON.stringify(policy()), file: "policy.json" });
  const { kernel, prepare } = engineMemory({ maxPrepared: 1, maxFactBytes: 1, factTtlMilliseconds: 1 });
  const options = { exceptions: [], positionAt: () => undefined, kernel };
  const rules = policies.flatMap((one) => one.rules.map((rule) => compileRule(one, rule, options)));
  const facts = objectFacts({ resource: pod(image("signed")) });
  const plan = planRequest(() => rules, facts, { defaultRegistry: "docker.io", now: noon });
  return judge(plan, {
    settings,
    facts,
    builtIns: builtInVariables(facts),
    book,
    now: noon,
    trust: { kind: "unasked" },
    prepare,
  });
}

test("what must be known first is asked for", () => {
  expect(passOver(answerBook(new Map()))).toMatchObject({ kind: "wanted" });
});

test("a pass that waits for what nobody was asked for is a bug, never a verdict that allows", () => {
  const forgetful: Pass["book"] = {
    ask: () => undefined,
    askOr: () => undefined,
    peek: () => undefined,
    wanted: new Map(),
    ifUnsupported: new Map(),
    announce: () => undefined,
    announced: [],
  };
  expect(() => passOver(forgetful)).toThrow("bug: waits for");
});
