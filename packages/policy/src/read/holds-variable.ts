/** Whether a text has a `{{ variable }}`, or more than one. In linear time, which a regular expression does not promise. */
export function holdsVariable(text: string): boolean {
  const start = text.indexOf("{{");
  return start >= 0 && text.includes("}}", start);
}
