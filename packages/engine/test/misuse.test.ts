import { describe, expect, test } from "vitest";
import type { EngineLimits, EngineOptions } from "../src/engine.ts";
import type { EvaluationRequest } from "../src/verdict.ts";
import { engineFor, image, pinned, pod, policy } from "./build.ts";

/** What a program without types hands in. */
function untyped<T>(value: unknown): T {
  return value as T;
}

describe("a request whose parts are not what they should be is refused, not judged otherwise", () => {
  const onCreate = policy({
    rule: { match: { any: [{ resources: { kinds: ["Pod"], operations: ["CREATE"] } }] } },
  });
  const resource = pod(image("unsigned"));
  test.each<[string, unknown, string]>([
    [
      "an operation in lower case, which no rule is about",
      { resource, operation: "create" },
      '`operation` is `"create"`',
    ],
    ["`mutate` as text, which is true", { resource, mutate: "false" }, '`mutate` is `"false"`'],
    [
      "labels that are no texts",
      { resource, namespaceLabels: { env: 1 } },
      '`namespaceLabels` is `{"env":1}`',
    ],
    ["groups that are no list", { resource, userInfo: { groups: "system:masters" } }, "`userInfo.groups` is"],
    ["a user that is a name", { resource, userInfo: "alice" }, '`userInfo` is `"alice"`'],
    [
      "an old resource that is a list",
      { resource, operation: "DELETE", oldResource: [] },
      "`oldResource` is `[]`",
    ],
    ["a subresource that is none", { resource, subresource: true }, "`subresource` is `true`"],
  ])("%s", async (_, request, said) => {
    const engine = engineFor(onCreate);
    const refused = { code: "invalidRequest", message: expect.stringContaining(said) };
    await expect(engine.evaluate(untyped<EvaluationRequest>(request))).rejects.toMatchObject(refused);
  });
});

describe("options that would judge otherwise than they say are refused", () => {
  test("a clock that tells no time: nothing would ever have expired", async () => {
    const engine = engineFor(policy(), { clock: () => new Date("yesterday") });
    const refused = { code: "misuse", message: "`clock` gave no valid time" };
    await expect(engine.evaluate({ resource: pod(pinned("key-ecdsa")) })).rejects.toMatchObject(refused);
  });

  test.each<[keyof EngineLimits, unknown, string]>([
    ["concurrency", 0, "a whole number of at least 1"],
    ["concurrency", Number.NaN, "a whole number of at least 1"],
    ["maxLookups", -1, "a number of at least 0"],
    ["maxPrepared", 0, "a whole number of at least 1"],
    ["maxFactBytes", 0.5, "a whole number of at least 1"],
    ["factTtlMilliseconds", Number.NaN, "a number of at least 0"],
    ["largeEvidenceBytes", "1 MiB", "a number of at least 0"],
  ])("a limit `%s` of %s", (name, value, wanted) => {
    const limits = untyped<EngineLimits>({ [name]: value });
    const attempt = (): unknown => engineFor(policy(), { limits });
    expect(attempt).toThrow(`\`limits.${name}\` is not ${wanted}`);
    expect(attempt).toThrow(expect.objectContaining({ code: "misuse" }));
  });

  test.each<[keyof EngineOptions, unknown, string]>([
    ["signaturePredicateTypes", "all", "`signaturePredicateTypes` is none of cosign-sign, any"],
    ["logLookup", "Never", "`logLookup` is none of never, whenMissing"],
  ])("`%s: %s`", (name, value, said) => {
    expect(() => engineFor(policy(), untyped<Partial<EngineOptions>>({ [name]: value }))).toThrow(said);
  });

  test("a timeout that is text", async () => {
    const attempt = engineFor(policy()).evaluate(
      { resource: pod(pinned("key-ecdsa")) },
      untyped({ timeoutMilliseconds: "10 s" }),
    );
    await expect(attempt).rejects.toMatchObject({
      code: "misuse",
      message: "`timeoutMilliseconds` is not a number",
    });
  });
});
