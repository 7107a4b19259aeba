/** A regular expression that matches `text` and nothing else. */
export function exactPattern(text: string): string {
  return `^${text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&")}$`;
}

/**
 * One side of a policy's identity that means `text` and nothing else. `subject` is a wildcard: a text that could mean more than
 * itself becomes an anchored regular expression.
 */
export function exactly(field: "subject" | "issuer", text: string): Readonly<Record<string, string>> {
  if (!/[*?{}]/.test(text)) return { [field]: text };
  return { [`${field}RegExp`]: exactPattern(text) };
}
