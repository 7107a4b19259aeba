import type { Asked, Claim } from "./comparison.ts";
import { isImage, type RuleInForce, ruleOf } from "./recognise.ts";

// What the rules for expected differences ask about entries that find logs and authorities by the trust root, and about the
// images under `k/`.

const kinds = ["keyless", "keys", "certificates"] as const;

/** What an entry says, as far as it is asked about. */
interface Named {
  readonly kind: (typeof kinds)[number];
  readonly subject?: string;
  readonly subjectRegExp?: string;
  readonly issuer?: string;
  readonly issuerRegExp?: string;
  readonly roots?: string;
  readonly rekor?: { readonly ignoreTlog?: boolean; readonly pubkey?: string };
  readonly ctlog?: { readonly ignoreSCT?: boolean; readonly pubkey?: string; readonly tsaCertChain?: string };
}

type Entry = RuleInForce["verifyImages"][number] & { readonly type?: string };

/** Whether a claim is about an entry of `type: SigstoreBundle`. */
export function isOfBundles(claim: Claim, asked: Asked): boolean {
  return entriesOf(claim, asked).some(({ type }) => type === "SigstoreBundle");
}

/** Whether Kyverno verifies nothing in bundles by one of the identities that it names, or wants a timestamp for it. */
export function isPeculiarIdentity(claim: Claim, asked: Asked): boolean {
  const isPeculiar = (named: Named): boolean => {
    const { kind, subject = "", subjectRegExp, issuer = "", issuerRegExp } = named;
    const isHalf =
      (subject === "" && subjectRegExp === undefined) || (issuer === "" && issuerRegExp === undefined);
    return kind === "keyless" && (isHalf || /[*?]/.test(subject + issuer) || waivesOne(named));
  };
  return isOfBundles(claim, asked) && namedBy(claim, asked).some(isPeculiar);
}

/** Whether Kyverno verifies nothing in bundles by one of the keys or certificates, or wants to know when that was signed. */
export function isPeculiarKey(claim: Claim, asked: Asked): boolean {
  const isTimeless = isSigned(asked, /proof|v2|v2-badtsa/);
  const isPeculiar = (named: Named): boolean =>
    named.kind === "certificates" || (named.kind === "keys" && (isTimeless || waivesOne(named)));
  return isOfBundles(claim, asked) && namedBy(claim, asked).some(isPeculiar);
}

function waivesOne({ rekor, ctlog }: Named): boolean {
  return (rekor?.ignoreTlog === true) !== (ctlog?.ignoreSCT === true);
}

/** Whether a claim is about an entry without a log. */
export function ignoresTheLog(claim: Claim, asked: Asked): boolean {
  return namedBy(claim, asked).some(({ rekor }) => rekor?.ignoreTlog === true);
}

/** Whether a claim is about an entry that brings keys or roots of its own. */
export function bringsKeys(claim: Claim, asked: Asked): boolean {
  return namedBy(claim, asked).some(
    ({ roots, rekor, ctlog }) =>
      (roots ?? rekor?.pubkey ?? ctlog?.pubkey ?? ctlog?.tsaCertChain) !== undefined,
  );
}

/** Whether an image under `k/` is of that kind, in any format. */
export function isSigned(asked: Asked, kind: RegExp): boolean {
  return isImage(asked.review, new RegExp(`/k/\\w+-(?:by-|key-)?(?:${kind.source})[:@]`));
}

/** The entries that a claim names by their path; those of attestations have none there, and all may be meant. */
function namedBy(claim: Claim, asked: Asked): readonly Named[] {
  const all = entriesOf(claim, asked).flatMap((entry) => allWithin(entry, ""));
  const paths: readonly string[] =
    claim.says.match(/\.attestors\[\d+\][\w.[\]]*\.(?:keyless|keys|certificates)/g) ?? [];
  const named = all.filter(({ path }) => paths.includes(path));
  return named.length > 0 ? named : all;
}

function allWithin(node: unknown, path: string): readonly (Named & { readonly path: string })[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, inner]) => {
    const at = Array.isArray(node) ? `${path}[${name}]` : `${path}.${name}`;
    const kind = kinds.find((one) => one === name);
    return kind === undefined ? allWithin(inner, at) : [{ ...inner, kind, path: at }];
  });
}

function entriesOf(claim: Claim, asked: Asked): readonly Entry[] {
  return ruleOf(claim, asked)?.verifyImages ?? [];
}
