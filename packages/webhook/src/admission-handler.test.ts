import type { EvaluationRequest, Evaluator, Verdict } from "@assay/engine";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { admissionHandler } from "./admission-handler.ts";
import type { AdmissionHandlerOptions } from "./admission-handler-options.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: { containers: [{ name: "app", image: "registry.example.com/app:v1" }] },
};
const review = {
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "u1",
    kind: { group: "", version: "v1", kind: "Pod" },
    operation: "CREATE",
    namespace: "prod",
    userInfo: { username: "alice", groups: ["dev"] },
    object: pod,
  },
};

const allowed: Verdict = {
  resource: { kind: "Pod", namespace: "prod", name: "web" },
  allowed: true,
  outcome: "pass",
  results: [],
  patches: [
    { op: "replace", path: "/spec/containers/0/image", value: `registry.example.com/app:v1@${digest}` },
  ],
  warnings: [`policy audit.rule: ${"long ".repeat(80)}\nsecond line`],
  trace: [],
};
const denied: Verdict = {
  ...allowed,
  allowed: false,
  outcome: "fail",
  results: [
    {
      policy: "signed",
      rule: "check",
      image: "registry.example.com/app:v1",
      outcome: "fail",
      code: "notSigned",
      message: "failed to verify image registry.example.com/app:v1: no signatures found",
      failureAction: "Enforce",
    },
  ],
};

function answering(verdict: Verdict): Evaluator & { readonly seen: EvaluationRequest[] } {
  const seen: EvaluationRequest[] = [];
  return {
    seen,
    evaluate: async (request) => {
      seen.push(request);
      return verdict;
    },
  };
}

function post(
  body: unknown,
  path = "/mutate?timeout=5s",
  headers = { "content-type": "application/json" },
): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request(`https://webhook${path}`, { method: "POST", headers, body: text });
}

async function respond(
  evaluator: Evaluator,
  request: Request,
  options = {},
): Promise<Record<string, unknown>> {
  const response = await admissionHandler(evaluator, options)(request);
  return ((await response.json()) as { response: Record<string, unknown> }).response;
}

describe("a verdict becomes an admission response", () => {
  test("an allowed image is pinned by a JSON patch, warnings are one short line", async () => {
    const response = await respond(answering(allowed), post(review));
    expect(response).toMatchObject({ uid: "u1", allowed: true, patchType: "JSONPatch" });
    expect(JSON.parse(Buffer.from(String(response["patch"]), "base64").toString())).toEqual(allowed.patches);
    const [warning] = response["warnings"] as string[];
    expect(warning?.length).toBeLessThanOrEqual(256);
    expect(warning).not.toContain("\n");
  });

  test("the validating path sends no patch and judges without mutation", async () => {
    const evaluator = answering(allowed);
    const response = await respond(evaluator, post(review, "/validate?timeout=5s"));
    expect(response).not.toHaveProperty("patch");
    expect(evaluator.seen[0]).toMatchObject({ mutate: false });
  });

  test.each([
    ["/mutate", true],
    ["/hooks/mutate-images?timeout=5s", true],
    ["/hooks/validate", false],
    ["/mutated/validate", false],
    ["/", false],
  ])("without `mode`, at %s images are judged with mutation: %s", async (path, mutate) => {
    const evaluator = answering(allowed);
    const response = await respond(evaluator, post(review, path));
    expect(evaluator.seen[0]?.mutate).toBe(mutate);
    expect("patch" in response).toBe(mutate);
  });

  test("a denial is a 403 that names policy, rule, reason and code", async () => {
    const response = await respond(answering(denied), post(review));
    expect(response).toMatchObject({ uid: "u1", allowed: false, status: { code: 403 } });
    const { message } = response["status"] as { message: string };
    expect(message).toContain("resource Pod/prod/web was blocked due to the following policies");
    expect(message).toContain("signed:\n  check: failed to verify image registry.example.com/app:v1");
    expect(message).toContain("[notSigned]");
    expect(response).not.toHaveProperty("patch");
  });

  test("who asks, where and how reaches the evaluation, and nothing that the review does not say", async () => {
    const evaluator = answering(allowed);
    const userInfo = { username: "alice", groups: ["dev"] };
    const { object: _, userInfo: _user, ...admission } = review.request;
    const said = { operation: "CREATE", mutate: true, dryRun: false, userInfo, admission };
    const namespaceLabels = (name: string): Record<string, string> | undefined =>
      name === "prod" ? { name } : undefined;
    await respond(evaluator, post(review), { namespaceLabels });
    const resource = { ...pod, metadata: { name: "web", namespace: "prod" } };
    expect(evaluator.seen[0]).toStrictEqual({ ...said, resource, namespaceLabels: { name: "prod" } });
    const { namespace: __, ...rest } = review.request;
    await respond(evaluator, post({ ...review, request: rest }), { namespaceLabels });
    const { namespace: ___, ...clusterWide } = admission;
    expect(evaluator.seen[1]).toStrictEqual({ ...said, resource: pod, admission: clusterWide });
  });

  test("what expressions read of the request reaches the evaluation", async () => {
    const evaluator = answering(allowed);
    const userInfo = { username: "alice", uid: "7", groups: ["dev"], extra: { scopes: ["read"] } };
    const resource = { group: "", version: "v1", resource: "pods" };
    await respond(evaluator, post({ ...review, request: { ...review.request, userInfo, resource } }));
    const [seen] = evaluator.seen;
    expect(seen).toMatchObject({ userInfo, admission: { uid: "u1", operation: "CREATE", resource } });
    // They are there once: a review may be large.
    for (const name of ["object", "oldObject", "userInfo"]) expect(seen?.admission).not.toHaveProperty(name);
  });

  test("an UPDATE brings the old object and its subresource, a DELETE is judged on what goes", async () => {
    const evaluator = answering(allowed);
    const update = { operation: "UPDATE", oldObject: pod, subResource: "ephemeralcontainers", dryRun: true };
    await respond(evaluator, post({ ...review, request: { ...review.request, ...update } }));
    expect(evaluator.seen[0]).toMatchObject({ subresource: "ephemeralcontainers", dryRun: true });
    expect(evaluator.seen[0]?.oldResource).toEqual(pod);
    const gone = { ...review.request, operation: "DELETE", object: null, oldObject: pod };
    await respond(evaluator, post({ ...review, request: gone }));
    expect(evaluator.seen[1]).toMatchObject({ operation: "DELETE", resource: { kind: "Pod" } });
    expect(evaluator.seen[1]).not.toHaveProperty("oldResource");
  });

  test("an answer has nothing in it that its verdict does not call for", async () => {
    const plain: Verdict = { ...allowed, patches: [], warnings: [] };
    expect(await respond(answering(plain), post(review))).toStrictEqual({ uid: "u1", allowed: true });
    const warned: Verdict = { ...plain, warnings: ["w".repeat(256), "w".repeat(257)] };
    const { warnings } = await respond(answering(warned), post(review));
    expect(warnings).toEqual(["w".repeat(256), `${"w".repeat(255)}…`]);
  });

  test("`mode` counts for more than the path", async () => {
    const evaluator = answering(allowed);
    await respond(evaluator, post(review, "/mutate"), { mode: "validate" });
    await respond(evaluator, post(review, "/validate"), { mode: "mutate" });
    expect(evaluator.seen.map(({ mutate }) => mutate)).toEqual([false, true]);
  });
});

describe("what is logged of an admission", () => {
  const logged = async (evaluator: Evaluator, body: unknown): Promise<unknown> => {
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    await admissionHandler(evaluator, { logger })(post(body));
    return Object.entries(logger).flatMap(([level, { mock }]) => mock.calls.map((call) => [level, ...call]));
  };
  const about = { kind: "Pod", namespace: "prod", name: "web", operation: "CREATE", dryRun: false };
  const milliseconds = expect.any(Number);

  test("a passed one with what was looked at, a failed one as a warning with each reason", async () => {
    expect(await logged(answering(allowed), review)).toEqual([
      [
        "info",
        { ...about, allowed: true, outcome: "pass", milliseconds, results: [] },
        "image verification passed",
      ],
    ]);
    const { failureAction: _, ...reason } = denied.results[0] ?? {};
    expect(await logged(answering(denied), review)).toEqual([
      [
        "warn",
        { ...about, allowed: false, outcome: "fail", milliseconds, results: [reason] },
        "image verification failed",
      ],
    ]);
  });

  test("a review that cannot be read with its place, a fault of ours as an error with its cause", async () => {
    const [level, fields, message] = (
      (await logged(answering(allowed), { ...review, kind: "Pod" })) as [[string, unknown, string]]
    )[0];
    expect([level, fields]).toEqual(["warn", { code: "malformedReview", path: "$.kind" }]);
    expect(message).toMatch(/^image verification refused: malformed AdmissionReview: /);
    const broken: Evaluator = { evaluate: () => Promise.reject(new Error("secret path /etc/keys")) };
    expect(await logged(broken, review)).toEqual([
      ["error", { error: "Error: secret path /etc/keys" }, "image verification could not be decided"],
    ]);
  });
});

describe("what cannot be decided is closed", () => {
  test.each([
    ["no JSON", "{", 400, "the body is not JSON"],
    ["another kind", { ...review, kind: "Pod" }, 400, "`$.kind` is not `AdmissionReview`"],
    [
      "another version",
      { ...review, apiVersion: "admission.k8s.io/v1beta1" },
      400,
      "admissionReviewVersions",
    ],
    ["no request", { apiVersion: review.apiVersion, kind: review.kind }, 400, "`$.request` is missing"],
  ])("%s is refused with the place", async (_name, body, status, text) => {
    const response = await admissionHandler(answering(allowed))(post(body));
    const answer = await response.text();
    expect(answer).toContain(text);
    expect(response.ok && JSON.parse(answer).response.allowed).toBe(false);
    if (!response.ok) expect(response.status).toBe(status);
  });

  test.each([
    ["an operation nobody knows", { operation: "PATCH" }, "`$.request.operation`"],
    ["an object that is a list", { object: [] }, "`$.request.object`"],
    ["a namespace that is a number", { namespace: 7 }, "`$.request.namespace`"],
    ["neither object nor old object", { object: null }, "`$.request.object`"],
    ["a new object that only the old one stands for", { object: null, oldObject: pod }, "`$.request.object`"],
    [
      "an update to nothing",
      { operation: "UPDATE", object: null, oldObject: pod },
      "`$.request.object` is missing",
    ],
    ["an object of another kind", { object: { ...pod, kind: "Secret" } }, "`$.request.object.kind`"],
    ["an object without kind", { object: { ...pod, kind: undefined } }, "`$.request.object.kind`"],
    [
      "an object of another group's version",
      { kind: { group: "apps", version: "v1", kind: "Pod" } },
      "`$.request.object.apiVersion` is not `apps/v1`",
    ],
    [
      "an object in another namespace",
      { object: { ...pod, metadata: { name: "web", namespace: "kube-system" } } },
      "`$.request.object.metadata.namespace`",
    ],
    [
      "an old object of another kind",
      { operation: "DELETE", object: null, oldObject: { ...pod, kind: "Secret" } },
      "`$.request.oldObject.kind`",
    ],
  ])("%s is answered to its uid, not allowed", async (_name, change, place) => {
    const response = await respond(
      answering(allowed),
      post({ ...review, request: { ...review.request, ...change } }),
    );
    const status = { code: 400, reason: "BadRequest", message: expect.stringContaining(place) };
    expect(response).toMatchObject({ uid: "u1", allowed: false, status });
  });

  test("anything but a POST is told so", async () => {
    const response = await admissionHandler(answering(allowed))(new Request("https://webhook/mutate"));
    expect(response.status).toBe(405);
    expect(await response.text()).toBe("admission reviews are sent by POST\n");
  });

  test("a body over the limit is refused, declared or not", async () => {
    const big = { ...review, padding: "x".repeat(5000) };
    const handler = admissionHandler(answering(allowed), { maxBodyBytes: 1000 });
    expect((await handler(post(big))).status).toBe(413);
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(512)),
    });
    const endless = new Request("https://webhook/mutate", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: stream,
      duplex: "half",
    } as RequestInit);
    expect((await handler(endless)).status).toBe(413);
  });

  test("the largest objects that etcd holds are judged, however the API server escapes them", async () => {
    const large = {
      ...pod,
      spec: { containers: [{ ...pod.spec.containers[0], args: ["<".repeat(1.5 * 2 ** 20)] }] },
    };
    const request = { ...review.request, operation: "UPDATE", object: large, oldObject: large };
    const text = JSON.stringify({ ...review, request }).replaceAll("<", "\\u003c");
    expect(await respond(answering(denied), post(text))).toMatchObject({ uid: "u1", status: { code: 403 } });
  });

  test.each<[string, string, AdmissionHandlerOptions, number]>([
    ["as long as the API server waits, less half a second", "?timeout=5s", {}, 4500],
    ["less what the options say", "?timeout=5s", { timeoutMarginMs: 300 }, 4700],
    ["never less than a tenth of a second", "?timeout=1s", { timeoutMarginMs: 5000 }, 100],
    ["no more than an API server can ask for", "?timeout=999s", {}, 29_500],
    ["ten seconds where nobody says", "", {}, 10_000],
    ["what the options say where the API server does not", "", { timeoutMs: 700 }, 700],
    ["ten seconds where it is no number of seconds", "?timeout=1m5s", {}, 10_000],
  ])("an evaluation may take %s", async (_, query, options, ms) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const over: boolean[] = [];
    const curious: Evaluator = {
      evaluate: async (_request, { signal }) => {
        for (const more of [ms - 1, 1]) {
          vi.advanceTimersByTime(more);
          over.push(signal.aborted);
        }
        return denied;
      },
    };
    await respond(curious, post(review, `/mutate${query}`), options);
    expect(over).toEqual([false, true]);
  });

  test("an evaluation that outlasts the API server's timeout is aborted and says so", async () => {
    const stuck: Evaluator = {
      evaluate: (_request, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    };
    const response = await respond(stuck, post(review, "/mutate?timeout=1s"), { timeoutMarginMs: 950 });
    expect(response).toMatchObject({ uid: "u1", allowed: false, status: { code: 504, reason: "Timeout" } });
    expect((response["status"] as { message: string }).message).toContain("webhookTimeoutSeconds exceeded");
  });

  test("an evaluation that does not heed its signal is left behind", async () => {
    const deaf: Evaluator = { evaluate: () => new Promise(() => {}) };
    const response = await respond(deaf, post(review, "/mutate?timeout=1s"), { timeoutMarginMs: 950 });
    expect(response).toMatchObject({ uid: "u1", allowed: false, status: { code: 504, reason: "Timeout" } });
  });

  test("a bug of ours is a denial that shows nothing of the inside", async () => {
    const broken: Evaluator = { evaluate: () => Promise.reject(new Error("secret path /etc/keys")) };
    const response = await respond(broken, post(review));
    expect(response).toMatchObject({
      uid: "u1",
      allowed: false,
      status: { code: 500, reason: "InternalError" },
    });
    expect(JSON.stringify(response)).not.toContain("secret path");
  });

  test("prototype keys in the review change nothing", async () => {
    const text = JSON.stringify(review).replace(
      '"uid":"u1"',
      '"uid":"u1","__proto__":{"operation":"DELETE"}',
    );
    const evaluator = answering(denied);
    const response = await respond(evaluator, post(text));
    expect(response["allowed"]).toBe(false);
    expect(evaluator.seen[0]?.operation).toBe("CREATE");
  });
});

describe("options that got lost on the way", () => {
  test.each<[string, unknown, string]>([
    [
      "a mode that is misspelt, without which tags are pinned",
      { modus: "validate" },
      "there is no option `modus`",
    ],
    ["a mode in another case", { mode: "Validate" }, "`mode` is not `mutate` or `validate`"],
    [
      "labels that are no function",
      { namespaceLabels: { env: "prod" } },
      "`namespaceLabels` is not a function",
    ],
    ...["5000", -1, Number.NaN, Number.POSITIVE_INFINITY, [5]].map((timeoutMs): [string, unknown, string] => [
      `a timeout of ${JSON.stringify(timeoutMs)}`,
      { timeoutMs },
      "`timeoutMs` is not a number of at least 0",
    ]),
    ["no object", "mode=validate", "the options are no object"],
  ])("%s: refused when the handler is made", (_, options, said) => {
    const attempt = (): unknown => admissionHandler(answering(allowed), options as never);
    expect(attempt).toThrow(said);
    expect(attempt).toThrow(expect.objectContaining({ code: "badOptions" }));
  });
});

test("options that are not given, or none, or at their bounds are taken", () => {
  const attempt = (): unknown =>
    admissionHandler(answering(allowed), {
      ...{ mode: undefined as never, timeoutMarginMs: 0 },
      logger: { info: vi.fn(), warn: vi.fn(), error: vi.fn() },
    });
  expect(attempt).not.toThrow();
});

test("what the engine calls no request is denied with its reason", async () => {
  const message = "`namespaceLabels` is a Promise, which is no JSON";
  const evaluate = async (): Promise<Verdict> => {
    throw Object.assign(new Error(message), { code: "invalidRequest" });
  };
  const response = await respond({ evaluate }, post(review));
  expect(response).toMatchObject({
    allowed: false,
    status: { code: 400, message: expect.stringContaining(message) },
  });
});

test.each<[string, unknown]>([
  ["that are text", "dev"],
  ["one of which is none", ["dev", 1]],
])("groups %s are no API server's: a rule about them would be passed by", async (_, groups) => {
  const request = { ...review.request, userInfo: { username: "alice", groups } };
  const response = await respond(answering(allowed), post({ ...review, request }));
  expect(response).toMatchObject({ allowed: false, status: { code: 400 } });
});

test("an object of another version than the request's is no API server's: rules about `v1/Pod` would not apply", async () => {
  const object = { ...pod, apiVersion: "v2" };
  const response = await respond(
    answering(allowed),
    post({ ...review, request: { ...review.request, object } }),
  );
  expect(response).toMatchObject({
    allowed: false,
    status: { message: expect.stringContaining("`$.request.object.apiVersion` is not `v1`") },
  });
});
