/**
 * What `{{ @ }}` at a path of a document means: the same path below `base`, as JMESPath. Kyverno leaves out everything
 * up to `foreach`, and then two elements, such as `validate/pattern`.
 */
export function currentPath(path: string, base: readonly string[]): string {
  const elements = splitPath(path);
  const start = elements.indexOf("foreach") + 1;
  const past = elements.slice(start);
  const rest = past.length > 2 ? past.slice(2) : [];
  return [...base, ...rest].reduce((text, element) => {
    if (/^[0-9]+$/.test(element)) return `${text}[${element}]`;
    const dot = text === "" ? "" : ".";
    return `${text}${dot}${/^[A-Za-z_][A-Za-z0-9_]*$/.test(element) ? element : JSON.stringify(element)}`;
  }, "");
}

/** The elements of a path in which `\/` is a slash inside a key. */
function splitPath(path: string): string[] {
  const elements: string[] = [];
  let element = "";
  for (let at = 0; at < path.length; at++) {
    const char = path.charAt(at);
    if (char === "\\") element += path.charAt(++at);
    else if (char !== "/") element += char;
    else {
      elements.push(element);
      element = "";
    }
  }
  elements.push(element);
  return elements.filter((text) => text !== "");
}
