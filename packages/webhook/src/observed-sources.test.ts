import type { Answer, EvidenceSource } from "@assay/engine";
import { parseDigest } from "@assay/image";
import { trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, expect, test } from "vitest";
import { webhookMetrics } from "./metrics.ts";
import { observedSources } from "./observed-sources.ts";

afterEach(() => trace.disable());

const lookup = {
  kind: "referrers",
  repository: "registry.example.com/app",
  digest: parseDigest(`sha256:${"ab".repeat(32)}`),
} as const;

function answering(answer: Answer): EvidenceSource {
  return { fetch: () => Promise.resolve(answer as never) };
}

test("each lookup is a span with what was asked, and a metric with its outcome and requests", async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  const metrics = webhookMetrics();
  const { evidence } = observedSources(
    { evidence: answering({ ok: true, value: { candidates: [] }, requests: 2 }) },
    metrics,
  );
  const answer = await evidence.fetch(lookup, { signal: AbortSignal.timeout(1000) });
  expect(answer).toEqual({ ok: true, value: { candidates: [] }, requests: 2 });
  const [span] = exporter.getFinishedSpans();
  expect(span?.name).toBe("lookup referrers");
  expect(span?.attributes).toEqual({ "assay.repository": lookup.repository, "assay.digest": lookup.digest });
  const { text } = await metrics.render();
  expect(text).toContain('assay_lookup_duration_seconds_count{lookup="referrers",outcome="ok"} 1');
  expect(text).toContain('assay_source_requests_total{lookup="referrers"} 2');
});

test("a lookup that failed is counted by its code", async () => {
  const metrics = webhookMetrics();
  const failure = { code: "rateLimited", message: "429", origin: "registry.example.com" } as const;
  const { evidence } = observedSources({ evidence: answering({ ok: false, failure }) }, metrics);
  await evidence.fetch(lookup, { signal: AbortSignal.timeout(1000) });
  expect((await metrics.render()).text).toContain('{lookup="referrers",outcome="rateLimited"} 1');
});

test("every source is observed, and none is there that was not given", async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  const evidence = answering({ ok: true, value: { candidates: [] } });
  expect(observedSources({ evidence, log: undefined as never })).toEqual({ evidence: expect.anything() });
  const source = answering({ ok: true, value: {} } as never) as never;
  const given = { evidence, context: source, keys: source, trust: source, log: source };
  const metrics = webhookMetrics();
  for (const [name, one] of Object.entries(observedSources(given, metrics))) {
    const asked = { kind: name, image: { text: "nginx:1" } } as never;
    await (one as EvidenceSource).fetch(asked, { signal: AbortSignal.timeout(1000) });
  }
  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name)).toEqual(Object.keys(given).map((name) => `lookup ${name}`));
  expect(spans[0]?.attributes).toEqual({ "assay.image": "nginx:1" });
  // What was answered from memory asked nobody.
  expect((await metrics.render()).text).toContain('assay_source_requests_total{lookup="log"} 0');
});

test("a lookup of neither image nor repository tells its kind alone", async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  const { trust } = observedSources({
    evidence: answering({ ok: true, value: { candidates: [] } }),
    trust: answering({ ok: true, value: {} } as never) as never,
  });
  await trust?.fetch({ kind: "trustRoot" } as never, { signal: AbortSignal.timeout(1000) });
  expect(exporter.getFinishedSpans()[0]?.attributes).toEqual({});
});
