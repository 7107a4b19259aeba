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
