import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { explain } from "../src/verdict/explain.ts";
import { withRunningImages } from "../src/verdict/running-images.ts";
import type { Result, Verdict } from "../src/verdict/verdict.ts";
import { digestOf, engineFor, pod as podOf, policy, image as tagOf } from "./build.ts";

const [judged, running] = [`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`];
const tag = "registry.example.com/app:v1";

function verdict(over: Partial<Result> = {}): Verdict {
  const passed = { policy: "p", rule: "r", image: tag, digest: judged, outcome: "pass", code: "ok" } as const;
  const result: Result = { ...passed, message: "verified", failureAction: "Enforce", ...over };
  return {
    resource: { kind: "Pod", name: "web" },
    allowed: result.outcome === "pass",
    outcome: result.outcome,
    results: [result],
    patches: [],
    warnings: [],
    trace: [],
  };
}

function pod(imageID: string, image = tag, group = "containers", told = "containerStatuses"): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { [group]: [{ name: "web", image }] },
    // `image` of a status is what the runtime calls it, which may be any of its names.
    status: { [told]: [{ name: "web", image: "sha256:0", imageID }] },
  };
}

describe("a Pod that runs another image than its tag names now", () => {
  test.each([
    ["containerd", `registry.example.com/app@${running}`],
    ["Docker", `docker-pullable://registry.example.com/app@${running}`],
  ])("as %s reports it: what passed is undecided, and both digests are told", (_, imageID) => {
    const { allowed, outcome, results } = withRunningImages(verdict(), pod(imageID));
    expect([allowed, outcome, results[0]?.code]).toEqual([false, "error", "otherImageRuns"]);
    expect(results[0]?.message).toBe(
      `\`${tag}\` is ${judged} now, which passes, but container \`web\` runs ${running}, which was not judged`,
    );
  });

  test.each([
    ["initContainers", "initContainerStatuses"],
    ["ephemeralContainers", "ephemeralContainerStatuses"],
  ])("also in %s", (group, told) => {
    const { allowed } = withRunningImages(verdict(), pod(`r/app@${running}`, tag, group, told));
    expect(allowed).toBe(false);
  });

  test("under Audit it is told and does not deny", () => {
    const found = withRunningImages(verdict({ failureAction: "Audit" }), pod(`r/app@${running}`));
    expect([found.allowed, found.outcome]).toEqual([true, "error"]);
  });

  test.each<[string, Partial<Result>[], boolean, boolean]>([
    ["one enforced rule among audited ones is enough", [{ failureAction: "Audit" }, {}], true, false],
    [
      "audited rules alone deny nothing",
      [{ failureAction: "Audit" }, { failureAction: "Audit" }],
      true,
      true,
    ],
    [
      "what was denied for another image stays denied",
      [{ failureAction: "Audit" }, { image: "r.example/other:v1", outcome: "fail", code: "notSigned" }],
      false,
      false,
    ],
  ])("%s", (_, overs, before, after) => {
    const results = overs.flatMap((over) => verdict(over).results);
    const found = withRunningImages({ ...verdict(), allowed: before, results }, pod(`r/app@${running}`));
    expect([found.allowed, found.outcome]).toEqual([after, "error"]);
  });

  test("what was skipped, or came to no image or digest, says nothing of what runs", () => {
    const { image: _, digest: __, ...rest } = verdict().results[0] as Result;
    const skipped = verdict({ outcome: "skip" });
    const results = [...skipped.results, { ...rest, image: tag }, { ...rest, digest: judged }, rest];
    const given = { ...skipped, allowed: true, results };
    expect(withRunningImages(given, pod(`r/app@${running}`))).toEqual(given);
  });

  test("what failed goes on failing, and tells which image that was", () => {
    const failed = verdict({ outcome: "fail", code: "notSigned", message: "no signature" });
    const [result] = withRunningImages(failed, pod(`r/app@${running}`)).results;
    expect(result).toMatchObject({ outcome: "fail", code: "notSigned" });
    expect(result?.message).toContain(
      `no signature; this is of ${judged}, but container \`web\` runs ${running}`,
    );
  });

  test("one of two containers is enough", () => {
    const one = pod(`r/app@${judged}`);
    const other = { name: "sidecar", image: tag };
    const both = {
      ...one,
      spec: { containers: [{ name: "web", image: tag }, other] },
      status: {
        containerStatuses: [
          { name: "web", imageID: `r/app@${judged}` },
          { name: "sidecar", imageID: `r/app@${running}` },
        ],
      },
    };
    const [result] = withRunningImages(verdict(), both).results;
    expect(result?.message).toContain("container `sidecar` runs");
    expect(result?.message).not.toContain("`web`");
  });
});

test.each<[string, JsonObject]>([
  ["it runs what was judged", pod(`r/app@${judged}`)],
  ["it has not started", pod("")],
  ["the runtime tells the digest of the configuration alone", pod(`docker://sha256:${"c".repeat(64)}`)],
  ["it has no status", { ...pod(""), status: null }],
  ["its status is none", { ...pod(""), status: { containerStatuses: "many" } }],
  ["another container runs another image", pod(`r/app@${running}`, "registry.example.com/other:v1")],
  ["it is no Pod", { ...pod(`r/app@${running}`), kind: "Deployment" }],
])("where %s the verdict stays as it is", (_, object) => {
  expect(withRunningImages(verdict(), object)).toEqual(verdict());
});

test("an image by digest is what runs, whatever a runtime calls its platform's part", () => {
  const image = `${tag}@${judged}`;
  const pinned = verdict({ image });
  expect(withRunningImages(pinned, pod(`r/app@${running}`, image))).toEqual(pinned);
});

describe("the trace of a verdict about a Pod that runs another image", () => {
  const [signed, unsigned] = [tagOf("key-ecdsa"), tagOf("unsigned")];
  const passes = digestOf("key-ecdsa");
  const preconditions = { all: [{ key: "{{ request.operation }}", operator: "Equals", value: "CREATE" }] };
  const moved = { containerStatuses: [{ name: "c0", imageID: `r/app@${running}` }] };
  async function judgedOf(images: readonly string[], status: JsonObject): Promise<Verdict> {
    const resource = podOf(images, { status });
    const engine = engineFor(policy({ rule: { preconditions } }));
    return withRunningImages((await engine.evaluate({ resource })).verdict, resource);
  }

  test("says so of the image with both digests, and of the rule and the policy above", async () => {
    const { trace, allowed } = await judgedOf([signed], moved);
    expect(allowed).toBe(false);
    const message = expect.stringMatching(`${passes} now.*runs ${running}, which was not judged`);
    const digests = { expected: passes, received: running };
    const undecided = { outcome: "error", code: "otherImageRuns" };
    const image = { ...undecided, step: "image", message };
    expect(trace[0]).toMatchObject({
      ...{ ...undecided, step: "policy", message: "1 image: 1 undecided" },
      children: [{ ...undecided, step: "rule", message: "1 image: 1 undecided" }],
    });
    const [preconditions, judged] = trace[0]?.children[0]?.children ?? [];
    expect(preconditions).toMatchObject({ step: "preconditions", outcome: "pass" });
    expect(judged).toMatchObject(image);
    expect(judged?.children.at(-1)).toMatchObject({ ...undecided, step: "digest", ...digests });
    const told = explain(await judgedOf([signed], moved));
    expect(told).toContain(`expected: ${passes}`);
    expect(told).toContain(`received: ${running}`);
    expect(told).toContain("container `c0` runs another image than the one that was judged [otherImageRuns]");
  });

  test("goes on saying what failed, with both digests beside it", async () => {
    const { trace } = await judgedOf([unsigned], moved);
    const [, judged] = trace[0]?.children[0]?.children ?? [];
    expect(judged).toMatchObject({ step: "image", outcome: "fail", code: "notSigned" });
    expect(judged?.children.at(-1)).toMatchObject({
      step: "digest",
      code: "otherImageRuns",
      received: running,
    });
    expect(trace[0]).toMatchObject({ outcome: "fail", code: "notSigned" });
  });

  test("stays as it is of the images beside it, and where nothing else runs", async () => {
    const { trace } = await judgedOf([signed, tagOf("key-ecdsa", "referrers")], moved);
    expect(trace[0]?.children[0]).toMatchObject({ message: "2 images: 1 verified, 1 undecided" });
    const same = { containerStatuses: [{ name: "c0", imageID: `r/app@${passes}` }] };
    const { trace: unchanged } = await judgedOf([signed], same);
    expect(unchanged[0]).toMatchObject({ outcome: "pass", children: [{ message: "1 image: 1 verified" }] });
  });
});
