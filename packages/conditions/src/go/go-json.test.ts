import { describe, expect, test } from "vitest";
import { ConditionError } from "../condition-error.ts";
import { parseJson } from "./go-json.ts";

describe("parseJson", () => {
  test("keeps every digit of an integer when asked to", () => {
    const text = "[9007199254740993, 1.0, 1e2, -1, 99999999999999999999]";
    expect(parseJson(text, { integers: "exact" })).toEqual([9007199254740993n, 1, 100, -1n, 1e20]);
    expect(parseJson(text)).toEqual([9007199254740992, 1, 100, -1, 1e20]);
  });

  test("refuses a key that stands twice, and says where", () => {
    const text = '{"a": {"b": 1, "b": 2}}';
    expect(() => parseJson(text)).toThrow("the key `b` stands twice in one object");
    expect(parseJson(text, { duplicateKeys: "last" })).toEqual({ a: { b: 2 } });
    // The same key by an escape.
    expect(() => parseJson('{"a":1,"\\u0061":2}')).toThrow("stands twice");
  });

  test("makes `__proto__` a key like any other", () => {
    const value = parseJson('{"__proto__": {"polluted": true}}');
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(() => parseJson('{"__proto__":1,"__proto__":2}')).toThrow("stands twice");
  });

  test.each<[string, "badJson" | "badText" | "limitExceeded"]>([
    ["{", "badText"],
    ['"open', "badText"],
    ["1e400", "badText"],
    ["[1,]", "badJson"],
    ["{a:1}", "badJson"],
    ["01", "badJson"],
    ["+1", "badJson"],
    [".5", "badJson"],
    ["NaN", "badJson"],
    ['"\\x"', "badJson"],
    ['"\n"', "badJson"],
    ["1 2", "badJson"],
    ["\uFEFF1", "badJson"],
    ["", "badText"],
    ["[".repeat(10_000), "limitExceeded"],
    ["[".repeat(257) + "]".repeat(257), "limitExceeded"],
  ])("%s is refused: %s", (text, code) => {
    try {
      parseJson(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConditionError);
      expect(error).toMatchObject({ code });
    }
  });

  test("has limits that can be set", () => {
    expect(() => parseJson("[[1]]", { maxDepth: 1 })).toThrow("nests deeper than 1");
    expect(() => parseJson("[1]", { maxLength: 2 })).toThrow("longer than 2");
    expect(parseJson("[".repeat(300) + "]".repeat(300), { maxDepth: 300 })).toBeDefined();
  });

  test("replaces lone surrogates, as Go does", () => {
    expect(parseJson('"\\ud800x"')).toBe("\uFFFDx");
    expect(parseJson('"\\ud83d\\ude00"')).toBe("😀");
  });
});
