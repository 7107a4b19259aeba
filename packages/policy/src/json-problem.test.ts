import { expect, test } from "vitest";
import { jsonProblem } from "./json-problem.ts";

class Pod {
  readonly kind = "Pod";
  clone(): Pod {
    return new Pod();
  }
}
class Hidden {
  get spec(): object {
    return {};
  }
}
const circle: Record<string, unknown> = {};
circle["own"] = circle;

test.each<[string, unknown]>([
  ["what was parsed", JSON.parse('{"a":[1,"x",null,true,{"__proto__":{"b":1}}]}')],
  ["an object without prototype", Object.assign(Object.create(null), { a: 1 })],
  ["a field that is undefined, which is absent", { a: undefined }],
  ["an instance with fields of its own, as Kubernetes clients make them", new Pod()],
  ["a Date, as they make it of a time", { creationTimestamp: new Date(0) }],
  ["what is frozen", Object.freeze({ a: Object.freeze([1]) })],
  ["a proxy of an object", new Proxy({ a: 1 }, {})],
  [
    "a getter of the object's own",
    {
      get a() {
        return 1;
      },
    },
  ],
])("%s is JSON", (_, value) => {
  expect(jsonProblem(value)).toBeUndefined();
});

test.each<[string, unknown, string, string]>([
  ["a Map", { spec: { containers: new Map() } }, "spec.containers", "a Map"],
  ["a Set", [new Set(["Pod"])], "[0]", "a Set"],
  ["a Promise", { spec: Promise.resolve({}) }, "spec", "a Promise"],
  ["bytes", { image: new Uint8Array(1) }, "image", "a Uint8Array"],
  ["a text that is an object", { image: Object("x") }, "image", "a String"],
  ["getters of a class", { pods: [new Hidden()] }, "pods[0]", "an object with inherited fields"],
  ["inherited values", Object.create({ spec: {} }), "", "an object with inherited fields"],
  [
    "fields that do not show",
    Object.defineProperty({}, "spec", { value: 1 }),
    "",
    "an object with hidden fields",
  ],
  ["a function", { image: () => "x" }, "image", "a function"],
  ["a symbol", { image: Symbol("x") }, "image", "a symbol"],
  ["a bigint", { a: [[1n]] }, "a[0][0]", "a bigint"],
  ["no number", { a: Number.NaN }, "a", "NaN"],
  ["a time that is none", { a: new Date("x") }, "a", "a Date without a time"],
  ["an entry that got lost", { a: [1, undefined] }, "a[1]", "undefined"],
  // biome-ignore lint/suspicious/noSparseArray: that is what is tested
  ["a hole", { a: [, 1] }, "a[0]", "undefined"],
  ["nothing at all", undefined, "", "undefined"],
])("%s is none, and says so", (_, value, path, is) => {
  expect(jsonProblem(value)).toEqual({ path, is });
});

test("what holds itself is none", () => {
  expect(jsonProblem(circle)?.is).toBe("nested deeper than 1000 levels");
});
