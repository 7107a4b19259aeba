/** How bad a finding is: `error` opens a door, `warning` may, `info` is good to know. */
export type LintSeverity = "error" | "warning" | "info";

/** What is said of every finding of one kind, whatever its place. */
export interface LintRule {
  readonly severity: LintSeverity;
  readonly title: string;
  readonly why: string;
  readonly fix: string;
}

/** The name of a kind of finding. */
export type LintId =
  | "identity-any"
  | "subject-missing"
  | "issuer-missing"
  | "subject-open-prefix"
  | "signer-chosen-by-object"
  | "regexp-unanchored"
  | "skip-open-prefix"
  | "references-miss-digests"
  | "references-miss-tags"
  | "reference-never-matches"
  | "nothing-verified"
  | "required-false-without-catch-all"
  | "attestations-without-attestors"
  | "log-ignored-without-time"
  | "log-ignored"
  | "sct-ignored"
  | "duplicate-attestor"
  | "insecure-registry"
  | "conditions-empty"
  | "condition-true-for-missing-data"
  | "condition-pattern-by-variable"
  | "claimed-time"
  | "vuln-scanner-name"
  | "kinds-without-images"
  | "rule-never-matches"
  | "ephemeral-containers-operation"
  | "audit-only"
  | "failure-policy-ignore"
  | "exception-wider-than-policy"
  | "exception-without-rule"
  | "exception-without-expiry"
  | "deprecated-field"
  | "kyverno-namespace"
  | "kyverno-audit-mutates"
  | "kyverno-user-info-in-background"
  | "kyverno-undefined-variable"
  | "kyverno-expression"
  | "kyverno-field"
  | "kyverno-nested-attestors";

/** Every kind of finding. Ids are stable: they stand in reports, in documentation and in suppressions. */
export const lintCatalog: Readonly<Record<LintId, LintRule>> = {
  "identity-any": {
    severity: "error",
    title: "an identity that anyone has",
    why: "Anyone can sign with a certificate of a public authority: a pattern that matches every identity lets every signature through.",
    fix: "Name who signs: the workflow's URL and its issuer, or the person's address.",
  },
  "subject-missing": {
    severity: "warning",
    title: "an identity of everybody at an issuer",
    why: "Everybody who can log in at this issuer can sign: for a public issuer that is everybody.",
    fix: "Name the identity that signs in `subject` (or `subjectRegExp`), at least up to its owner (`https://github.com/acme/*`) or with its domain (`*@acme.com`).",
  },
  "issuer-missing": {
    severity: "warning",
    title: "a subject without an issuer",
    why: "The same subject can be vouched for by another identity provider, who may not check it.",
    fix: "Add `issuer` with the provider's URL, such as https://token.actions.githubusercontent.com.",
  },
  "subject-open-prefix": {
    severity: "warning",
    title: "a wildcard right behind a name",
    why: "`https://github.com/acme*` also matches `https://github.com/acme-evil/…`, an organisation that anyone can found; `*acme.com` also matches `x@notacme.com`.",
    fix: "End the name before the wildcard: `https://github.com/acme/*`, `*@acme.com`.",
  },
  "signer-chosen-by-object": {
    severity: "warning",
    title: "the object says who must sign",
    why: "Whoever may write the object chooses what stands in its labels, annotations and spec: their own name, their own key, or a `*` that matches everybody.",
    fix: "Take it from a ConfigMap that they cannot write, picked by what they cannot choose either, such as `request.namespace`.",
  },
  "regexp-unanchored": {
    severity: "warning",
    title: "a regular expression without ^ and $",
    why: "It matches anywhere in the identity: `github.com/acme/` is also found in `https://evil.example/github.com/acme/`.",
    fix: "Write `^` in front and `$` at the end, and escape the dots.",
  },
  "skip-open-prefix": {
    severity: "warning",
    title: "images are skipped by a prefix that others can have",
    why: "`ghcr.io/kyverno*` also skips `ghcr.io/kyverno-evil/app`, and `registry.example.com*` also skips `registry.example.com.evil.io/app`: they run unverified.",
    fix: "End the name before the wildcard: `ghcr.io/kyverno/*`.",
  },
  "references-miss-digests": {
    severity: "warning",
    title: "an image by digest slips past the patterns",
    why: "A pattern that asks for a tag does not match the same image written with a digest alone, so that it runs unverified.",
    fix: "Leave the tag out of the pattern, or add one for the digest form (`name@*`).",
  },
  "references-miss-tags": {
    severity: "warning",
    title: "an image by tag slips past the patterns",
    why: "A pattern that asks for a digest does not match the same image written with a tag, so that it runs unverified.",
    fix: "Leave the digest out of the pattern, or add one for the tag form (`name:*`).",
  },
  "reference-never-matches": {
    severity: "error",
    title: "a pattern that matches no image",
    why: "Images are matched in full, with registry (`docker.io/nginx:latest`), and only `*` and `?` are wildcards: what the pattern was meant for runs unverified.",
    fix: "Write the registry in front (`docker.io/nginx*`), and spell alternatives out.",
  },
  "nothing-verified": {
    severity: "warning",
    title: "an entry that asks for nobody's signature",
    why: "Without attestors and attestations nothing is verified: with `required` every image fails, without it every image with a digest passes.",
    fix: "Add `attestors`, or remove the entry.",
  },
  "required-false-without-catch-all": {
    severity: "warning",
    title: "unverified images are allowed",
    why: "With `required: false`, and no policy that covers all images, what none of the patterns names runs unverified.",
    fix: 'Set `required: true`, or add an entry with `imageReferences: ["*"]` and attestors.',
  },
  "attestations-without-attestors": {
    severity: "warning",
    title: "an attestation without attestors of its own",
    why: "assay holds it to the entry's attestors. Kyverno does not: it takes any statement that anyone had signed by Fulcio.",
    fix: "Repeat the attestors in the attestation.",
  },
  "log-ignored-without-time": {
    severity: "warning",
    title: "no log and no timestamp",
    why: "Short-lived certificates can only be judged at a time that a log or a timestamp authority vouches for: without either, expired certificates cannot be told from valid ones, and nothing verifies.",
    fix: "Remove `ignoreTlog`, or give `ctlog.tsaCertChain`.",
  },
  "log-ignored": {
    severity: "info",
    title: "signatures need no entry in a transparency log",
    why: "Whoever steals the key can sign unseen: no log shows it.",
    fix: "Remove `ignoreTlog` where signatures are logged.",
  },
  "sct-ignored": {
    severity: "warning",
    title: "certificates need no certificate timestamp",
    why: "An authority's certificate that no transparency log has seen is accepted: mis-issued ones stay hidden.",
    fix: "Remove `ignoreSCT`, or give the log's key in `ctlog.pubkey`.",
  },
  "duplicate-attestor": {
    severity: "warning",
    title: "the same attestor twice in a set",
    why: "It counts once: a `count` that needs both can never be reached, and the set is weaker than it looks.",
    fix: "Remove one, or put the other signer's key there.",
  },
  "insecure-registry": {
    severity: "warning",
    title: "a registry may be asked in the clear",
    why: "Whoever sits between can hide signatures or hand out old ones.",
    fix: "Remove `allowInsecureRegistry`.",
  },
  "conditions-empty": {
    severity: "warning",
    title: "conditions that always hold",
    why: "An empty list of conditions is true for every statement, whatever it says.",
    fix: "Write the conditions, or remove the empty block.",
  },
  "condition-true-for-missing-data": {
    severity: "warning",
    title: "a condition that is true where the data is missing",
    why: "With a default behind `||`, a negative operator holds for a statement that does not have the field at all.",
    fix: "Leave the default out: a missing field then fails. Or ask for the field first.",
  },
  "condition-pattern-by-variable": {
    severity: "warning",
    title: "a wildcard right beside a variable",
    why: "Where the variable is empty, as after a mistake in a ConfigMap, the wildcard is left, which matches whatever the statement says.",
    fix: "Write what stands between the two into the condition (`{{ builder }}/*`), or the wildcard into the variable.",
  },
  "claimed-time": {
    severity: "info",
    title: "a time that the signer claims",
    why: "Times in a predicate are written by whoever made it; only the log's and the timestamp authority's are proven.",
    fix: "Trust it only as far as its signer, or use `attestation.signer.verifiedTimes`.",
  },
  "vuln-scanner-name": {
    severity: "warning",
    title: "`scanner.name` is not in scans attested by cosign",
    why: "`cosign attest --type vuln` drops `scanner.name` (it keeps `uri`, `version`, `db`, `result`): the condition fails for these.",
    fix: "Compare `scanner.uri`, or attest with `--type https://cosign.sigstore.dev/attestation/vuln/v1`.",
  },
  "kinds-without-images": {
    severity: "warning",
    title: "a rule about a kind without images",
    why: "Images are known of Pods and their controllers; of other kinds only by `imageExtractors`. For this kind the rule does nothing.",
    fix: "Add `imageExtractors` for the kind, or name Pod, Deployment and so on (with a capital letter).",
  },
  "rule-never-matches": {
    severity: "error",
    title: "a rule that excludes all it matches",
    why: "What is excluded covers what is matched: the rule never applies.",
    fix: "Narrow `exclude`.",
  },
  "ephemeral-containers-operation": {
    severity: "warning",
    title: "changes are not looked at",
    why: "`operations` without UPDATE lets an image be changed after the object was admitted, and ephemeral containers be added.",
    fix: "Add UPDATE to `operations`, or leave them out.",
  },
  "audit-only": {
    severity: "info",
    title: "failures are only reported",
    why: "With Audit, the default, unverified images run.",
    fix: "Set `validationFailureAction: Enforce` once reports are clean.",
  },
  "failure-policy-ignore": {
    severity: "warning",
    title: "what cannot be checked is let in",
    why: "With `failurePolicy: Ignore`, images run unverified while the registry or the log cannot be reached, and whoever can cause that decides.",
    fix: "Use `failurePolicy: Fail`.",
  },
  "exception-wider-than-policy": {
    severity: "warning",
    title: "an exception that switches a rule off",
    why: "It names no object, namespace, label or image: whatever the rule is for is excepted.",
    fix: "Narrow it by namespaces, names, a selector or `imageReferences`.",
  },
  "exception-without-rule": {
    severity: "warning",
    title: "an exception from a rule that is not there",
    why: "No loaded policy has this name and rule: nothing is excepted. Generated rules have names of their own (`autogen-…`).",
    fix: "Correct `policyName` and `ruleNames`; a `*` at the end or the start covers generated rules.",
  },
  "exception-without-expiry": {
    severity: "info",
    title: "an exception for ever",
    why: "Exceptions outlive their reason.",
    fix: "Set `expires` (assay's own field).",
  },
  "deprecated-field": {
    severity: "info",
    title: "a deprecated field or word",
    why: "A later version of Kyverno will not read it.",
    fix: "Write the current one.",
  },
  "kyverno-namespace": {
    severity: "warning",
    title: "a ClusterPolicy with a namespace",
    why: "Kyverno's command line leaves the policy out: `A clusterpolicy should not have the namespace defined`. assay ignores the namespace, since a policy that does nothing is worse.",
    fix: "Remove `metadata.namespace`.",
  },
  "kyverno-audit-mutates": {
    severity: "info",
    title: "Audit with mutateDigest",
    why: "Kyverno refuses it: `mutateDigest must be set to false for ‘Audit’ failure action`.",
    fix: "Set `mutateDigest: false`.",
  },
  "kyverno-user-info-in-background": {
    severity: "info",
    title: "a background scan that asks about users",
    why: "Kyverno refuses it: only an admission request has a user (`only select variables are allowed in background mode`).",
    fix: "Set `background: false`.",
  },
  "kyverno-undefined-variable": {
    severity: "info",
    title: "a variable that Kyverno does not know",
    why: "It is given to assay by its caller, or looked up by name. Kyverno refuses the policy or fails the rule.",
    fix: "For Kyverno, define it in `context`.",
  },
  "kyverno-expression": {
    severity: "info",
    title: "an expression that Kyverno does not understand",
    why: "Arithmetic, unquoted hyphens, JSONPath and `attestation.…` are assay's own: Kyverno fails the rule.",
    fix: 'For Kyverno, use the predicate\'s own keys (`{{ builder.id }}`), quotes (`"cosign-pub"`) and functions (`time_since`).',
  },
  "kyverno-field": {
    severity: "info",
    title: "a field of assay's own",
    why: "Kyverno's API server drops or refuses it.",
    fix: "Leave it out where the policy is also for Kyverno.",
  },
  "kyverno-nested-attestors": {
    severity: "info",
    title: "attestors that Kyverno ignores",
    why: "Inside attestations Kyverno reads only the first of several keys in one entry, and no nested attestors. assay reads all.",
    fix: "For Kyverno, write one entry for each key.",
  },
};
