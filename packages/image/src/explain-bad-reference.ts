import { digestProblem } from "./digest.ts";
import { ImageReferenceError, type ImageReferenceErrorCode, shown } from "./image-reference-error.ts";

interface Finding {
  readonly code: ImageReferenceErrorCode;
  /** What is wrong and what to write instead. */
  readonly says: string;
  readonly offset: number;
}

/** Why `text`, which does not fit the grammar, does not. The first reason from the left that a person can act on. */
export function referenceProblem(text: string): ImageReferenceError {
  const finding = wholeText(text) ?? parts(text);
  // Kyverno's words stay findable at the end.
  const kyverno =
    finding.code === "upperCase" ? "repository name must be lowercase" : "invalid reference format";
  const message = `bad image \`${shown(text)}\`: ${finding.says}: ${kyverno}`;
  return new ImageReferenceError(finding.code, text, { message, offset: finding.offset });
}

function wholeText(text: string): Finding | undefined {
  if (text === "") return { code: "empty", says: "it is empty", offset: 0 };
  const template = text.search(/\{\{|\$\{|\$\(/);
  if (template >= 0) {
    return { code: "badFormat", says: "it holds a variable that was not replaced", offset: template };
  }
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.exec(text);
  if (scheme !== null) {
    return { code: "badFormat", says: `leave out \`${scheme[0]}\`, references have no scheme`, offset: 0 };
  }
  const space = text.search(/\s/);
  if (space >= 0) return { code: "badFormat", says: `it has a space at offset ${space}`, offset: space };
  const wildcard = text.search(/[*?]/);
  if (wildcard >= 0) {
    const says = `\`${text.charAt(wildcard)}\` belongs into patterns, not into a reference`;
    return { code: "badFormat", says, offset: wildcard };
  }
  return undefined;
}

function parts(text: string): Finding {
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.lastIndexOf("/");
  const colon = named.indexOf(":", slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const found = nameFinding(name) ?? (colon < 0 ? undefined : tagFinding(named.slice(colon + 1), colon + 1));
  if (found !== undefined) return found;
  if (at >= 0) return digestFinding(text.slice(at + 1), at + 1);
  return { code: "badFormat", says: "it is not `[registry/]repository[:tag][@digest]`", offset: 0 };
}

function nameFinding(name: string): Finding | undefined {
  if (name === "") return { code: "badRepository", says: "the repository is missing", offset: 0 };
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const host = hasHost ? hostFinding(first) : undefined;
  if (host !== undefined) return host;
  let offset = hasHost ? slash + 1 : 0;
  for (const segment of name.slice(offset).split("/")) {
    const finding = segmentFinding(segment, offset);
    if (finding !== undefined) return finding;
    offset += segment.length + 1;
  }
  return undefined;
}

function hostFinding(host: string): Finding | undefined {
  const says = `\`${shown(host)}\` is not a registry host (host, host:port or [IPv6]:port)`;
  const address = /^(?:[a-zA-Z0-9._-]+|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
  const label = /^[-.]|[-.](?::|$)|\.\.|\.-|-\./;
  if (!address.test(host) || label.test(host)) return { code: "badRegistry", says, offset: 0 };
  if (/_/.test(host) && /:/.test(host)) return { code: "badRegistry", says, offset: host.indexOf("_") };
  return undefined;
}

function segmentFinding(segment: string, offset: number): Finding | undefined {
  if (segment === "") {
    return { code: "badRepository", says: `a path segment is empty at offset ${offset}`, offset };
  }
  const stray = segment.search(/[^A-Za-z0-9._-]/);
  if (stray >= 0) {
    const says = `\`${charAt(segment, stray)}\` at offset ${offset + stray} may not stand in a repository name`;
    return { code: "badRepository", says, offset: offset + stray };
  }
  const upper = segment.search(/[A-Z]/);
  if (upper >= 0) {
    const says = `\`${shown(segment)}\` has an upper-case letter, write \`${shown(segment.toLowerCase())}\``;
    return { code: "upperCase", says, offset: offset + upper };
  }
  const separator = segment.search(/^[._-]|[._-]$|___|\.[._-]|_[.-]|-[._]|__[._-]/);
  if (separator < 0) return undefined;
  const says = `\`${shown(segment)}\` has a separator in the wrong place (single \`.\`, \`_\`, \`__\` or \`-\` between letters or digits)`;
  return { code: "badRepository", says, offset: offset + separator };
}

function tagFinding(tag: string, offset: number): Finding | undefined {
  if (tag === "") return { code: "badTag", says: "the tag after `:` is empty", offset };
  if (tag.length > 128)
    return { code: "badTag", says: `the tag has ${tag.length} characters, at most 128 are allowed`, offset };
  const stray = /^[.-]/.test(tag) ? 0 : tag.search(/[^\w.-]/);
  if (stray < 0) return undefined;
  const says = `\`${charAt(tag, stray)}\` at offset ${offset + stray} may not ${stray === 0 ? "begin" : "stand in"} a tag`;
  return { code: "badTag", says, offset: offset + stray };
}

function digestFinding(digest: string, offset: number): Finding {
  const problem = digestProblem(digest);
  if (problem === undefined)
    return { code: "badFormat", says: "the name before the digest is malformed", offset: 0 };
  return { code: problem.code, says: problem.message, offset: offset + problem.offset };
}

/** The whole character, not half a surrogate pair, fit for a message. */
function charAt(text: string, offset: number): string {
  return shown(String.fromCodePoint(text.codePointAt(offset) ?? 0));
}
