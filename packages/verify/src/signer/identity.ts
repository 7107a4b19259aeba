import { wildcardMatch } from "@assay/image";
import {
  type DerElement,
  derChildren,
  derTag,
  expectTag,
  readDer,
  readOid,
  readSequence,
} from "../encoding/der.ts";
import { refuse } from "../refusal.ts";
import { type Certificate, extensionId } from "./certificate.ts";

/** What a Fulcio certificate says about its holder. Proven only once the certificate's chain is. */
export interface CertificateIdentity {
  /** Every subject alternative name, of whatever type, as cosign counts them. */
  readonly subjects: readonly string[];
  readonly issuer: string | undefined;
  /** By OID and by Kyverno's names. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** A condition on one text, as the policy wrote it. Regexps run in linear time. */
export interface TextMatcher {
  readonly text: string;
  readonly test: (text: string) => boolean;
}

/** What a policy asks of an identity. Prepared once. */
export interface IdentityMatcher {
  /** Either suffices, unless `bothSubjects`. */
  readonly subject?: TextMatcher;
  readonly subjectRegExp?: TextMatcher;
  readonly bothSubjects?: true;
  /** Both must match. */
  readonly issuer?: TextMatcher;
  readonly issuerRegExp?: TextMatcher;
  /** By OID. */
  readonly extensions: Readonly<Record<string, TextMatcher>>;
}

/** Kyverno's wildcards. */
export function wildcard(text: string): TextMatcher {
  return { text, test: (value) => wildcardMatch(text, value) };
}

const fulcio = "1.3.6.1.4.1.57264.1";
/** Kyverno's names of the extensions that a policy may ask for (cosign pkg/cosign/certextensions.go). */
export const extensionNames: Readonly<Record<string, string>> = {
  oidcIssuer: `${fulcio}.1`,
  githubWorkflowTrigger: `${fulcio}.2`,
  githubWorkflowSha: `${fulcio}.3`,
  githubWorkflowName: `${fulcio}.4`,
  githubWorkflowRepository: `${fulcio}.5`,
  githubWorkflowRef: `${fulcio}.6`,
};
const otherNameId = `${fulcio}.7`;
const issuerV2 = `${fulcio}.8`;
const maxNameLength = 4096;

/** Reads subjects, issuer and extensions; refuses what two readers could read differently. */
export function readIdentity(certificate: Certificate): CertificateIdentity {
  const extensions: Record<string, string> = {};
  for (const [oid, { value }] of certificate.extensions) {
    const number = fulcioNumber(oid);
    if (number === undefined || number === 7) continue;
    extensions[oid] = number < 7 ? readText(value, "extension") : readUtf8String(value);
  }
  const [issuer, issuer2] = [extensions[`${fulcio}.1`], extensions[issuerV2]];
  // guard: identity-two-issuers
  if (issuer !== undefined && issuer2 !== undefined && issuer !== issuer2)
    refuse("identityMismatch", "certificate names two issuers");
  for (const [name, oid] of Object.entries(extensionNames)) {
    const value = extensions[oid];
    if (value !== undefined) extensions[name] = value;
  }
  return { subjects: readSubjects(certificate), issuer: issuer ?? issuer2, extensions };
}

function fulcioNumber(oid: string): number | undefined {
  const found = /^1\.3\.6\.1\.4\.1\.57264\.1\.(\d{1,2})$/.exec(oid);
  return found === null ? undefined : Number(found[1]);
}

function readUtf8String(value: Buffer): string {
  const element = expectTag(
    readDer(value, "certificate extension"),
    derTag.utf8String,
    "certificate extension",
  );
  return readText(element.contents, "extension");
}

/** Printable UTF-8: Kyverno's wildcards and people must see the same text. */
function readText(bytes: Buffer, what: string): string {
  const text = bytes.toString("utf8");
  // guard: identity-text
  if (bytes.length > maxNameLength || !isPlain(text))
    refuse("malformed", `certificate has an ${what} that is no plain text`);
  return text;
}

/** No control characters, and nothing that was no UTF-8. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0) || unit === 0xfffd) return false;
  }
  return true;
}

function readSubjects(certificate: Certificate): readonly string[] {
  const extension = certificate.extensions.get(extensionId.subjectAltName);
  if (extension === undefined) return [];
  return readSequence(extension.value, "subject alternative name").flatMap(readSubject);
}

function readSubject(name: DerElement): readonly string[] {
  switch (name.tag) {
    case 0x81:
      return [readEmail(name.contents)];
    case 0x82:
      return [readAscii(name.contents)];
    case 0x86:
      return [readUri(name.contents)];
    case 0x87:
      return [readAddress(name.contents)];
    case 0xa0:
      return readOtherName(name);
    default:
      return [];
  }
}

/** IA5String: bytes outside of printable ASCII would read differently elsewhere (`toString('ascii')` masks a bit). */
function readAscii(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  // guard: identity-ascii
  if (bytes.length > maxNameLength || /[^\x21-\x7e]/.test(text))
    refuse("malformed", "certificate has a subject that is no printable ASCII");
  return text;
}

/** One `@`: what stands behind the last one is the domain, and a pattern must not take another for it. */
function readEmail(bytes: Buffer): string {
  const text = readAscii(bytes);
  // guard: identity-email
  if (text.split("@").length !== 2)
    refuse("malformed", "certificate has a subject that is no e-mail address");
  return text;
}

/** A wildcard like `https://github.com/acme/*` must not be led elsewhere by what a client would resolve or decode. */
function readUri(bytes: Buffer): string {
  const text = readAscii(bytes);
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "");
  // guard: identity-dot-segments
  if (/(?:^|\/)(?:\.|%2e){1,2}(?:[/?#@]|$)/i.test(path))
    refuse("malformed", "certificate has a subject URI with dot segments");
  // guard: identity-encoded-slash
  if (/%(?:2f|5c|00)|\\/i.test(path))
    refuse("malformed", "certificate has a subject URI with encoded slashes");
  // guard: identity-userinfo
  if (/^[^/?#]*@/.test(path) && path !== text)
    refuse("malformed", "certificate has a subject URI with user information");
  // guard: identity-fragment
  if (/[#?]/.test(path)) refuse("malformed", "certificate has a subject URI with a query or fragment");
  return text;
}

function readAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length === 16) return bytes.toString("hex").replace(/(.{4})(?!$)/g, "$1:");
  return refuse("malformed", "certificate has a subject address of another length");
}

function readOtherName(name: DerElement): readonly string[] {
  const what = "subject alternative name";
  const [oid, wrapped] = derChildren(name, what);
  if (readOid(oid, what) !== otherNameId) return [];
  const inner = readDer(expectTag(wrapped, 0xa0, what).contents, what);
  return [readText(expectTag(inner, derTag.utf8String, what).contents, "other name")];
}

/**
 * Compares an identity with what the policy asks: a subject (wildcard or regexp, either, or one that is both), an issuer
 * (both, where both are given), every extension. Where a subject is asked for, a certificate without subject alternative
 * name has none; the common name is never read.
 * INVARIANT: `prepareAttestors` refuses a matcher that asks for neither subject nor issuer.
 */
export function checkIdentity(identity: CertificateIdentity, wanted: IdentityMatcher): void {
  const { subjects, issuer } = identity;
  const expected = wanted.subject ?? wanted.subjectRegExp;
  const matchers = [wanted.subject, wanted.subjectRegExp].filter((matcher) => matcher !== undefined);
  const hasSubject = subjects.some((subject) =>
    wanted.bothSubjects === true
      ? matchers.every((matcher) => matcher.test(subject))
      : matchers.some((matcher) => matcher.test(subject)),
  );
  // guard: identity-subject
  if (expected !== undefined && !hasSubject) {
    mismatch(
      "subject",
      expected.text,
      subjects.length === 0 ? "no subject alternative name" : subjects.join(", "),
    );
  }
  for (const matcher of [wanted.issuer, wanted.issuerRegExp]) {
    // guard: identity-issuer
    if (matcher !== undefined && !(issuer !== undefined && matcher.test(issuer)))
      mismatch("issuer", matcher.text, issuer);
  }
  for (const [oid, matcher] of Object.entries(wanted.extensions)) {
    const value = Object.hasOwn(identity.extensions, oid) ? identity.extensions[oid] : undefined;
    // guard: identity-extension
    if (value === undefined || !matcher.test(value)) mismatch(`extension ${oid}`, matcher.text, value);
  }
}

function mismatch(part: string, expected: string, received: string | undefined): never {
  const got = received ?? "none";
  return refuse("identityMismatch", `${part} mismatch: expected ${expected}, received ${got}`, {
    expected,
    received: got,
  });
}
