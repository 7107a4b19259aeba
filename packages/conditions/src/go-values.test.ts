import { describe, expect, test } from "vitest";
import { equalFold, toLower, toUpper } from "./go/case-mapping.ts";
import { formatDuration, parseDuration } from "./go/duration.ts";
import { parseLayout } from "./go/go-layout.ts";
import { formatFloat32, formatNumber, jsonNumber, parseFloat64, parseInt64 } from "./go/go-number.ts";
import { compareText, jsonText, printText } from "./go/go-text.ts";
import { addDuration, formatTime, formatTimeExact, parseTime, truncateTime } from "./go/go-time.ts";
import { formatQuantity, parseQuantity } from "./go/quantity.ts";
import { satisfiesRange } from "./go/semver.ts";
import { createBudget, defaultLimits } from "./limits.ts";

const budget = createBudget(defaultLimits);

// What Go itself answers: time, strconv, encoding/json, k8s.io/apimachinery and github.com/blang/semver.
describe("durations", () => {
  test.each<[string, bigint | undefined]>([
    ["1h30m", 5_400_000_000_000n],
    ["-1.5s", -1_500_000_000n],
    [".5ms", 500_000n],
    ["1µs", 1_000n],
    ["1μs", 1_000n],
    ["0", 0n],
    ["+0", 0n],
    ["9223372036854775807ns", 2n ** 63n - 1n],
    ["-9223372036854775808ns", -(2n ** 63n)],
    ["9223372036854775808ns", undefined],
    ["2562048h", undefined],
    ["1d", undefined],
    ["1", undefined],
    ["", undefined],
    ["1 h", undefined],
    [".s", undefined],
    ["1h-1m", undefined],
  ])("%s", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each<[bigint, string]>([
    [0n, "0s"],
    [1n, "1ns"],
    [1_100n, "1.1µs"],
    [2_200_000n, "2.2ms"],
    [3_300_000_000n, "3.3s"],
    [245_000_000_000n, "4m5s"],
    [-90_000_000_000_000n, "-25h0m0s"],
    [-(2n ** 63n), "-2562047h47m16.854775808s"],
  ])("%s is %s", (nanoseconds, text) => {
    expect(formatDuration(nanoseconds)).toBe(text);
  });
});

describe("times", () => {
  test.each<[string, string | undefined]>([
    ["2024-06-01T10:00:00Z", "2024-06-01T10:00:00Z"],
    ["2024-06-01T1:00:00Z", "2024-06-01T01:00:00Z"],
    ["2024-06-01T10:00:00,123456789987Z", "2024-06-01T10:00:00.123456789Z"],
    ["2024-02-29T10:00:00+24:00", "2024-02-29T10:00:00+24:00"],
    ["2024-06-01T10:00:00-00:00", "2024-06-01T10:00:00Z"],
    ["2023-02-29T10:00:00Z", undefined],
    ["2024-06-01t10:00:00z", undefined],
    ["2024-06-01T24:00:00Z", undefined],
    ["2024-06-01T23:59:60Z", undefined],
    ["2024-06-01T10:00:00+0200", undefined],
    ["2024-06-01", undefined],
  ])("%s", (text, expected) => {
    const time = parseTime(text);
    expect(time && formatTimeExact(time)).toBe(expected);
  });

  test("count from the year 1, in weeks from a Monday", () => {
    const time = parseTime("2024-06-01T10:00:00Z");
    expect(time && formatTime(truncateTime(time, 604_800_000_000_000n))).toBe("2024-05-27T00:00:00Z");
  });

  test("go on after the year 9999", () => {
    const time = parseTime("9999-12-31T23:59:59Z");
    expect(time && formatTime(addDuration(time, 1_000_000_000n))).toBe("10000-01-01T00:00:00Z");
  });

  test.each<[string, string, string]>([
    ["2006-01-02 15:04:05 MST", "2024-01-02 03:04:05 CET", "2024-01-02T03:04:05Z"],
    ["Mon, 02 Jan 2006 15:04:05 -0700", "Tue, 02 Jan 2024 03:04:05 +0130", "2024-01-02T03:04:05+01:30"],
    ["January 2, 2006 3:04PM", "march 5, 2024 12:00AM", "2024-03-05T00:00:00Z"],
    ["2006-002", "2024-060", "2024-02-29T00:00:00Z"],
    ["06/1/2", "70/3/4", "1970-03-04T00:00:00Z"],
    ["2006-01-02 15:04 MST", "2024-01-02 03:04 GMT+3", "2024-01-02T06:04:00+03:00"],
    ["2006-01-02T15:04:05.000Z07:00", "2024-01-02T03:04:05.123Z", "2024-01-02T03:04:05Z"],
    ["15:04 Z07:00 -07:00", "03:04 Z +01:00", "0000-01-01T03:04:00Z"],
    ["15:04 MST -07:00", "03:04 UTC +01:00", "0000-01-01T03:04:00Z"],
    ["15:04 MST -07:00", "03:04 GMT+3 +01:00", "0000-01-01T03:04:00+01:00"],
    ["15:04 MST MST", "03:04 GMT+3 CET", "0000-01-01T03:04:00Z"],
    ["3:04 PM pm", "3:04 PM am", "0000-01-01T15:04:00Z"],
    ["3:04 PM pm", "12:04 PM am", "0000-01-01T00:04:00Z"],
    ["06/1/2", "+5/3/4", "2005-03-04T00:00:00Z"],
    ["15:04 -07:00:00", "03:04 -00:00:01", "0000-01-01T03:04:00Z"],
    ["15:04 -07:00:00", "03:04 -00:00:30", "0000-01-01T03:04:00+00:00"],
  ])("%s reads %s", (layout, text, expected) => {
    expect(formatTime(parseLayout(layout, text))).toBe(expected);
  });

  test.each([
    ["2006-01-02", "2024-1-2"],
    ["2006-01-02", "2024-01-02 "],
    ["15:04", "25:00"],
    ["2006-002", "2023-366"],
    ["Jan 2", "Foo 2"],
    ["Mon 2", "FR\u0130 2"],
    ["15:04 MST", "03:04 +3"],
  ])("%s does not read %s", (layout, text) => {
    expect(() => parseLayout(layout, text)).toThrow("is no time of the layout");
  });
});

describe("numbers", () => {
  test.each<[string, number | undefined]>([
    ["+5", 5],
    [".5", 0.5],
    ["5.", 5],
    ["1_000", 1000],
    ["0x1p-2", 0.25],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["nAn", Number.NaN],
    ["1e400", undefined],
    ["0x10", undefined],
    ["1__0", undefined],
    ["_1", undefined],
    [" 5", undefined],
    ["", undefined],
  ])("ParseFloat %s", (text, expected) => {
    expect(parseFloat64(text)).toBe(expected);
  });

  test("ParseInt keeps to 64 bits", () => {
    expect(parseInt64("9223372036854775807")).toBe(2n ** 63n - 1n);
    expect(parseInt64("9223372036854775808")).toBeUndefined();
    expect(parseInt64("+5")).toBe(5n);
    expect(parseInt64("5.0")).toBeUndefined();
  });

  test.each<[number, string, string, string]>([
    [100_000, "100000", "100000", "100000"],
    [1_000_000, "1e+06", "1000000", "1000000"],
    [1e-7, "1e-07", "1e-7", "0.0000001"],
    [1e21, "1e+21", "1e+21", "1000000000000000000000"],
    [16_777_217, "1.6777217e+07", "16777217", "16777216"],
    [-0, "-0", "-0", "-0"],
    [0.1, "0.1", "0.1", "0.1"],
  ])("%d", (value, print, json, single) => {
    expect([formatNumber(value), jsonNumber(value, "short"), formatFloat32(value)]).toEqual([
      print,
      json,
      single,
    ]);
  });
});

describe("quantities", () => {
  test.each<[string, string | undefined]>([
    ["1024Mi", "1Gi"],
    ["1500m", "1500m"],
    ["0.5Gi", "512Mi"],
    ["1000", "1k"],
    ["1e3", "1e3"],
    ["12e4", "120e3"],
    ["0.1n", "1n"],
    ["-0.1n", "-1n"],
    ["1.5Ki", "1536"],
    ["9007199254740993", "9007199254740993"],
    ["1E400", "1e399"],
    ["99999999999999999999Gi", "9223372036854775807"],
    ["+.5", "500m"],
    ["1.", "1"],
    ["", undefined],
    ["1.2.3", undefined],
    ["1 Gi", undefined],
    ["1gi", undefined],
    ["1e", undefined],
    ["e3", "0"],
    ["k", "0"],
    [".", "0"],
    ["-", "0"],
    ["Ei", undefined],
    ["E-20", undefined],
    ["i", undefined],
  ])("%s is %s", (text, expected) => {
    const quantity = parseQuantity(text);
    if (text === "1E400") expect(quantity?.scale).toBe(-400);
    else expect(quantity && formatQuantity(quantity)).toBe(expected);
  });
});

describe("text", () => {
  test("compares by code points", () => {
    expect(compareText("\uFFFD", "😀")).toBeLessThan(0);
    expect(["😀", "\uFFFD", "é", "z"].sort(compareText)).toEqual(["z", "é", "\uFFFD", "😀"]);
  });

  test("maps case one to one", () => {
    expect([toUpper("straße ﬁ ΐ"), toLower("ΣΑΣ İ")]).toEqual(["STRAßE ﬁ ΐ", "σασ i"]);
    expect(toUpper("ᾀ ᾗ ᾳ ῃ ῳ ᾼ")).toBe("ᾈ ᾟ ᾼ ῌ ῼ ᾼ");
  });

  test("whose case is newer than Go's tables has none, whatever Node knows", () => {
    expect([toUpper("ƛɤ"), toLower("\uA7DC\u{10D50}"), equalFold("ƛ", "\uA7DC")]).toEqual([
      "ƛɤ",
      "\uA7DC\u{10D50}",
      false,
    ]);
  });

  test.each<[string, string, boolean]>([
    ["K", "k", true],
    ["ſ", "S", true],
    ["ς", "Σ", true],
    ["ß", "SS", false],
    ["İ", "i", false],
    ["Kelvin", "kelviN", true],
  ])("EqualFold %s %s: %s", (left, right, expected) => {
    expect(equalFold(left, right)).toBe(expected);
  });

  test("is printed as Go prints", () => {
    const value = { b: [1e6, null, "x"], a: true };
    expect(printText(value, budget)).toBe("map[a:true b:[1e+06 <nil> x]]");
    expect(jsonText({ "<": "\u2028\b", a: 1e-7 }, budget, "short")).toBe('{"\\u003c":"\\u2028\\b","a":1e-7}');
    expect(jsonText(["\b", 1e-7], budget, "padded")).toBe('["\\u0008",1e-07]');
  });
});

describe("version ranges", () => {
  test.each<[string, string, boolean]>([
    ["1.2.3", ">=1.0.0 <2.0.0", true],
    ["2.0.0", "<1.0.0 || >=2.0.0", true],
    ["1.2.9", "1.2.x", true],
    ["1.3.0", ">1.2.x", true],
    ["1.3.0", "<=1.2.x", false],
    ["1.0.0", "!=1.0.0", false],
    ["1.0.0-rc.1", ">=1.0.0-alpha <1.0.0", true],
    ["garbage", "<1.0.0", true],
  ])("%s in %s: %s", (version, range, expected) => {
    expect(satisfiesRange(version, range)).toBe(expected);
  });

  test.each(["^1.0.0", "~1.2.0", ">=1", "", "||", ">1.0.0,<2.0.0", "1.0.0 || || 2.0.0"])(
    "%s is no range",
    (range) => {
      expect(() => satisfiesRange("1.0.0", range)).toThrow("version range");
    },
  );
});
