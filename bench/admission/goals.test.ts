import { expect, test } from "vitest";
import { goals, type Sitting } from "./goals.ts";
import type { Measurement } from "./measure.ts";

const kyverno: Measurement = { perSecond: 100, p50: 10, p99: 20, cpuMs: 4, registryRequests: 2 };
const assay: Measurement = { perSecond: 200, p50: 5, p99: 10, cpuMs: 2, registryRequests: 1 };

/** A sitting in which everything is as promised, but for what is given. */
function sitting(changed: Partial<Measurement> = {}, rest: Partial<Sitting> = {}): Sitting {
  const measured = { assay: { ...assay, ...changed }, Kyverno: kyverno };
  const cold = { assay: { ...assay, registryRequests: 3 }, Kyverno: { ...kyverno, registryRequests: 4 } };
  return {
    lines: [
      { way: "direct", name: "signed, tag, warm", concurrency: 8, measured },
      { way: "direct", name: "signed, tag, cold", concurrency: 1, measured: cold },
    ],
    bursts: [{ way: "direct", name: "signed, tag, cold", pods: 32, requests: { assay: 3, Kyverno: 90 } }],
    memory: {
      assay: { idle: 60, after: 90, peak: 90 },
      Kyverno: { idle: 120, after: 150, peak: 160 },
    },
    ...rest,
  };
}

function notMet(one: Sitting): readonly string[] {
  return goals(one, ["assay", "Kyverno"])
    .filter(({ met }) => !met)
    .map(({ goal, because }) => `${goal}: ${because}`);
}

test("all goals are met where assay is ahead by as much as is promised", () => {
  expect(notMet(sitting())).toEqual([]);
});

test.each([
  ["a slower p99", { p99: 22 }, /direct, signed, tag, warm, c=8: p99 1\.10× worse/],
  ["fewer requests a second", { perSecond: 80 }, /req\/s 1\.25× worse/],
  ["more registry requests", { registryRequests: 3 }, /registry requests 1\.50× worse/],
  [
    "more than half the CPU",
    { cpuMs: 2.4 },
    /CPU per warm admission: direct, signed, tag, warm, c=8: 0\.60×/,
  ],
  ["CPU that could not be measured", { cpuMs: Number.NaN }, /CPU per warm admission/],
])("%s is named, with the line", (_, changed, expected) => {
  expect(notMet(sitting(changed)).join("\n")).toMatch(expected);
});

test("memory counts idle, after the load, and at its peak", () => {
  const memory = { assay: { idle: 60, after: 80, peak: 120 }, Kyverno: { idle: 120, after: 150, peak: 160 } };
  expect(notMet(sitting({}, { memory })).join("\n")).toMatch(/memory, .*: peak: 0\.75×/);
});

test("a burst may ask for no more than one admission alone", () => {
  const bursts = [
    { way: "direct", name: "signed, tag, cold", pods: 32, requests: { assay: 4, Kyverno: 90 } },
  ] as const;
  expect(notMet(sitting({}, { bursts }))).toEqual([
    "equal images in flight cost one set of registry requests: direct, signed, tag, cold, 32 Pods: 4.0 requests, one set is 3.0",
  ]);
});

test("what was not measured at all is not called met", () => {
  expect(notMet({ lines: [], bursts: [], memory: {} })).toHaveLength(4);
});
