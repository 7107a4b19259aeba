import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { extractImages, type ImageExtractor, type JsonObject } from "../index.ts";

const place = { path: "", source: { file: "", line: 1, column: 1 } };
const task: JsonObject = {
  kind: "Task",
  spec: {
    steps: [
      { name: "build", image: "ubuntu:20.04" },
      { name: "push", image: "gcr.io/example-builders/push-example" },
    ],
    sidecars: { "a/b": { image: "nginx" } },
    notes: "text",
  },
};
const extract = (extractor: Omit<ImageExtractor, "place">, resource = task) => {
  const { images, problems } = extractImages(
    resource,
    { Task: [{ place, ...extractor }] },
    {
      evaluate: (expression, input) => {
        if (expression === "fail") throw new Error("unknown function");
        return expression === "number" ? 7 : input.replace("docker://", "");
      },
    },
  );
  return {
    images: images.map(
      ({ group, key, pointer, reference }) => `${group} ${key} ${pointer} ${reference.text}`,
    ),
    problems: problems.map(({ code, message }) => `${code}: ${message}`),
  };
};
interface Wanted {
  readonly images: readonly string[];
  readonly problems: readonly string[];
}
const found = (...images: readonly string[]): Wanted => ({ images, problems: [] });

// The built-in extractors are tested with the recorded cases (resource-images.json) in the conformance package.
describe("extractors of a rule", () => {
  test.each<[string, Omit<ImageExtractor, "place">, Wanted]>([
    [
      "a slash path",
      { path: "/spec/steps/*/image" },
      found(
        "custom /spec/steps/0/image /spec/steps/0/image ubuntu:20.04",
        "custom /spec/steps/1/image /spec/steps/1/image gcr.io/example-builders/push-example",
      ),
    ],
    [
      "with value, key and name (Test_extractImageInfo)",
      { name: "steps", path: "/spec/steps/*", value: "image", key: "name" },
      found(
        "steps build /spec/steps/0/image ubuntu:20.04",
        "steps push /spec/steps/1/image gcr.io/example-builders/push-example",
      ),
    ],
    [
      "over a map, with a slash in its key",
      { path: "/spec/sidecars/*/image" },
      found("custom /spec/sidecars/a~1b/image /spec/sidecars/a~1b/image nginx"),
    ],
    [
      "JSONPath",
      { path: "$.spec.steps[*].image" },
      found(
        "custom /spec/steps/0/image /spec/steps/0/image ubuntu:20.04",
        "custom /spec/steps/1/image /spec/steps/1/image gcr.io/example-builders/push-example",
      ),
    ],
    [
      "JSONPath to the objects",
      { path: "$..steps[*]", value: "image", key: "name", name: "steps" },
      found(
        "steps build /spec/steps/0/image ubuntu:20.04",
        "steps push /spec/steps/1/image gcr.io/example-builders/push-example",
      ),
    ],
    [
      "JSONPath anywhere",
      { path: "$..image" },
      found(
        "custom /spec/steps/0/image /spec/steps/0/image ubuntu:20.04",
        "custom /spec/steps/1/image /spec/steps/1/image gcr.io/example-builders/push-example",
        "custom /spec/sidecars/a~1b/image /spec/sidecars/a~1b/image nginx",
      ),
    ],
    ["nothing there", { path: "/spec/none/*/image" }, found()],
    ["JSONPath to nothing", { path: "$.spec.none[*].image" }, found()],
    [
      "JSONPath that ends too early",
      { path: "$.spec.sidecars.*" },
      {
        images: [],
        problems: [
          "badStructure: invalid image config: `/spec/sidecars/a~1b` should be text, but is an object",
        ],
      },
    ],
    [
      "JSONPath that ends too late",
      { path: "$.spec.sidecars.*.image", value: "image" },
      {
        images: [],
        problems: [
          "badStructure: invalid image config: `/spec/sidecars/a~1b/image` should be an object with `image`, but is a string",
        ],
      },
    ],
    [
      "JSONPath of many names",
      { path: `$${"[0,0]".repeat(40)}` },
      {
        images: [],
        problems: [
          `badTransform: failed to apply JSONPath $${"[0,0]".repeat(40)}: only names, indexes, slices, \`*\` and \`..\` are supported`,
        ],
      },
    ],
    [
      "a path through text",
      { path: "/spec/notes/image" },
      {
        images: [],
        problems: ["badStructure: invalid image config: `/spec/notes` should be an object, but is a string"],
      },
    ],
    [
      "a script",
      { path: "$.spec.steps[(@.length-1)].image" },
      {
        images: [],
        problems: [
          "badTransform: failed to apply JSONPath $.spec.steps[(@.length-1)].image: only names, indexes, slices, `*` and `..` are supported",
        ],
      },
    ],
    [
      "a transformation that fails",
      { path: "/spec/sidecars/*/image", jmesPath: "fail" },
      { images: [], problems: ["badTransform: failed to apply jmespath fail: unknown function"] },
    ],
    [
      "a transformation to no text",
      { path: "/spec/sidecars/*/image", jmesPath: "number" },
      { images: [], problems: ["badTransform: jmespath number must produce a string, but produced 7"] },
    ],
  ])("%s", (_, extractor, wanted) => {
    expect(extract(extractor)).toEqual(wanted);
  });
  test.each<[string, readonly ImageExtractor[], string]>([
    ["no extractor", [], "no extractors found for Task"],
    ["an empty path", [{ place, path: " / " }], "the path of an image extractor for Task is empty"],
  ])("%s is a problem, not no image", (_, extractors, says) => {
    expect(extractImages(task, { Task: extractors }).problems.map((one) => one.message)).toEqual([says]);
  });
  test("a transformation that cannot be evaluated is a problem, not no image", () => {
    const extractor = { place, path: "/spec/steps/*/image", jmesPath: "trim_prefix(@, 'docker://')" };
    expect(extractImages(task, { Task: [extractor] }).problems).toHaveLength(2);
  });
});

describe("images that must not be overlooked", () => {
  const pod = (containers: JsonObject["x"]): JsonObject => ({
    kind: "Pod",
    spec: { containers: containers ?? [] },
  });
  test("two containers of one name are two images", () => {
    const { images } = extractImages(
      pod([
        { name: "a", image: "one" },
        { name: "a", image: "two" },
      ]),
    );
    expect(images.map(({ pointer, reference }) => `${pointer} ${reference.text}`)).toEqual([
      "/spec/containers/0/image one",
      "/spec/containers/1/image two",
    ]);
  });
  test("every bad image is named with its container and place", () => {
    const { problems } = extractImages(
      pod([
        { name: "a", image: "BAD" },
        { name: "b", image: "ok" },
        { name: "c", image: "x y" },
      ]),
    );
    expect(problems).toEqual([
      {
        code: "badImage",
        message:
          "invalid image of `a` at /spec/containers/0/image: bad image `BAD`: `BAD` has an upper-case letter, write `bad`: repository name must be lowercase",
        pointer: "/spec/containers/0/image",
        key: "a",
      },
      {
        code: "badImage",
        message:
          "invalid image of `c` at /spec/containers/2/image: bad image `x y`: it has a space at offset 1: invalid reference format",
        pointer: "/spec/containers/2/image",
        key: "c",
      },
    ]);
  });
  // Recorded from Kyverno 1.19.1: one `*` reads lists inside lists, and a list is no object that holds an image.
  test("an image in a list inside a list is an image", () => {
    const nested = pod([[{ name: "a", image: "one" }, [{ name: "b", image: "two" }, 7]], []]);
    expect(extractImages(nested).images.map(({ pointer }) => pointer)).toEqual([
      "/spec/containers/0/0/image",
      "/spec/containers/0/1/0/image",
    ]);
    expect(extractImages(pod([[{ image: "one" }]])).problems.map(({ code }) => code)).toEqual(["badKey"]);
    const resource = { kind: "Task", spec: { sidecars: { a: [{ image: "one" }] } } };
    expect(extract({ path: "/spec/sidecars/*/image" }, resource).problems).toEqual([
      "badStructure: invalid image config: `/spec/sidecars/a` should be an object, but is a list",
    ]);
    expect(extract({ path: "/spec/sidecars/*/*/image" }, resource)).toEqual(
      found("custom /spec/sidecars/a/0/image /spec/sidecars/a/0/image one"),
    );
  });
  test("prototype keys are no fields", () => {
    const resource: JsonObject = JSON.parse(
      '{"kind":"Pod","__proto__":{"spec":{"containers":[{"name":"a","image":"x"}]}}}',
    );
    expect(extractImages(resource).images).toEqual([]);
  });
  test("every kind of the recorded table has its images", () => {
    const file = new URL("../../../conformance/cases/kyverno/resource-images.json", import.meta.url);
    const table: { cases: readonly { resource: JsonObject; want: { value?: object } }[] } = JSON.parse(
      readFileSync(file, "utf8"),
    );
    for (const { resource, want } of table.cases) {
      if (want.value === undefined || Object.hasOwn(resource, "$def")) continue;
      const groups = new Set(extractImages(resource).images.map((image) => image.group));
      if (Object.hasOwn(want.value, "containers")) expect(groups).toEqual(new Set(Object.keys(want.value)));
    }
  });
});

describe("what stands around images", () => {
  test("pull secrets beside and above an image are those of its object", () => {
    const imagePullSecrets = [{ name: "one" }, { name: "" }, {}, "two", null] as const;
    const spec = {
      imagePullSecrets,
      containers: [{ name: "a", image: "x", imagePullSecrets: [{ name: "own" }] }],
    };
    const secrets = (resource: unknown): unknown =>
      extractImages(resource as JsonObject).images.map(({ pullSecrets }) => pullSecrets);
    expect(secrets({ kind: "Pod", spec })).toEqual([["one", "own"]]);
    expect(secrets({ kind: "Deployment", spec: { template: { spec } } })).toEqual([["one", "own"]]);
    expect(secrets({ kind: "Pod", spec: { ...spec, imagePullSecrets: "one" } })).toEqual([["own"]]);
  });

  test("a kind that is called as every object's fields are has no extractors of its own", () => {
    expect(
      extractImages({ kind: "constructor", spec: {} }, { Task: [{ place, path: "/spec/image" }] }),
    ).toEqual({
      ...{ images: [], problems: [], unnamed: [] },
    });
  });

  test("nothing where something should be holds no image, and is no mistake", () => {
    for (const spec of [null, { containers: null }, { containers: [null] }, { containers: [7] }]) {
      const { images, problems, unnamed } = extractImages({ kind: "Pod", spec } as JsonObject);
      expect([images, problems, unnamed.length]).toEqual([[], [], 1]);
    }
  });

  test("an extractor that is called as the built-in one finds what it finds, and no more is missed", () => {
    const extractor = { place, name: "containers", path: "/spec/steps/*/image" };
    const step: JsonObject = { kind: "Task", spec: { steps: [{ image: "one" }] } };
    expect(extractImages(step, { Task: [extractor] }).unnamed).toEqual([]);
    const two = [extractor, { ...extractor, path: "/spec/sidecars/*/image" }];
    expect(extractImages(step, { Task: two }).unnamed).toEqual([]);
  });

  test("of a thousand containers without an image ten are told of", () => {
    const containers = Array.from({ length: 1000 }, (_, index) => ({ name: `c${index}` }));
    expect(extractImages({ kind: "Pod", spec: { containers } }).unnamed).toHaveLength(10);
  });

  test("a transformation that nobody can evaluate here is a problem that says so", () => {
    const { problems } = extractImages(task, {
      Task: [{ place, path: "/spec/steps/*/image", jmesPath: "x" }],
    });
    expect(problems[0]).toMatchObject({
      code: "badTransform",
      message: "jmespath x cannot be evaluated here",
    });
  });
});

describe("an image that got lost on the way", () => {
  const pod = (container: unknown, spec: object = { containers: [container] }): JsonObject =>
    ({ apiVersion: "v1", kind: "Pod", spec }) as JsonObject;

  test.each<[string, unknown]>([
    ["a number", 1.21],
    ["a list", ["nginx"]],
    ["an object, as values of charts have them", { repository: "nginx", tag: "v1" }],
    ["a flag", false],
  ])("%s is no image, and whoever runs it may read it as one", (_, image) => {
    const { problems } = extractImages(pod({ name: "web", image }));
    expect(problems).toMatchObject([
      { code: "badStructure", pointer: "/spec/containers/0/image", key: "web" },
    ]);
  });

  test.each<[string, JsonObject, string]>([
    ["that is misspelt", pod({ name: "web", Image: "nginx" }), "/spec/containers/0/image"],
    ["that is empty", pod({ name: "web", image: " " }), "/spec/containers/0/image"],
    ["that is null", pod({ name: "web", image: null }), "/spec/containers/0/image"],
    ["of containers that are misspelt", pod(undefined, { Containers: [] }), "/spec/containers/*/image"],
    ["of no containers", pod(undefined, { containers: [] }), "/spec/containers/*/image"],
    ["of a container that is text", pod('{"image":"nginx"}'), "/spec/containers/0"],
  ])("an image %s is missed where it should be", (_, resource, pointer) => {
    expect(extractImages(resource)).toEqual({ images: [], problems: [], unnamed: [pointer] });
  });

  test("of a list of a million numbers only the first ten are told", () => {
    const resource = pod(undefined, { containers: Array.from({ length: 1_000_000 }, () => 0) });
    expect(extractImages(resource).unnamed).toHaveLength(10);
  });

  test("also beside other groups, whose images are there", () => {
    const { images, unnamed } = extractImages(
      pod(undefined, { initContainers: [{ name: "a", image: "nginx" }], container: [] }),
    );
    expect([images.length, unnamed]).toEqual([1, ["/spec/containers/*/image"]]);
  });

  test("and where an extractor looks for it", () => {
    const at = { Task: [{ place, path: "/spec/step/*/image" }] };
    expect(extractImages(task, at).unnamed).toEqual(["/spec/step/*/image"]);
    expect(extractImages(task).unnamed).toEqual([]);
  });
});
