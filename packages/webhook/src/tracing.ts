import { type Attributes, type Span, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";

/** The process's tracer; without one configured its spans record nothing and cost nothing. */
export function tracer(): Tracer {
  return trace.getTracer("@assay/webhook");
}

/** Runs `work` inside a span. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer().startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
