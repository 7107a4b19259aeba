import type { EvaluationRequest, Evaluator, Result, Verdict } from "@assay/engine";
import { describe, expect, test } from "vitest";
import { providerHandler } from "./provider-handler.ts";
import { createProviderServer } from "./provider-server.ts";

const pinned = `registry.example.com/app:v1@sha256:${"ab".repeat(32)}`;

function verdict(request: EvaluationRequest): Verdict {
  const signed = JSON.stringify(request.resource).includes('"image":"registry.example.com/app');
  const result = { policy: "signed", rule: "check", failureAction: "Enforce" } as const;
  return {
    resource: { kind: "Pod", name: "external-data" },
    allowed: signed,
    outcome: signed ? "pass" : "fail",
    results: [
      signed
        ? { ...result, outcome: "pass", code: "ok", message: "verified" }
        : { ...result, outcome: "fail", code: "notSigned", message: "no signatures found" },
    ],
    patches: signed ? [{ op: "replace", path: "/spec/containers/0/image", value: pinned }] : [],
    warnings: [],
    trace: [],
  };
}
const assay: Evaluator = { evaluate: async (request) => verdict(request) };

async function ask(body: unknown, options = {}, evaluator = assay): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json" };
  const request = new Request("https://provider/validate", {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const response = await providerHandler(evaluator, options)(request);
  const answer = (await response.json()) as { kind: string; response: Record<string, unknown> };
  expect(answer.kind).toBe("ProviderResponse");
  return answer.response;
}

const question = (...keys: unknown[]) => ({
  apiVersion: "externaldata.gatekeeper.sh/v1beta1",
  kind: "ProviderRequest",
  request: { keys },
});

describe("the external-data provider", () => {
  test("answers an allowed image with its digest and a denied one with the reason", async () => {
    const response = await ask(question("registry.example.com/app:v1", "evil/app"));
    expect(response).toEqual({
      idempotent: true,
      items: [
        { key: "registry.example.com/app:v1", value: pinned, error: "" },
        { key: "evil/app", value: "evil/app", error: "signed/check: notSigned: no signatures found" },
      ],
    });
  });

  test.each([
    ["another kind", { ...question("a"), kind: "ProviderResponse" }, "`$.kind`"],
    [
      "another version",
      { ...question("a"), apiVersion: "externaldata.gatekeeper.sh/v1alpha1" },
      "`$.apiVersion`",
    ],
    ["keys that are no strings", question(7), "`$.request.keys`"],
    ["one key among others that is no string", question("a", 7), "`$.request.keys`"],
    ["a key in the place of the list", { ...question(), request: { keys: "a" } }, "`$.request.keys`"],
    ["too many keys", question("a", "b", "c"), "more than 2 keys"],
  ])("%s is a system error that names the place", async (_name, body, text) => {
    expect((await ask(body, { maxKeys: 2 }))["systemError"]).toContain(text);
  });

  test("as many keys as are allowed are answered", async () => {
    const { items } = await ask(question("a", "b"), { maxKeys: 2 });
    expect(items).toMatchObject([{ key: "a" }, { key: "b" }]);
  });

  const said = { policy: "signed", rule: "check", failureAction: "Enforce" } as const;
  const passed: Result = { ...said, outcome: "pass", code: "ok", message: "verified" };
  const failed: Result = { ...said, outcome: "fail", code: "notSigned", message: "no signatures found" };
  const undecided: Result = { ...said, outcome: "error", code: "unavailable", message: "no registry" };
  test.each<[string, boolean, readonly Result[], string]>([
    ["denied because it could not be decided", false, [undecided], "signed/check: unavailable: no registry"],
    [
      "denied for two reasons",
      false,
      [passed, failed, undecided],
      "signed/check: notSigned: no signatures found; signed/check: unavailable: no registry",
    ],
    ["denied without a reason", false, [passed], "denied: no reason was given"],
    ["allowed though an audited rule failed", true, [{ ...failed, failureAction: "Audit" }], ""],
  ])("an image that is %s", async (_name, allowed, results, error) => {
    const judge: Evaluator = {
      evaluate: async (request) => ({ ...verdict(request), allowed, results }),
    };
    expect((await ask(question("a"), {}, judge))["items"]).toMatchObject([{ key: "a", error }]);
  });

  test.each(["", " ", "\u00a0\n", "\u0085"])(
    "a key that names no image (%j) is an error, whatever the policies say",
    async (key) => {
      const silent: Evaluator = {
        evaluate: async (request) => ({ ...verdict(request), allowed: true, results: [] }),
      };
      const response = await ask(question(key), {}, silent);
      expect(response["items"]).toEqual([
        { key, value: key, error: "badImageReference: the key names no image" },
      ]);
    },
  );

  test("an image that could not be decided is that item's error", async () => {
    for (const thrown of [new Error("/etc/secret"), null]) {
      const broken: Evaluator = { evaluate: () => Promise.reject(thrown) };
      const response = await ask(question("a"), {}, broken);
      expect(response["items"]).toEqual([{ key: "a", value: "a", error: "internal: could not be decided" }]);
    }
  });

  test("an image that takes too long says timeout, the others are answered", async () => {
    const slow: Evaluator = {
      evaluate: (request, { signal }) =>
        JSON.stringify(request.resource).includes("slow")
          ? new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
          : assay.evaluate(request, { signal }),
    };
    const response = await ask(question("slow", "registry.example.com/app:v1"), { timeoutMs: 30 }, slow);
    expect(response["items"]).toMatchObject([{ error: expect.stringContaining("timeout") }, { error: "" }]);
  });

  test("an evaluation that does not heed its signal is left behind", async () => {
    const deaf: Evaluator = { evaluate: () => new Promise(() => {}) };
    const one: Evaluator = {
      evaluate: (request, run) =>
        (JSON.stringify(request.resource).includes("deaf") ? deaf : assay).evaluate(request, run),
    };
    const response = await ask(question("deaf", "registry.example.com/app:v1"), { timeoutMs: 5 }, one);
    expect(response["items"]).toMatchObject([
      { error: "timeout: the provider ran out of time" },
      { value: pinned, error: "" },
    ]);
  });
});

test.each<[string, unknown, string]>([
  ["a namespace that is misspelt", { namespce: "prod" }, "there is no option `namespce`"],
  ["a namespace that is empty", { namespace: "" }, "`namespace` is not the name of one"],
  ["a namespace that is null", { namespace: null }, "`namespace` is not the name of one"],
  ["a time that is no number", { timeoutMs: "3s" }, "`timeoutMs` is not a number"],
  ["a time that came out as none", { timeoutMs: Number.NaN }, "`timeoutMs` is not a number"],
  ["a time that has passed", { timeoutMs: -1 }, "`timeoutMs` is not a number"],
  ["a number of keys in words", { maxKeys: "10" }, "`maxKeys` is not a number"],
])("%s is refused: in `default` other policies apply", (_, options, said) => {
  const attempt = (): unknown => providerHandler(assay, options as never);
  expect(attempt).toThrow(said);
  expect(attempt).toThrow(expect.objectContaining({ code: "badOptions" }));
});

test("a server whose `clientCa` is misspelt does not start: it would answer anybody", async () => {
  const started = createProviderServer(assay, { tls: { cert: "", key: "" }, clientCA: "PEM" } as never);
  await expect(started).rejects.toThrow("there is no option `clientCA`");
});
