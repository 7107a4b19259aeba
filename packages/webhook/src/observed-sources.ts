import type {
  Answer,
  ContextSource,
  EvidenceSource,
  KeySource,
  LogSource,
  Lookup,
  Sources,
  TrustSource,
} from "@assay/engine";
import type { WebhookMetrics } from "./metrics.ts";
import { inSpan } from "./tracing.ts";

/** The same sources, with a span and a metric for every lookup. */
export function observedSources(sources: Sources, metrics?: WebhookMetrics): Sources {
  const { evidence, context, keys, trust, log } = sources;
  return {
    evidence: {
      fetch: (lookup, options) => observe(lookup, metrics, () => evidence.fetch(lookup, options)),
    } as EvidenceSource,
    ...(context && {
      context: {
        fetch: (lookup, options) => observe(lookup, metrics, () => context.fetch(lookup, options)),
      } as ContextSource,
    }),
    ...(keys && {
      keys: {
        fetch: (lookup, options) => observe(lookup, metrics, () => keys.fetch(lookup, options)),
      } as KeySource,
    }),
    ...(trust && {
      trust: {
        fetch: (lookup, options) => observe(lookup, metrics, () => trust.fetch(lookup, options)),
      } as TrustSource,
    }),
    ...(log && {
      log: {
        fetch: (lookup, options) => observe(lookup, metrics, () => log.fetch(lookup, options)),
      } as LogSource,
    }),
  };
}

async function observe<A extends Answer>(
  lookup: Lookup,
  metrics: WebhookMetrics | undefined,
  fetch: () => Promise<A>,
): Promise<A> {
  const started = performance.now();
  const answer = await inSpan(`lookup ${lookup.kind}`, attributes(lookup), fetch);
  const outcome = answer.ok ? "ok" : answer.failure.code;
  metrics?.lookup(lookup.kind, outcome, answer.requests ?? 0, (performance.now() - started) / 1000);
  return answer;
}

function attributes(lookup: Lookup): Record<string, string> {
  if ("repository" in lookup) return { "assay.repository": lookup.repository, "assay.digest": lookup.digest };
  if ("image" in lookup) return { "assay.image": lookup.image.text };
  return {};
}
