import {
  createEngine,
  type Evaluator,
  type EvaluatorOptions,
  type JudgedRound,
  type Verdict,
} from "@assay/engine";
import { loadPolicies, type Trace } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { createKey, createRegistry, image, slsa } from "@assay/testkit";
import { trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { admissionHandler } from "./admission-handler.ts";

const registry = createRegistry({ host: "registry.example.com" });
const key = createKey("p256");
const other = createKey("p256");

beforeAll(async () => {
  const app = image({ repository: "app", tag: "v1" }).signedBy(key);
  await app.attested(slsa({ version: "1" })).pushTo(registry);
});

afterEach(() => trace.disable());

const publicKey = (publicKeys: string) => ({
  keys: { publicKeys, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } },
});

const rule = (name: string, kinds: readonly string[], publicKeys: readonly string[]) => ({
  name,
  match: { any: [{ resources: { kinds } }] },
  verifyImages: [
    {
      imageReferences: ["registry.example.com/*"],
      attestors: [{ count: 1, entries: publicKeys.map(publicKey) }],
      attestations: [
        { type: "https://slsa.dev/provenance/v1", attestors: [{ entries: [publicKey(key.pem)] }] },
      ],
    },
  ],
});

/** An engine with real evidence, seen through `around`. */
function evaluator(
  around: (options: EvaluatorOptions) => EvaluatorOptions = (options) => options,
): Evaluator {
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "signed" },
    spec: {
      validationFailureAction: "Enforce",
      rules: [rule("check", ["Pod"], [other.pem, key.pem]), rule("of-jobs", ["batch/v1/Job"], [key.pem])],
    },
  };
  const { policies } = loadPolicies([{ file: "policy.json", text: JSON.stringify(policy) }]);
  const engine = createEngine({
    policies,
    sources: { evidence: registrySource({ fetch: registry.fetch, credentials: [] }) },
    clock: () => new Date("2026-11-23T12:00:00Z"),
  });
  return {
    evaluate: async (request, options) => (await engine.evaluate(request, around(options))).verdict,
  };
}

async function review(assay: Evaluator, tag = "v1"): Promise<boolean> {
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: `registry.example.com/app:${tag}` }] },
  };
  const request = { uid: "1", kind: { kind: "Pod" }, operation: "CREATE", namespace: "default", object };
  const response = await admissionHandler(assay)(
    new Request("https://webhook/mutate?timeout=10s", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }),
    }),
  );
  return ((await response.json()) as { response: { allowed: boolean } }).response.allowed;
}

function recording(sampler?: Sampler): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors, ...(sampler === undefined ? {} : { sampler }) }),
  );
  return exporter;
}

/** Names of spans, each with those of the spans above it. */
function paths(spans: readonly ReadableSpan[]): readonly string[] {
  const byId = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const pathOf = (span: ReadableSpan): string => {
    const above = byId.get(span.parentSpanContext?.spanId ?? "");
    return above === undefined ? span.name : `${pathOf(above)} > ${span.name}`;
  };
  return spans.map(pathOf).sort();
}

const find = (spans: readonly ReadableSpan[], name: string, path = ""): ReadableSpan | undefined =>
  spans.find((span) => span.name === name && String(span.attributes["assay.path"]).includes(path));

describe("spans of a review's checks", () => {
  test("every rule, image, attestor and attestation that was judged is a span below the review's", async () => {
    const exporter = recording();
    expect(await review(evaluator())).toBe(true);
    const spans = exporter.getFinishedSpans();
    const entry = "image verification > judge > check rule > check image > check";
    expect(new Set(paths(spans))).toEqual(
      new Set([
        "image verification",
        "image verification > judge",
        "image verification > judge > check rule",
        "image verification > judge > check rule > check image",
        entry,
        `${entry} > check attestor`,
        `${entry} > check attestation`,
        `${entry} > check attestation > check attestor`,
      ]),
    );
  });

  test("a check says which policy, rule, image and place it is about, and how it came out", async () => {
    const exporter = recording();
    await review(evaluator());
    const spans = exporter.getFinishedSpans();
    const about = {
      "assay.policy": "signed",
      "assay.rule": "check",
      "assay.image": "registry.example.com/app:v1",
    };
    const attestors = "spec.rules[0].verifyImages[0].attestors[0]";
    expect(find(spans, "check attestor", `${attestors}.entries[0]`)?.attributes).toEqual({
      ...about,
      "assay.step": "attestor",
      "assay.path": `${attestors}.entries[0].keys`,
      "assay.outcome": "fail",
      "assay.code": "untrustedSigner",
    });
    expect(find(spans, "check attestor", `${attestors}.entries[1]`)?.attributes).toMatchObject({
      ...about,
      "assay.outcome": "pass",
    });
    const [reviewed] = spans.filter(({ name }) => name === "image verification");
    expect(reviewed?.attributes).toMatchObject({ "assay.allowed": true, "assay.outcome": "pass" });
  });

  test("rules that do not apply to the object have no span", async () => {
    const exporter = recording();
    await review(evaluator());
    const rules = exporter.getFinishedSpans().filter(({ name }) => name === "check rule");
    expect(rules.map(({ attributes }) => attributes["assay.rule"])).toEqual(["check"]);
  });

  test("a check has the times of the round of judging that decided it, and no duration of its own", async () => {
    const exporter = recording();
    const rounds: JudgedRound[] = [];
    const told = ({ onJudged, ...options }: EvaluatorOptions): EvaluatorOptions => ({
      ...options,
      onJudged: (round) => {
        rounds.push(round);
        onJudged?.(round);
      },
    });
    await review(evaluator(told));
    const spans = exporter.getFinishedSpans();
    const judged = spans.filter(({ name }) => name === "judge");
    expect(judged.map(({ attributes }) => attributes)).toEqual(
      rounds.map(({ verdict }, i) => ({
        "assay.round": i,
        "assay.away": false,
        "assay.decided": verdict !== undefined,
      })),
    );
    // A tag has to be resolved and evidence fetched before anything can be decided.
    expect(rounds.length).toBeGreaterThan(1);
    const last = judged.at(-1);
    const checks = spans.filter(({ name }) => /^check\b/.test(name));
    for (const check of checks) {
      expect([check.startTime, check.endTime]).toEqual([last?.startTime, last?.endTime]);
    }
  });

  test("a check that could not be decided has the status of an error, one that failed has not", async () => {
    const exporter = recording();
    const mend = registry.inject({ effect: { kind: "status", status: 403 } });
    try {
      expect(await review(evaluator())).toBe(false);
    } finally {
      mend();
    }
    const undecided = find(exporter.getFinishedSpans(), "check image");
    expect(undecided?.status).toEqual({ code: 2, message: "unauthorized" });
    exporter.reset();
    expect(await review(evaluator(), "missing")).toBe(false);
    const refused = find(exporter.getFinishedSpans(), "check image");
    expect(refused?.attributes["assay.code"]).toBe("imageNotFound");
    expect(refused?.status.code).toBe(0);
  });

  test("a review of very many images does not flood the collector: it says how many checks have no span", async () => {
    const exporter = recording();
    const checked = (i: number): Trace => ({
      step: "image",
      path: `spec.rules[0].verifyImages[${i}]`,
      outcome: "pass",
      code: "ok",
      message: "image verified",
      children: [],
    });
    const verdict: Verdict = {
      resource: { kind: "Pod", name: "web" },
      allowed: true,
      outcome: "pass",
      results: [],
      patches: [],
      warnings: [],
      trace: Array.from({ length: 1200 }, (_, i) => checked(i)),
    };
    const large: Evaluator = {
      evaluate: async (_request, { onJudged }) => {
        onJudged?.({ startedAt: 1_000, milliseconds: 2, away: false, verdict });
        return verdict;
      },
    };
    expect(await review(large)).toBe(true);
    const spans = exporter.getFinishedSpans();
    expect(spans.filter(({ name }) => name === "check image")).toHaveLength(1000);
    expect(find(spans, "judge")?.attributes["assay.checks_left_out"]).toBe(200);
  });

  test.each([
    ["there is no tracer", () => undefined],
    ["the review is not sampled", () => void recording(new AlwaysOffSampler())],
  ])("nothing is measured where %s", async (_, configure) => {
    configure();
    const asked: boolean[] = [];
    const told = (options: EvaluatorOptions): EvaluatorOptions => {
      asked.push("onJudged" in options);
      return options;
    };
    expect(await review(evaluator(told))).toBe(true);
    expect(asked).toEqual([false]);
  });
});
