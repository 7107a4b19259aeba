import { describe, expect, test } from "vitest";
import type { JsonObject } from "../model.ts";
import { selectJsonPath } from "./select-json-path.ts";

const document: JsonObject = { spec: { "a/b": [{ image: "one" }, { image: "two" }], image: "three" } };
const pointers = (path: string, of = document): readonly string[] =>
  selectJsonPath(path, of).map(({ pointer }) => pointer);

test.each<[string, readonly string[]]>([
  ["$.spec.image", ["/spec/image"]],
  ["$.spec[*][1].image", ["/spec/a~1b/1/image"]],
  ["$..image", ["/spec/image", "/spec/a~1b/0/image", "/spec/a~1b/1/image"]],
  ["$.spec.none", []],
])("%s finds %j", (path, wanted) => {
  expect(pointers(path)).toEqual(wanted);
});

describe("nothing of a path is evaluated, and none makes much of little", () => {
  test.each([
    "$.spec[?(@.image)]",
    "$.spec[(@.length-1)]",
    "$.spec.image^",
    "$.spec.image~",
    "$.spec.`image`",
    "$.spec[image,image]",
    "$.spec.@string()",
  ])("%s is refused", (path) => {
    expect(() => selectJsonPath(path, document)).toThrow(
      "only names, indexes, slices, `*` and `..` are supported",
    );
  });

  test("`..` may stand once", () => {
    expect(() => selectJsonPath("$..spec..image", document)).toThrow("`..` may stand once");
  });

  test("a path of 1,024 characters is read, one more is refused", () => {
    const path = `$.${"a".repeat(1022)}`;
    expect(pointers(path)).toEqual([]);
    expect(() => selectJsonPath(`${path}a`, document)).toThrow("the path is longer than 1024 characters");
  });

  test("10,000 values are found, one more is refused", () => {
    const images = (count: number): JsonObject => ({ images: Array.from({ length: count }, () => "a") });
    expect(pointers("$.images[*]", images(10_000))).toHaveLength(10_000);
    expect(() => selectJsonPath("$.images[*]", images(10_001))).toThrow("it finds more than 10000 values");
  });
});
