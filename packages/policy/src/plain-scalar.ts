/**
 * What an unquoted YAML scalar means to Kubernetes (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 booleans and octal
 * numbers, underscores in numbers, dates as text. `y` and `n` stay text.
 */
export function plainScalar(text: string): null | boolean | number | string {
  if (nulls.has(text)) return null;
  if (trues.has(text)) return true;
  if (falses.has(text)) return false;
  return number(text) ?? text;
}

const nulls: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);
const trues: ReadonlySet<string> = new Set(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"]);
const falses: ReadonlySet<string> = new Set([
  "false",
  "False",
  "FALSE",
  "no",
  "No",
  "NO",
  "off",
  "Off",
  "OFF",
]);

/** `.inf` and `.nan` are no JSON: they stay text and then have the wrong type. */
function number(text: string): number | undefined {
  if (text.length > 400 || !/^[-+.0-9]/.test(text)) return undefined;
  const plain = text.replaceAll("_", "");
  const [, sign, digits = ""] =
    /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/.exec(plain) ?? [];
  if (sign !== undefined) {
    const octal = /^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits;
    const value = Number(octal);
    return sign === "-" ? -value : value;
  }
  return /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(plain)
    ? finite(plain)
    : undefined;
}

function finite(text: string): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
