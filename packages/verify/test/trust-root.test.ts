import { readFileSync } from "node:fs";
import { parseTrustRoot, VerifyError } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { fixtureText } from "./fixtures.ts";

const fixture = fixtureText("trust/trusted_root.json");
const production = readFileSync(
  new URL("../../conformance/cases/sigstore/production-trusted-root.json", import.meta.url),
  "utf8",
);

type Root = Record<string, unknown> & {
  readonly tlogs: [{ publicKey: Record<string, unknown> } & Record<string, unknown>];
  readonly ctlogs: [Record<string, unknown>];
  readonly certificateAuthorities: [
    { certChain: { certificates: [{ rawBytes: string }] } } & Record<string, unknown>,
  ];
};

function changed(change: (root: Root) => unknown): string {
  const root = JSON.parse(fixture) as Root;
  change(root);
  return JSON.stringify(root);
}

function problem(text: string): string {
  try {
    parseTrustRoot(text);
    return "trusted";
  } catch (error) {
    if (error instanceof VerifyError && error.code === "invalidTrustRoot") return error.message;
    throw error;
  }
}

test("real trust roots are taken, and known by their text", () => {
  expect(parseTrustRoot(fixture).id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(parseTrustRoot(production).id).not.toBe(parseTrustRoot(fixture).id);
  expect(Object.isFrozen(parseTrustRoot(fixture))).toBe(true);
});

test("times may have fractions and offsets, and an end may be null", () => {
  const validFor = { start: "2025-01-01T01:00:00.123456789+01:00", end: null };
  expect(problem(changed((root) => Object.assign(root.tlogs[0].publicKey, { validFor })))).toBe("trusted");
});

test("a file with one root a line unites them", () => {
  const line = (text: string): string => JSON.stringify(JSON.parse(text));
  expect(problem(`${line(fixture)}\n${line(production)}\n`)).toBe("trusted");
  expect(problem(`${line(fixture)}\n{"mediaType":"text/plain"}\n`)).toMatch(/\[1\]\.mediaType/);
  expect(problem(`${line(fixture)}\nnot json\n`)).toMatch(/\[1\]/);
});

describe("what would widen trust by accident is refused", () => {
  test.each([
    ["no JSON", "{", /trust root/],
    ["a list", "[]", /not a sigstore trusted_root/],
    [
      "another media type",
      changed((root) => Object.assign(root, { mediaType: "application/json" })),
      /mediaType/,
    ],
    ["a text of two megabytes", `${fixture}${" ".repeat(2 ** 21)}`, /larger/],
    ["a duplicate key", fixture.replace("{", '{"tlogs":[],'), /key twice/],
    [
      "a log without start",
      changed((root) => Object.assign(root.tlogs[0].publicKey, { validFor: {} })),
      /tlogs\[0\]/,
    ],
    [
      "a log without window",
      changed((root) => delete root.tlogs[0].publicKey["validFor"]),
      /start of validity is missing/,
    ],
    [
      "an end before the start",
      changed((root) =>
        Object.assign(root.tlogs[0].publicKey, {
          validFor: { start: "2026-01-01T00:00:00Z", end: "2025-01-01T00:00:00Z" },
        }),
      ),
      /ends before it starts/,
    ],
    [
      "a time that is none",
      changed((root) => Object.assign(root.tlogs[0].publicKey, { validFor: { start: "yesterday" } })),
      /cannot be read/,
    ],
    ...[
      { start: "2025-01-01T00:00:00Z", ends: "2026-01-01T00:00:00Z" },
      { start: "2025-01-01T00:00:00Z", end: "01/02/2026" },
      { start: "2025-01-01T00:00:00Z", end: "2026-02-31T00:00:00Z" },
      { start: "2025-01-01T00:00:00Z", end: 1_767_225_600 },
    ].map((validFor): [string, string, RegExp] => [
      `a log that is valid for ${JSON.stringify(validFor)}`,
      changed((root) => Object.assign(root.tlogs[0].publicKey, { validFor })),
      /tlogs\[0\]/,
    ]),
    [
      "an authority with an end that is misspelt",
      changed((root) =>
        Object.assign(root.certificateAuthorities[0], {
          validFor: { start: "2025-01-01T00:00:00Z", End: "2026-01-01T00:00:00Z" },
        }),
      ),
      /validity cannot be read/,
    ],
    [
      "an authority without start",
      changed((root) => Object.assign(root.certificateAuthorities[0], { validFor: {} })),
      /certificateAuthorities\[0\]/,
    ],
    [
      "an authority without certificates",
      changed((root) => Object.assign(root.certificateAuthorities[0], { certChain: { certificates: [] } })),
      /chain is empty/,
    ],
    [
      "a certificate that is none",
      changed((root) =>
        Object.assign(root.certificateAuthorities[0], {
          certChain: { certificates: [{ rawBytes: "MAAA" }] },
        }),
      ),
      /certificateAuthorities\[0\]/,
    ],
    [
      "a key with a letter that base64 does not have",
      changed((root) => {
        const { publicKey } = root.tlogs[0];
        publicKey["rawBytes"] = `\u{fffd}${publicKey["rawBytes"]}`;
      }),
      /not canonical base64 \(at `tlogs\[0\]\.publicKey\.rawBytes`\)/,
    ],
    [
      "a certificate in the URL alphabet",
      changed((root) => {
        const [first] = root.certificateAuthorities[0].certChain.certificates;
        first.rawBytes = Buffer.from(first.rawBytes, "base64").toString("base64url");
      }),
      /certificateAuthorities\[0\]\.certChain\.certificates\[0\]\.rawBytes/,
    ],
    ["two logs with one id", changed((root) => root.tlogs.push(root.tlogs[0])), /two logs have one id/],
    ["two CT logs with one id", changed((root) => root.ctlogs.push(root.ctlogs[0])), /ctlogs/],
    ["a log without id", changed((root) => delete root.tlogs[0]["logId"]), /no id/],
    [
      "a key that is none",
      changed((root) => Object.assign(root.tlogs[0].publicKey, { rawBytes: "AAAA" })),
      /cannot be read/,
    ],
    [
      "a key of another kind than it says",
      changed((root) => Object.assign(root.tlogs[0].publicKey, { keyDetails: "PKIX_ED25519" })),
      /PKIX_ED25519/,
    ],
    [
      "a key of no known kind",
      changed((root) => Object.assign(root.tlogs[0].publicKey, { keyDetails: "NEW" })),
      /cannot be read/,
    ],
    ["an object for a list", changed((root) => Object.assign(root, { tlogs: {} })), /no list/],
  ])("%s", (_, text, message) => {
    expect(problem(text)).toMatch(message);
  });
});
