import { loadPolicies, PolicyError } from "@assay/policy";
import { lintPolicies } from "@assay/policy/lint";
import type { AlternativeName, IdentityOptions, Signer } from "@assay/testkit";
import { der, fulcioExtensions, GITHUB_ISSUER, GITHUB_SUBJECT } from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { identifiedAs, judge } from "./certificate-world.ts";
import { type Judged, keyless, policyKey, sigstore } from "./world.ts";

describe("alternative names", () => {
  const evil = (path: string): string => `https://github.com/acme/${path}`;
  const named = (subject: IdentityOptions["subject"] & {}, wanted: string): Judged =>
    judge(sigstore.identity({ subject }), keyless({ subject: wanted }));
  const raw = (tag: "uri" | "email" | "dns", ...bytes: readonly number[]): readonly AlternativeName[] => [
    { kind: "raw", tag, value: Uint8Array.from(bytes) },
  ];
  const bytesOf = (text: string): readonly number[] => [...Buffer.from(text, "latin1")];
  abuseCases([
    {
      name: "72 the identity in the common name only",
      judge: () => identifiedAs({ subject: GITHUB_SUBJECT, alternativeNames: [] }),
      code: "identityMismatch",
    },
    ...[
      evil("../evil/app"),
      evil("app/../../evil/app"),
      evil("./../evil"),
      evil("..%2fevil/app"),
      evil("%2e%2e/evil/app"),
      evil("app%2f..%2f..%2fevil"),
      evil("app\\..\\..\\evil"),
      "https://user:password@github.com/acme/app",
      "https://github.com/acme/app#/evil",
      evil("app\u0001"),
    ].map(
      (subject): AbuseCase => ({
        name: `73 \`${subject.replace("\u0001", "\\x01")}\` for \`https://github.com/acme/*\``,
        judge: () => named([{ kind: "uri", value: subject }], "https://github.com/acme/*"),
      }),
    ),
    {
      name: "73 an `@` in the path, as before every workflow's ref, for `https://github.com/acme/*`",
      judge: () => named("https://github.com/acme/app@evil.example/", "https://github.com/acme/*"),
      want: "allowed",
    },
    {
      name: "73 an honest name for `https://github.com/acme/*`",
      judge: () => named(GITHUB_SUBJECT, "https://github.com/acme/*"),
      want: "allowed",
    },
    {
      name: "74 `https://github.com/acme-evil/…` for `https://github.com/acme*`",
      judge: () => named("https://github.com/acme-evil/app", "https://github.com/acme*"),
      want: "allowed",
    },
    {
      name: "75 `alice@acme.org` for `*@acme.org`",
      judge: () => named("alice@acme.org", "*@acme.org"),
      want: "allowed",
    },
    {
      name: "75 `evil@x@acme.org` for `*@acme.org`",
      judge: () => named("evil@x@acme.org", "*@acme.org"),
    },
    {
      name: "75 the same address from another issuer",
      judge: () =>
        judge(
          sigstore.identity({ subject: "alice@acme.org", issuer: "https://evil.example" }),
          keyless({ subject: "alice@acme.org" }),
        ),
      code: "identityMismatch",
    },
    {
      name: "75 no issuer in the certificate",
      judge: () => judge(sigstore.identity({ issuer: "" })),
      code: "identityMismatch",
    },
    {
      name: "75 an issuer that only begins like the wanted one",
      judge: () => judge(sigstore.identity({ issuer: `${GITHUB_ISSUER}.evil.example` })),
      code: "identityMismatch",
    },
    {
      name: "76 an expression without anchors finds its text anywhere",
      judge: () =>
        judge(
          sigstore.identity({ subject: "https://evil.example/https://github.com/acme/app" }),
          regexp("https://github.com/acme/"),
        ),
      want: "allowed",
    },
    {
      name: "76 an anchored expression does not",
      judge: () =>
        judge(
          sigstore.identity({ subject: "https://evil.example/https://github.com/acme/app" }),
          regexp("^https://github.com/acme/"),
        ),
    },
    {
      name: "76 a line break before what the anchors want",
      judge: () =>
        judge(
          sigstore.identity({ subject: [{ kind: "uri", value: `evil\n${GITHUB_SUBJECT}` }] }),
          regexp(`(?m)^${GITHUB_SUBJECT}$`),
        ),
    },
    {
      name: "77 an expression that would run for ever",
      judge: () =>
        judge(
          sigstore.identity({ subject: `https://github.com/${"a".repeat(3000)}!` }),
          regexp("^https://github.com/(a+)+$"),
        ),
    },
    {
      name: "78 a dot in an exact name is a dot",
      judge: () => named("https://githubXcom/acme/app", "https://github.com/acme/app"),
      code: "identityMismatch",
    },
    {
      name: "78 an exact name is the whole name",
      judge: () => named("https://github.com/acme/app-evil", "https://github.com/acme/app"),
      code: "identityMismatch",
    },
    {
      name: "78 an exact name inside a longer one",
      judge: () => named("https://evil.example/?https://github.com/acme/app", "https://github.com/acme/app"),
    },
    {
      name: "79 bytes that lose their top bit read as the wanted name",
      judge: () =>
        named(
          raw(
            "uri",
            ...bytesOf("https://github.com/acme/app").map((byte, i) => (i === 9 ? byte | 0x80 : byte)),
          ),
          "https://github.com/acme/app",
        ),
    },
    {
      name: "79 a name that is not ASCII",
      judge: () =>
        named(raw("uri", ...Buffer.from("https://github.com/acme/\u5b71")), "https://github.com/acme/*"),
    },
    {
      name: "79 a NUL behind the wanted address",
      judge: () => named(raw("email", ...bytesOf("alice@acme.org\0.evil.example")), "alice@acme.org*"),
    },
    {
      name: "79 a NUL behind the wanted name",
      judge: () => named(raw("uri", ...bytesOf(`${GITHUB_SUBJECT}\0evil`)), `${GITHUB_SUBJECT}*`),
    },
    {
      name: "79 two issuer extensions that do not agree",
      judge: () => {
        const [v1] = fulcioExtensions(GITHUB_ISSUER, {});
        const [, v2] = fulcioExtensions("https://evil.example", {});
        return identifiedAs({ extensions: [v1, v2].filter((each) => each !== undefined) });
      },
    },
    {
      name: "79 an issuer in a BMPString",
      judge: () =>
        identifiedAs({
          extensions: [
            {
              oid: "1.3.6.1.4.1.57264.1.8",
              value: der(0x1e, Buffer.from(GITHUB_ISSUER, "utf16le").swap16()),
            },
          ],
        }),
    },
    {
      name: "80 an address that reads as the wanted URI",
      judge: () => named([{ kind: "email", value: GITHUB_SUBJECT }], GITHUB_SUBJECT),
      want: "allowed",
    },
    {
      name: "80 a host name that is the wanted subject",
      judge: () => named([{ kind: "dns", value: "build.acme.example" }], "build.acme.example"),
      want: "allowed",
    },
    {
      name: "80 a second name that is the wanted subject",
      judge: () =>
        named(
          [
            { kind: "uri", value: "https://other.example/x" },
            { kind: "uri", value: GITHUB_SUBJECT },
          ],
          GITHUB_SUBJECT,
        ),
      want: "allowed",
    },
  ]);

  function regexp(subjectRegExp: string): ReturnType<typeof keyless> {
    const { subject: _, ...rest } = keyless();
    return { ...rest, subjectRegExp };
  }
});

describe("extensions and policies", () => {
  const required = keyless({ additionalExtensions: { githubWorkflowRepository: "acme/app" } });
  const withRepository = (value: string, oid = "githubWorkflowRepository"): Signer =>
    sigstore.identity({ extensions: { [oid]: value } });
  const policy = (attestor: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: p }
spec:
  rules:
    - name: r
      match: { any: [{ resources: { kinds: [Pod] } }] }
      verifyImages:
        - imageReferences: ["*"]
          attestors: [{ entries: [${attestor}] }]
`;
  const loading = (attestor: string): Judged => {
    try {
      loadPolicies(policy(attestor));
      return { outcome: "allowed", codes: [], messages: ["the policy was loaded"], statements: [] };
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      return {
        outcome: "error",
        codes: [error.code, ...error.diagnostics.map(({ code }) => code)],
        messages: [error.message],
        statements: [],
      };
    }
  };
  /** Such a policy is allowed, and the linter says what it lets in. */
  const linted = (attestor: string, id: string): Judged => {
    const { findings } = lintPolicies(policy(attestor));
    const found = findings.some((finding) => finding.id === id && finding.severity !== "info");
    const messages = findings.map((finding) => `${finding.id}: ${finding.message}`);
    return { outcome: found ? "allowed" : "denied", codes: [], messages, statements: [] };
  };
  const REKOR = "rekor: { url: 'https://rekor.sigstore.dev' }";
  const error = { want: "error", code: "invalidPolicy" } as const;
  abuseCases([
    {
      name: "81 an extension that the policy wants and has",
      judge: () => judge(withRepository("acme/app"), required),
      want: "allowed",
    },
    {
      name: "81 an extension that the policy wants and the certificate lacks",
      judge: () => judge(sigstore.identity(), required),
      code: "identityMismatch",
    },
    {
      name: "81 an extension with another value",
      judge: () => judge(withRepository("evil/app"), required),
      code: "identityMismatch",
    },
    {
      name: "81 an extension in its later form only",
      judge: () => judge(withRepository("https://github.com/acme/app", "1.3.6.1.4.1.57264.1.12"), required),
      code: "identityMismatch",
    },
    {
      name: "81 an extension whose name nobody knows",
      judge: () =>
        loading("{ keyless: { subject: a, issuer: b, additionalExtensions: { githubWorkflowRepo: x } } }"),
      ...error,
    },
    {
      name: "82 keyless without subject and issuer",
      judge: () => loading("{ keyless: { rekor: { url: 'https://rekor.sigstore.dev' } } }"),
      ...error,
    },
    {
      name: "82 keyless with an empty subject and issuer",
      judge: () =>
        loading("{ keyless: { subject: '', issuer: '', rekor: { url: 'https://rekor.sigstore.dev' } } }"),
      ...error,
    },
    {
      name: "82 keyless with an issuer only, linted",
      judge: () => linted(`{ keyless: { issuer: 'https://a.example', ${REKOR} } }`, "subject-missing"),
      want: "allowed",
    },
    {
      name: "75 keyless with a subject only, linted",
      judge: () => linted(`{ keyless: { subject: 'https://a.example/*', ${REKOR} } }`, "issuer-missing"),
      want: "allowed",
    },
    {
      name: "83 a misspelt field",
      judge: () => loading("{ keyless: { subjectRegexp: '^x$', issuer: b } }"),
      ...error,
    },
    {
      name: "83 a field of another attestor",
      judge: () => loading("{ keys: { publicKeys: x, subject: y } }"),
      ...error,
    },
    {
      name: "83 two kinds of attestor in one entry",
      judge: () => loading(`{ keys: { kms: 'awskms:///x' }, keyless: { subject: a, issuer: b } }`),
      ...error,
    },
    {
      name: "74 a wildcard right behind an organisation, linted",
      judge: () =>
        linted(
          `{ keyless: { subject: 'https://github.com/acme*', issuer: '${GITHUB_ISSUER}', ${REKOR} } }`,
          "subject-open-prefix",
        ),
      want: "allowed",
    },
    {
      name: "76 an expression without anchors, linted",
      judge: () =>
        linted(
          `{ keyless: { subjectRegExp: 'https://github.com/acme/', issuer: '${GITHUB_ISSUER}', ${REKOR} } }`,
          "regexp-unanchored",
        ),
      want: "allowed",
    },
    {
      name: "75 the control: the policy's key loads",
      judge: () => loading(`{ keys: { publicKeys: ${JSON.stringify(policyKey.pem)} } }`),
      want: "allowed",
    },
  ]);
});
