import { type Attributes, SpanStatusCode, trace } from "@opentelemetry/api";

/** Runs `work` inside a span of the process's tracer; without one configured this costs nothing. */
export async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return trace.getTracer("@assay/webhook").startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
