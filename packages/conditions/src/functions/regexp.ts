import { RE2JS, RE2JSSyntaxException } from "re2js";
import { ConditionError } from "../condition-error.ts";
import { type Budget, exceeded, spend, spendOutput } from "../limits.ts";
import { regexpSize } from "./regexp-size.ts";

/** An RE2 expression for a text of that length, with Go's syntax. Throws `badRegexp`; matching takes linear time. */
export function compileRegexp(pattern: string, budget: Budget, text: string): RE2JS {
  if (pattern.length > budget.limits.regexp) {
    throw exceeded(`the regular expression is longer than ${budget.limits.regexp} characters`);
  }
  // Before it is compiled, which takes some microseconds for each instruction.
  spend(budget, pattern.length + 4 * regexpSize(pattern));
  try {
    const compiled = RE2JS.compile(pattern);
    // Linear, but in the product of both sizes.
    spend(budget, Math.ceil((compiled.programSize() * (text.length + 1)) / 16));
    return compiled;
  } catch (cause) {
    if (!(cause instanceof RE2JSSyntaxException)) throw cause;
    throw new ConditionError(
      `the regular expression \`${pattern.slice(0, 80)}\` is invalid`,
      // Go takes two groups of one name.
      { code: cause.message.includes("duplicate capture group name") ? "unsupported" : "badRegexp" },
      cause,
    );
  }
}

interface Replacement {
  readonly pattern: string;
  readonly text: string;
  readonly replacement: string;
  /** Whether `$1`, `${1}`, `$name` and `$$` mean something in `replacement`. */
  readonly expand: boolean;
  readonly budget: Budget;
}

/** `Regexp.ReplaceAll` and `ReplaceAllLiteral`. */
export function replaceAll({ pattern, text, replacement, expand, budget }: Replacement): string {
  const regexp = compileRegexp(pattern, budget, text);
  const parts = expand ? parseTemplate(replacement) : [replacement];
  const names = regexp.namedGroups();
  const matcher = regexp.matcher(text);
  let result = "";
  let last = 0;
  let previousEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    // Go takes no empty match right after another match.
    if (end === start && start === previousEnd) continue;
    const inserted = parts
      .map((part) => (typeof part === "string" ? part : groupText(matcher, part.group, names)))
      .join("");
    spendOutput(budget, inserted.length + start - last + 1);
    result += text.slice(last, start) + inserted;
    last = end;
    previousEnd = end;
  }
  return result + text.slice(last);
}

type Matcher = ReturnType<RE2JS["matcher"]>;

function groupText(matcher: Matcher, name: string, names: Readonly<Record<string, number>>): string {
  const named = Object.hasOwn(names, name) ? names[name] : undefined;
  // `$01` is no number in Go: it is a name, and no group has it.
  const index = /^(?:0|[1-9][0-9]*)$/.test(name) ? Number(name) : (named ?? -1);
  if (index < 0 || index > matcher.groupCount()) return "";
  return matcher.group(index) ?? "";
}

/** Go's template: the longest name wins, so `$1x` is the group `1x`; a `$` that starts nothing is itself. */
function parseTemplate(template: string): readonly (string | { readonly group: string })[] {
  const parts: (string | { readonly group: string })[] = [];
  let last = 0;
  for (const match of template.matchAll(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu)) {
    parts.push(template.slice(last, match.index));
    parts.push(match[1] === "$" ? "$" : { group: match[2] ?? match[3] ?? "" });
    last = match.index + match[0].length;
  }
  parts.push(template.slice(last));
  return parts;
}
