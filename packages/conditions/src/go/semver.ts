import { ConditionError } from "../condition-error.ts";
import { exceeded } from "../limits.ts";
import { compareText, trimSpace } from "./go-text.ts";

// Versions and ranges as github.com/blang/semver v4 reads them, which is stricter than npm's: three numbers, no `v`.

export interface Version {
  /** Major, minor, patch: uint64 each. */
  readonly numbers: readonly [bigint, bigint, bigint];
  /** Parts of the prerelease; text or number. */
  readonly prerelease: readonly (string | bigint)[];
}

const version =
  /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;
const MAX_UINT64 = 2n ** 64n - 1n;
const zero: Version = { numbers: [0n, 0n, 0n], prerelease: [] };

/** `semver.Parse`; `undefined` where it errs. */
export function parseVersion(text: string): Version | undefined {
  const match = version.exec(text);
  if (match === null) return undefined;
  const [major, minor, patch] = [match[1], match[2], match[3]].map((part) => uint64(part ?? "0"));
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  const prerelease: (string | bigint)[] = [];
  for (const part of match[4]?.split(".") ?? []) {
    const number = /^[0-9]+$/.test(part) && !/^0[0-9]/.test(part) ? uint64(part) : undefined;
    if (number === undefined && /^[0-9]+$/.test(part)) return undefined;
    prerelease.push(number ?? part);
  }
  return { numbers: [major, minor, patch], prerelease };
}

function uint64(digits: string): bigint | undefined {
  const value = digits.length > 20 ? undefined : BigInt(digits);
  return value !== undefined && value <= MAX_UINT64 ? value : undefined;
}

/** -1, 0 or 1. A prerelease comes before its release; build metadata says nothing. */
export function compareVersions(left: Version, right: Version): number {
  for (const [at, part] of left.numbers.entries()) {
    const other = right.numbers[at] ?? 0n;
    if (part !== other) return part > other ? 1 : -1;
  }
  const a = left.prerelease;
  const b = right.prerelease;
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = comparePart(a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function comparePart(left: string | bigint, right: string | bigint): number {
  if (typeof left === "bigint" && typeof right === "bigint")
    return left === right ? 0 : left > right ? 1 : -1;
  if (typeof left === "bigint") return -1;
  if (typeof right === "bigint") return 1;
  return Math.sign(compareText(left, right));
}

type Test = (candidate: Version) => boolean;

/**
 * Kyverno's `semver_compare`: a version that does not parse counts as 0.0.0; a range that does not parse is an error.
 * Throws `badText`.
 */
export function satisfiesRange(candidate: string, range: string): boolean {
  return parseRange(range)(parseVersion(candidate) ?? zero);
}

/** `semver.ParseRange`: comparators joined by spaces (and) and `||` (or), with `x` for the last numbers. */
function parseRange(range: string): Test {
  if (range.length > 1_024) throw exceeded("the version range is longer than 1,024 characters");
  const groups = splitOr(splitComparators(range), range).map((group) =>
    group.flatMap((part) => expandWildcard(part, range)).map((part) => parseComparator(part, range)),
  );
  return (candidate) => groups.some((group) => group.every((test) => test(candidate)));
}

function invalid(range: string, why: string): ConditionError {
  return new ConditionError(`the version range \`${range.slice(0, 80)}\` is invalid: ${why}`, {
    code: "badText",
  });
}

/** At spaces, but not at those behind an operator. Pieces of a single character get lost, as in blang's. */
function splitComparators(text: string): string[] {
  const parts: string[] = [];
  let last = 0;
  let previous = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === " " && !"><=".includes(previous || " ")) {
      if (last < at - 1) parts.push(text.slice(last, at));
      last = at + 1;
    } else if (char !== " ") {
      previous = char;
    }
  }
  if (last < text.length - 1) parts.push(text.slice(last));
  return parts.map((part) => part.replaceAll(" ", ""));
}

function splitOr(parts: readonly string[], range: string): string[][] {
  const groups: string[][] = [[]];
  for (const part of parts) {
    if (part === "||") groups.push([]);
    else groups.at(-1)?.push(part);
  }
  if (groups.some((group) => group.length === 0)) throw invalid(range, "nothing stands beside `||`");
  return groups;
}

/** `>1.2.x` becomes `>=1.3.0`, `1.x` becomes `>=1.0.0 <2.0.0`. */
function expandWildcard(part: string, range: string): string[] {
  if (!part.includes("x")) return [part];
  const [operator, text] = splitOperator(part, range);
  const flat = flatVersion(text);
  switch (operator) {
    case ">":
      return [`>=${nextVersion(flat, text)}`];
    case ">=":
    case "<":
      return [operator + flat];
    case "<=":
      return [`<${nextVersion(flat, text)}`];
    case "":
    case "=":
    case "==":
      return [`>=${flat}`, `<${nextVersion(flat, text)}`];
    case "!":
    case "!=":
      return [`<${flat}`, `>=${nextVersion(flat, text)}`];
    default:
      // An operator that blang does not know is forgotten where a wildcard is expanded.
      return [flat];
  }
}

function flatVersion(text: string): string {
  const flat = text.replace(".x.x", ".x").replace(".x", ".0");
  return flat.split(".").length === 2 ? `${flat}.0` : flat;
}

/** The first version behind a wildcard: two parts count up the major number, three the minor one. */
function nextVersion(flat: string, written: string): string {
  const wildcard = written.split(".");
  const raised =
    wildcard.at(-1) !== "x" ? undefined : wildcard.length === 2 ? 0 : wildcard.length === 3 ? 1 : undefined;
  const parts = flat.split(".");
  const part = raised === undefined ? undefined : parts[raised];
  if (raised === undefined || part === undefined || !/^[+-]?[0-9]{1,18}$/.test(part)) return "";
  parts[raised] = String(BigInt(part) + 1n);
  return parts.join(".");
}

function splitOperator(part: string, range: string): [operator: string, version: string] {
  const at = part.search(/\p{Nd}/u);
  if (at < 0) throw invalid(range, `\`${part}\` has no version`);
  return [trimSpace(part.slice(0, at)), part.slice(at)];
}

const accepts: Readonly<Record<string, (order: number) => boolean>> = {
  "": (order) => order === 0,
  "=": (order) => order === 0,
  "==": (order) => order === 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  "!": (order) => order !== 0,
  "!=": (order) => order !== 0,
};

function parseComparator(part: string, range: string): Test {
  const [operator, text] = splitOperator(part, range);
  const accept = Object.hasOwn(accepts, operator) ? accepts[operator] : undefined;
  if (accept === undefined) throw invalid(range, `\`${operator}\` is no operator`);
  const parsed = parseVersion(text);
  if (parsed === undefined) throw invalid(range, `\`${text}\` is no version`);
  return (candidate) => accept(compareVersions(candidate, parsed));
}
