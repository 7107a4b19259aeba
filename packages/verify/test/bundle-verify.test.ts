import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parseDigest } from "@assay/image";
import { parseTrustRoot, VerifyError } from "@assay/verify";
import { type BundleQuestion, verifyBundle } from "@assay/verify/bundle";
import { describe, expect, test } from "vitest";

// Data of sigstore-conformance: a name that ends in `_fail` must be refused, any other accepted.
const cases = new URL("../../conformance/cases/sigstore/bundle-verify/", import.meta.url);
const production = new URL("../production-trusted-root.json", cases);
const workflows =
  "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows";
const subject = `${workflows}/extremely-dangerous-oidc-beacon.yml@refs/heads/main`;
const issuer = "https://token.actions.githubusercontent.com";
const now = new Date("2026-11-23T18:00:00Z");

function read(name: string, file: string): Buffer | undefined {
  const url = new URL(`${name}/${file}`, cases);
  return existsSync(url) ? readFileSync(url) : undefined;
}

function accepts(name: string, byDigest: boolean): boolean {
  const bytes = read(name, "artifact") ?? readFileSync(new URL("a.txt", cases));
  const digest = parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  const key = read(name, "key.pub")?.toString();
  const text = (file: string, other: string): string => read(name, file)?.toString().trim() ?? other;
  const signer =
    key === undefined ? { subject: text("identity", subject), issuer: text("issuer", issuer) } : { key };
  try {
    const trust = parseTrustRoot((read(name, "trusted_root.json") ?? readFileSync(production)).toString());
    const question: BundleQuestion = { artifact: byDigest ? { digest } : { bytes }, signer, trust, now };
    const { trace } = verifyBundle(read(name, "bundle.sigstore.json") ?? Buffer.alloc(0), question);
    expect(trace.code).not.toBe("internal");
    return trace.outcome === "pass";
  } catch (error) {
    if (error instanceof VerifyError) return false;
    throw error;
  }
}

describe.each(readdirSync(cases).filter((name) => name !== "a.txt"))("%s", (name) => {
  test.each([
    ["by file", false],
    ["by digest", true],
  ] as const)("%s", (_, byDigest) => {
    expect(accepts(name, byDigest)).toBe(!name.endsWith("_fail"));
  });
});
