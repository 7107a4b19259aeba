import type { KeylessAttestor } from "../model.ts";
import { attestorsOf, type LeafAttestor } from "./attestors-of.ts";
import { type At, found, type Linting } from "./report-finding.ts";

/** Whom keyless attestors let in. */
export function checkIdentities(linting: Linting, at: At): void {
  for (const attestor of at.rule === undefined ? [] : attestorsOf(at.rule)) {
    checkWhoChooses(linting, { ...at, path: attestor.path }, attestor);
    if (attestor.kind === "keyless") checkKeyless(linting, { ...at, path: attestor.path }, attestor);
  }
}

/** The object, but for its namespace, in which somebody had to let its author write. */
const objectsOwn = /\brequest\s*\.\s*(?:object|oldObject)\b(?!\.metadata\.namespace\b)/;

/**
 * Who may sign must not be up to who writes the object. What a signature must say (annotations, extensions) and where it is
 * looked for may be: another signer's is none.
 */
function checkWhoChooses(
  linting: Linting,
  at: At,
  { source: _, annotations: _annotations, repository: _repository, ...demand }: LeafAttestor,
): void {
  const visit = (value: unknown, path: string): void => {
    if (typeof value === "string" && value.includes("{{") && objectsOwn.test(value)) {
      found(
        linting,
        "signer-chosen-by-object",
        { ...at, path },
        { message: `\`${value}\` is what the object says` },
      );
    }
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (name !== "additionalExtensions") visit(member, `${path}.${name}`);
    }
  };
  visit(demand, at.path);
}

function checkKeyless(linting: Linting, at: At, attestor: KeylessAttestor): void {
  const { subject, subjectRegExp, issuer, issuerRegExp } = attestor;
  const anySubject = isAny(subject) || isAnyRegExp(subjectRegExp);
  const anyIssuer =
    (isAny(issuer) && issuerRegExp === undefined) || (isAnyRegExp(issuerRegExp) && issuer === undefined);
  const noSubject = subject === undefined && subjectRegExp === undefined;
  const noIssuer = issuer === undefined && issuerRegExp === undefined;
  if ((anySubject || noSubject) && (anyIssuer || noIssuer)) {
    found(linting, "identity-any", at, { message: "every identity of every issuer matches" });
  } else if (anySubject) {
    const message = `every subject of issuer \`${issuer ?? issuerRegExp ?? ""}\` matches`;
    found(linting, "identity-any", at, { message });
  } else if (noSubject) {
    found(linting, "subject-missing", at, {
      message: `everybody at \`${issuer ?? issuerRegExp ?? ""}\` may sign`,
    });
  } else if (noIssuer || anyIssuer) {
    found(linting, "issuer-missing", at, {
      message: `\`${subject ?? subjectRegExp ?? ""}\` may come from any issuer`,
    });
  }
  if (subject !== undefined && !anySubject)
    checkSubject(linting, { ...at, path: `${at.path}.subject` }, subject);
  for (const name of ["subjectRegExp", "issuerRegExp"] as const) {
    const text = attestor[name];
    if (text === undefined || isAnyRegExp(text) || isAnchored(text)) continue;
    const message = `\`${text}\` is searched for anywhere in the ${name === "subjectRegExp" ? "identity" : "issuer"}`;
    found(linting, "regexp-unanchored", { ...at, path: `${at.path}.${name}` }, { message });
  }
}

function isAny(text: string | undefined): boolean {
  return text !== undefined && /^[*?]*\*[*?]*$/.test(text);
}

function isAnyRegExp(text: string | undefined): boolean {
  return text !== undefined && /^\^?(?:\(\?[a-zA-Z]+\))?\(?\.[*+]\??\)?\$?$/.test(text);
}

/** What stands behind a wildcard can be anybody's: an owner before the path, or a domain behind the `@`, says whose it is. */
function namesNobody(subject: string): boolean {
  const [before = ""] = subject.split(/[*?]/, 1);
  if (before.length === subject.length) return false;
  const [, named] = /^https?:\/\/(.*)$/.exec(before) ?? [];
  if (named !== undefined) return /^[^/]*\/?$/.test(named);
  return (
    before === "" && !/[\w-]$/.test(subject.slice(subject.lastIndexOf("@") + 1)) && subject.includes("@")
  );
}

/** No identity takes that much to describe: longer ones count as not anchored. */
const longestExpression = 4096;

/** Each of the alternatives that stand side by side at the top: `^a|b$` holds one end of either. */
function isAnchored(text: string): boolean {
  return text.length <= longestExpression && alternatives(text).every(isAnchoredAlone);
}

function alternatives(text: string): readonly string[] {
  const parts = [""];
  let depth = 0;
  // An escape, a class and a character are one step each: what is in them separates nothing.
  for (const [step] of text.matchAll(/\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|./gsu)) {
    if (step === "(") depth++;
    else if (step === ")") depth--;
    if (step === "|" && depth === 0) parts.push("");
    else parts[parts.length - 1] += step;
  }
  return parts;
}

function isAnchoredAlone(text: string): boolean {
  return /^(?:\(\?[a-zA-Z]+\))?(?:\^|\\A)/.test(text) && /(?:[^\\]|^)(?:\\\\)*(?:\$|\\z)$/.test(text);
}

/** A `*` that continues a name which others can have: before the workflow's path, or before the domain of an address. */
function checkSubject(linting: Linting, at: At, subject: string): void {
  if (namesNobody(subject)) {
    const message = `\`${subject}\` leaves open whose it is: everybody at the issuer may sign`;
    found(linting, "subject-missing", at, { message });
  }
  const star = subject.search(/[*?]/);
  if (star < 0) return;
  const [scheme = ""] = /^[a-z]+:\/\//.exec(subject) ?? [];
  const before = subject.slice(scheme.length, star);
  // Behind the owner and the repository the identity provider says what may stand, not whoever registers a name.
  const openPrefix = /[\w.-]$/.test(before) && before.split("/").length <= 3 && !before.includes("@");
  if (openPrefix) {
    const message = `the wildcard of \`${subject}\` also matches names that only begin with \`${before.split("/").at(-1) ?? ""}\``;
    found(linting, "subject-open-prefix", at, { message });
  }
  const domain = /^[*?]+([\w-][\w.-]*\.[\w-]+)$/.exec(subject)?.[1];
  if (domain === undefined) return;
  const message = `the wildcard of \`${subject}\` also matches domains that only end with \`${domain}\``;
  found(linting, "subject-open-prefix", at, { message });
}
