import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Counts and times of what a webhook did, for Prometheus. */
export interface WebhookMetrics {
  admission(kind: string, allowed: boolean, seconds: number): void;
  refused(reason: string): void;
  lookup(kind: string, outcome: string, requests: number, seconds: number): void;
  /** How many policies and exceptions are in force, and how many are not as they were written, by what counts instead. */
  policies(inForce: number, refused: Readonly<Record<string, number>>): void;
  /** Whether the API server serves a kind of policies: of one that it does not, nothing can be in force. */
  policyKind(kind: string, isServed: boolean): void;
  /** When the certificate that is served ends, or one of its chain before it, in milliseconds since 1970. */
  certificateEnds(at: number): void;
  /** The text exposition format. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Whoever reaches the port chooses what stands in a review: beyond so many kinds, and for longer names, it is `other`. */
const maxKinds = 100;
const maxKindLength = 63;

function boundedKinds(): (kind: string) => string {
  const known = new Set<string>();
  return (kind) => {
    if (known.has(kind)) return kind;
    if (known.size >= maxKinds || kind.length > maxKindLength) return "other";
    known.add(kind);
    return kind;
  };
}

/** A registry of its own, so that several webhooks in one process do not mix. */
export function webhookMetrics(): WebhookMetrics {
  const registry = new Registry();
  const registers = [registry];
  const bounded = boundedKinds();
  const admissions = new Histogram({
    name: "assay_admission_duration_seconds",
    help: "Time from the review's arrival to its answer.",
    labelNames: ["kind", "allowed"],
    buckets: [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const refusals = new Counter({
    name: "assay_admission_refused_total",
    help: "Reviews that were refused without a verdict, by reason.",
    labelNames: ["reason"],
    registers,
  });
  const lookups = new Histogram({
    name: "assay_lookup_duration_seconds",
    help: "Time of one lookup (digest, signatures, referrers, context, trust root).",
    labelNames: ["lookup", "outcome"],
    registers,
  });
  const requests = new Counter({
    name: "assay_source_requests_total",
    help: "Requests that lookups made.",
    labelNames: ["lookup"],
    registers,
  });
  return {
    admission: (kind, allowed, seconds) =>
      admissions.observe({ kind: bounded(kind), allowed: String(allowed) }, seconds),
    refused: (reason) => refusals.inc({ reason }),
    lookup: (lookup, outcome, count, seconds) => {
      lookups.observe({ lookup, outcome }, seconds);
      requests.inc({ lookup }, count);
    },
    ...standingGauges(registers),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

/** What stands as it is until it is set anew. */
function standingGauges(
  registers: Registry[],
): Pick<WebhookMetrics, "policies" | "policyKind" | "certificateEnds"> {
  const policies = new Gauge({
    name: "assay_policies_in_force",
    help: "Policies and exceptions in force.",
    registers,
  });
  const refused = new Gauge({
    name: "assay_policies_refused",
    help: "Invalid policies and exceptions, by what is in force in their place.",
    labelNames: ["in_force"],
    registers,
  });
  const missing = new Gauge({
    name: "assay_policy_kind_missing",
    help: "1 where the API server does not serve a kind of policies, so that nothing of it is in force.",
    labelNames: ["kind"],
    registers,
  });
  const certificateEnd = new Gauge({
    name: "assay_tls_certificate_not_after_timestamp_seconds",
    help: "When the TLS certificate that is served ends, or one of its chain before it.",
    registers,
  });
  return {
    policies: (inForce, byReplacement) => {
      policies.set(inForce);
      for (const [replacement, count] of Object.entries(byReplacement)) {
        refused.set({ in_force: replacement }, count);
      }
    },
    policyKind: (kind, isServed) => missing.set({ kind }, isServed ? 0 : 1),
    certificateEnds: (at) => certificateEnd.set(at / 1000),
  };
}
