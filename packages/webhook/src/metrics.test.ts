import { expect, test } from "vitest";
import { webhookMetrics } from "./metrics.ts";

test("who sends reviews of ever new kinds does not fill the memory: beyond a hundred they are counted as one", async () => {
  const metrics = webhookMetrics();
  metrics.admission("K".repeat(64), true, 0.1);
  for (let number = 0; number < 150; number++) metrics.admission(`Kind${number}`, true, 0.1);
  metrics.admission("Kind0", true, 0.1);
  const { text } = await metrics.render();
  const counts = text.match(/^assay_admission_duration_seconds_count.*$/gm) ?? [];
  expect(counts).toHaveLength(101);
  expect(counts).toContain('assay_admission_duration_seconds_count{kind="Kind0",allowed="true"} 2');
  expect(counts).toContain('assay_admission_duration_seconds_count{kind="other",allowed="true"} 51');
});
