/** How a registry wants to be authorized (RFC 9110 §11, and docker's token protocol). */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string | undefined };

/** The first challenge of a `WWW-Authenticate` header that we can answer; Bearer before Basic. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > 8192) return undefined;
  const bearer = /(?:^|,)\s*bearer\s+/i.exec(header);
  if (bearer !== null) {
    const parameters = parametersOf(header.slice(bearer.index + bearer[0].length));
    const realm = parameters.get("realm");
    if (realm !== undefined) return { scheme: "bearer", realm, service: parameters.get("service") };
  }
  return /(?:^|,)\s*basic(?:\s|$|,)/i.test(header) ? { scheme: "basic" } : undefined;
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const parameter = /\s*([a-z_-]{1,64})=(?:"([^"]*)"|([^\s,"]*))\s*(?:,|$)/iy;
  for (let match = parameter.exec(text); match !== null; match = parameter.exec(text)) {
    const name = (match[1] ?? "").toLowerCase();
    if (!found.has(name)) found.set(name, match[2] ?? match[3] ?? "");
  }
  return found;
}
