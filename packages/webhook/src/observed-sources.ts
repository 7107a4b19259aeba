import type { Answer, Lookup, Sources } from "@assay/engine";
import type { WebhookMetrics } from "./metrics.ts";
import { inSpan } from "./tracing.ts";

/** Any of the sources, as seen from outside: each takes lookups of its own kinds. */
interface AnySource {
  fetch(lookup: Lookup, options: unknown): Promise<Answer>;
}

/** The same sources, with a span and a metric for every lookup. */
export function observedSources(sources: Sources, metrics?: WebhookMetrics): Sources {
  const observed = (source: AnySource): AnySource => ({
    fetch: (lookup, options) => observe(lookup, metrics, () => source.fetch(lookup, options)),
  });
  const given = Object.entries(sources).filter(([, source]) => source !== undefined);
  const watched: Partial<Record<keyof Sources, AnySource>> = Object.fromEntries(
    given.map(([name, source]) => [name, observed(source)]),
  );
  return watched as Sources;
}

async function observe(
  lookup: Lookup,
  metrics: WebhookMetrics | undefined,
  fetch: () => Promise<Answer>,
): Promise<Answer> {
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
