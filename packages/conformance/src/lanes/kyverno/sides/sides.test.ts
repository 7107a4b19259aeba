import { expect, test } from "vitest";
import { patched } from "./json-patch.ts";
import { said } from "./kyverno-side.ts";

test("what Kyverno says of each rule is read from its message and from its warnings", () => {
  const message = [
    "\n\nresource Pod/s1/p0 was blocked due to the following policies \n",
    "one:",
    "  r0: 'failed to verify image a:v1: no signatures found'",
    "  autogen-r1: |-",
    "    unverified image",
    "    b:v1",
    "two:",
    "  r0: missing digest for c:v1",
  ].join("\n");
  const warnings = [
    "policy three.r0: only audited",
    "policy three.autogen-cronjob-r1: skipping image reference image d:v1",
    "something else",
  ];
  expect(said({ allowed: false, status: { message }, warnings })).toEqual([
    ["one/r0", "'failed to verify image a:v1: no signatures found'", true],
    ["one/autogen-r1", "|- unverified image b:v1", true],
    ["two/r0", "missing digest for c:v1", true],
    ["three/r0", "only audited", false],
    ["?something else", "something else", false],
  ]);
  expect(said({ allowed: false, status: { message: "no such path" } })).toEqual([
    ["?", "no such path", true],
  ]);
  expect(said({ allowed: true })).toEqual([]);
});

test("a patch is applied to a copy", () => {
  const pod = { metadata: {}, spec: { containers: [{ image: "a" }, { image: "b" }] } };
  const operations = [
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/kyverno.io~1x", value: "1" },
    { op: "replace", path: "/spec/containers/1/image", value: "c" },
    { op: "remove", path: "/spec/containers/0" },
    { op: "add", path: "/spec/containers/-", value: { image: "d" } },
  ];
  const patch = (list: readonly object[]): string => Buffer.from(JSON.stringify(list)).toString("base64");
  expect(patched(pod, patch(operations))).toEqual({
    metadata: { annotations: { "kyverno.io/x": "1" } },
    spec: { containers: [{ image: "c" }, { image: "d" }] },
  });
  expect(pod.spec.containers).toHaveLength(2);
  expect(() => patched(pod, patch([{ op: "add", path: "/nowhere/x", value: 1 }]))).toThrow("leads nowhere");
});
