/** A regular expression that matches `text` and nothing else. */
export function exactPattern(text: string): string {
  return `^${text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&")}$`;
}
