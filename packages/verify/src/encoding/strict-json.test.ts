import { describe, expect, test } from "vitest";
import { Refusal } from "../refusal.ts";
import { parseStrictJson, parseStrictObject, readUtf8 } from "./strict-json.ts";

function refusal(read: () => unknown): string {
  try {
    read();
    return "read";
  } catch (error) {
    if (error instanceof Refusal) return error.message.replace("it ", "");
    throw error;
  }
}

describe("whole values", () => {
  test.each([
    ['{"a":1,"b":[true,null,"x"]}', { a: 1, b: [true, null, "x"] }],
    [" \n\t{ } ", {}],
    ['"\\"quoted\\\\"', '"quoted\\'],
    ["[[],[{}]]", [[], [{}]]],
    ["-1.5e3", -1500],
    ['{"a":{"b":1},"c":{"b":1}}', { a: { b: 1 }, c: { b: 1 } }],
  ])("%s", (text, value) => {
    expect(parseStrictJson(text, "it")).toEqual(value);
  });

  test.each([
    ["a key twice", '{"a":1,"a":2}', "has a key twice"],
    ["a key in two cases", '{"Digest":1,"digest":2}', "has a key twice"],
    ["a key with the Kelvin sign", '{"k":1,"\u212a":2}', "has a key twice"],
    ["a key with a long s", '{"s":1,"\u017f":2}', "has a key twice"],
    ["a key spelled with an escape", '{"a":1,"\\u0061":2}', "has a key twice"],
    ["a key twice, deep inside", '{"a":[{"b":{"c":1,"C":2}}]}', "has a key twice"],
    ["bytes after the end", "{} {}", "has bytes after its end"],
    ["a byte order mark", "\ufeff{}", "has bytes after its end"],
    ["no value", "", "is not JSON"],
    ["an open string", '{"a', "ends inside a string"],
    ["an escaped closing quote", '"a\\"', "ends inside a string"],
    ["single quotes", "{'a':1}", "is not JSON"],
    ["a comma too many", '{"a":1,}', "is not JSON"],
    ["a missing colon", '{"a" 1}', "is not JSON"],
    ["a literal that is none", "[nul]", "is not JSON"],
    ["brackets of two kinds", '{"a":[}', "is not JSON"],
    ["an endless number", `[${"1".repeat(5000)}]`, "has an endless number"],
    ["a line break in a string", '"a\nb"', "is not JSON"],
  ])("refuses %s", (_, text, reason) => {
    expect(refusal(() => parseStrictJson(text, "it"))).toBe(reason);
  });

  test.each([15, 16, 17, 40])("finds a key twice behind %i others, whichever it is", (count) => {
    const members = Array.from({ length: count }, (_, i) => `"key${i}":${i}`);
    expect(refusal(() => parseStrictJson(`{${members.join()}}`, "it"))).toBe("read");
    for (let i = 0; i < count; i++) {
      const text = `{${[...members, `"Key${i}":null`].join()}}`;
      expect(refusal(() => parseStrictJson(text, "it"))).toBe("has a key twice");
    }
  });

  test("depth is bounded, in objects, lists and skipped members", () => {
    const deep = (open: string, close: string, depth: number): string =>
      open.repeat(depth) + close.repeat(depth);
    expect(refusal(() => parseStrictJson(deep("[", "]", 150), "it"))).toBe("read");
    for (const text of [deep("[", "]", 100_000), `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`]) {
      expect(refusal(() => parseStrictJson(text, "it"))).toBe("is nested deeper than 200 levels");
      const inside = `{"predicate":${text}}`;
      expect(refusal(() => parseStrictObject(inside, { what: "it", skip: "predicate" }))).toBe(
        "is nested deeper than 200 levels",
      );
    }
  });
});

describe("objects with a member that is skipped", () => {
  const read = (text: string): unknown => parseStrictObject(text, { what: "it", skip: "predicate" });

  test.each([
    ['{"a":1,"predicate":{"x":[1,{"y":"}"}]},"b":2}', '{"x":[1,{"y":"}"}]}'],
    ['{"a":1,"predicate":"te\\"xt","b":2}', '"te\\"xt"'],
    ['{"a":1,"predicate":12,"b":2}', "12"],
    ['{"a":1,"predicate":{"k":1,"k":2},"b":2}', '{"k":1,"k":2}'],
  ])("%s", (text, skipped) => {
    expect(read(text)).toEqual({ members: { a: 1, predicate: null, b: 2 }, skipped });
  });

  test.each([
    ["the member twice", '{"predicate":1,"predicate":2}', "has a key twice"],
    ["the member in two cases", '{"predicate":1,"Predicate":2}', "has a key twice"],
    ["a list", "[]", "is not a JSON object"],
    ["a member that never ends", '{"predicate":{"a":[1,2', "ends too early"],
    ["an endless number inside", `{"predicate":[${"9".repeat(5000)}]}`, "has an endless number"],
    ["an endless number as member", `{"predicate":${"9".repeat(5000)}}`, "has an endless number"],
  ])("refuses %s", (_, text, reason) => {
    expect(refusal(() => read(text))).toBe(reason);
  });

  test("a key called __proto__ is a member like any other", () => {
    const { members } = parseStrictObject('{"__proto__":{"x":1}}', { what: "it" });
    expect(Object.getPrototypeOf(members)).toBe(Object.prototype);
    expect(Object.hasOwn(members, "__proto__")).toBe(true);
  });
});

test("bytes that are no UTF-8 are refused", () => {
  expect(refusal(() => readUtf8(Buffer.from([0x22, 0xc3, 0x22]), "it"))).toBe("is not UTF-8");
  expect(readUtf8(Buffer.from("ü"), "it")).toBe("ü");
});
