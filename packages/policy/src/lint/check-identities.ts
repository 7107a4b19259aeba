import type { KeylessAttestor } from "../model.ts";
import { attestorsOf } from "./attestors-of.ts";
import { type At, found, type Linting } from "./report-finding.ts";

/** Whom keyless attestors let in. */
export function checkIdentities(linting: Linting, at: At): void {
  for (const attestor of at.rule === undefined ? [] : attestorsOf(at.rule)) {
    if (attestor.kind === "keyless") checkKeyless(linting, { ...at, path: attestor.path }, attestor);
  }
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

function isAnchored(text: string): boolean {
  return /^(?:\(\?[a-zA-Z]+\))?(?:\^|\\A)/.test(text) && /(?:[^\\]|^)(?:\\\\)*(?:\$|\\z)$/.test(text);
}

/** A `*` that continues a name which others can have: before the workflow's path, or before the domain of an address. */
function checkSubject(linting: Linting, at: At, subject: string): void {
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
