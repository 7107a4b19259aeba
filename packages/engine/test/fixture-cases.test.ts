import { type JsonObject, loadPolicies, parseDocuments } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

interface FixtureCase {
  readonly policy: string;
  readonly resource: string;
  readonly assay?: string;
  readonly with?: {
    readonly trustedRoot?: string;
    readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

const recorded: { clock: string; cases: readonly FixtureCase[] } = JSON.parse(fixture("cases.json"));

describe("every recorded case comes to its agreed answer, with equal requests to two engines giving equal verdicts", () => {
  test.each(recorded.cases.map((one) => [`${one.policy} ${one.resource} ${one.assay}`, one] as const))(
    "%s",
    async (_name, one) => {
      expect(one.assay?.split("|")).toContain(await answerOf(one));
    },
  );
});

async function answerOf(one: FixtureCase): Promise<string> {
  const file = `policies/${one.policy}.yaml`;
  const configMaps = Object.fromEntries(
    Object.entries(one.with?.configMaps ?? {}).map(([name, keys]) => [
      name,
      Object.fromEntries(Object.entries(keys).map(([key, path]) => [key, fixture(path)])),
    ]),
  );
  const trustedRoot = one.with?.trustedRoot;
  const sources = fixtureSources({
    configMaps,
    ...(trustedRoot === undefined ? {} : { trustedRoot: fixture(trustedRoot) }),
  });
  const [resource] = parseDocuments({
    text: fixture(`resources/${one.resource}.yaml`),
    file: one.resource,
  }).documents;
  let engine: ReturnType<typeof createEngine>;
  try {
    const { policies } = loadPolicies({ text: fixture(file), file });
    engine = createEngine({ policies, sources, clock: () => new Date(recorded.clock) });
  } catch {
    return "error";
  }
  const { verdict } = await engine.evaluate({ resource: resource as JsonObject });
  if (verdict.allowed) return "allowed";
  return verdict.outcome === "error" ? "error" : "denied";
}
