import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lintIndex, lintPage } from "../scripts/docs.ts";
import { loadPolicies } from "../src/index.ts";
import { applyFixes, type LintId, lintCatalog, lintPolicies } from "../src/lint.ts";
import { lintExamples, wholePolicy } from "./lint-examples.ts";

const ids = Object.keys(lintCatalog) as LintId[];
const idsIn = (text: string): readonly string[] => {
  const { findings, diagnostics } = lintPolicies(text);
  expect(diagnostics.filter((one) => one.severity === "error")).toEqual([]);
  return findings.map((one) => one.id);
};

describe("each finding", () => {
  test.each(ids)("%s is found in its bad example and not in its good one", (id) => {
    const { form, bad, good } = lintExamples[id];
    expect(idsIn(wholePolicy(form, bad))).toContain(id);
    expect(idsIn(wholePolicy(form, good))).not.toContain(id);
  });
  test.each(ids)("%s has a page of documentation that is up to date", (id) => {
    const page = new URL(`../../../docs/lint/${id}.md`, import.meta.url);
    expect(readFileSync(page, "utf8")).toBe(lintPage(id));
  });
  test("the list of findings is up to date", () => {
    expect(readFileSync(new URL("../../../docs/lint/README.md", import.meta.url), "utf8")).toBe(lintIndex());
  });
  test("no page is left over", () => {
    const pages = readdirSync(new URL("../../../docs/lint/", import.meta.url)).filter(
      (name) => name !== "README.md",
    );
    expect(pages.sort()).toEqual(ids.map((id) => `${id}.md`).sort());
  });
});

describe("lintPolicies", () => {
  test("has nothing to say of a policy that is in order", () => {
    expect(lintPolicies(wholePolicy("entry", lintExamples["nothing-verified"].good)).findings).toEqual([]);
  });
  test("says where, why and what to do", () => {
    const text = wholePolicy("entry", lintExamples["subject-open-prefix"].bad);
    const [finding] = lintPolicies({ text, file: "a.yaml" }).findings;
    expect(finding).toMatchObject({
      id: "subject-open-prefix",
      severity: "warning",
      message: "the wildcard of `https://github.com/acme*` also matches names that only begin with `acme`",
      source: { file: "a.yaml", line: 16, column: 30 },
      path: "spec.rules[0].verifyImages[0].attestors[0].entries[0].keyless.subject",
      policy: "signed",
      rule: "check",
    });
    expect(finding?.why).toContain("acme-evil");
    expect(finding?.fix).toContain("https://github.com/acme/*");
  });
  test("does not repeat itself for generated rules", () => {
    const text = wholePolicy("entry", lintExamples["issuer-missing"].bad);
    expect(idsIn(text).filter((id) => id === "issuer-missing")).toHaveLength(1);
  });
  test("leaves out what cannot be read, and says so", () => {
    const { findings, diagnostics } = lintPolicies("kind: ClusterPolicy\n---\n: :");
    expect(findings).toEqual([]);
    expect(diagnostics.some((one) => one.severity === "error")).toBe(true);
  });
  test("tells the page's first policy what Kyverno would say", () => {
    const page = readFileSync(new URL("../testdata/original-page-1.yaml", import.meta.url), "utf8");
    const found = lintPolicies(page).findings.map((one) => `${one.source.line} ${one.id}`);
    expect(found).toEqual([
      "5 kyverno-namespace",
      "7 deprecated-field",
      "35 attestations-without-attestors",
      "35 deprecated-field",
      "38 kyverno-expression",
      "58 kyverno-undefined-variable",
      "63 attestations-without-attestors",
      "63 deprecated-field",
      "66 kyverno-expression",
    ]);
  });
});

// Subjects and whether names that others can have would match.
describe("subject-open-prefix", () => {
  test.each([
    ["https://github.com/acme*", true],
    ["https://github.com/acme-?pp/*", true],
    ["https://gitlab.com/acme*", true],
    ["https://github.com/acme/*", false],
    ["https://github.com/acme/app*", true],
    ["https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v*", false],
    ["https://github.com/acme/app/.github/workflows/rel*", false],
    ["*@acme.com", false],
    ["*acme.com", true],
    ["release@acme.com", false],
    ["https://github.com*", true],
  ])("%s: %s", (subject, wanted) => {
    const entry = lintExamples["subject-open-prefix"].bad.replace("https://github.com/acme*", subject);
    expect(idsIn(wholePolicy("entry", entry)).includes("subject-open-prefix")).toBe(wanted);
  });
});

describe("subject-missing", () => {
  test.each([
    ["https://github.com/*", true],
    ["https://github.com/*/.github/workflows/release.yml@refs/heads/main", true],
    ["https://*/acme/app", true],
    ["*@*", true],
    ["https://github.com/acme/*", false],
    ["*@acme.com", false],
    ["*@*.acme.com", false],
    ["spiffe://acme.example/*", false],
    ["https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main", false],
  ])("%s: %s", (subject, wanted) => {
    const entry = lintExamples["subject-open-prefix"].bad.replace("https://github.com/acme*", subject);
    expect(idsIn(wholePolicy("entry", entry)).includes("subject-missing")).toBe(wanted);
  });
});

describe("regexp-unanchored", () => {
  test.each([
    ["^https://github.com/acme/.*$", false],
    ["^https://github.com/acme/(app|web)$", false],
    ["^https://github.com/acme/[|]$", false],
    ["^https://github.com/acme/\\|$", false],
    ["^a$|^b$", false],
    ["^https://github.com/acme/.*|b$", true],
    ["^(?:a)|b$", true],
    ["^a$|b", true],
  ])("%s: %s", (expression, wanted) => {
    const entry = lintExamples["subject-open-prefix"].bad.replace(
      /subject: .*/,
      () => `subjectRegExp: '${expression}'`,
    );
    expect(idsIn(wholePolicy("entry", entry)).includes("regexp-unanchored")).toBe(wanted);
  });
});

describe("reference-never-matches", () => {
  test.each([
    ["nginx", true],
    ["nginx:1.25", true],
    ["library/nginx*", true],
    ["docker.io/library/nginx*", false],
    ["docker.io/nginx", true],
    ["docker.io/nginx*", false],
    ["ghcr.io/{a,b}/*", true],
    ["ghcr.io/[ab]/*", true],
    ["!ghcr.io/*", true],
    ["https://ghcr.io/a/*", true],
    ["ghcr.io/Acme/*", true],
    [" ghcr.io/acme/*", true],
    ["* ", true],
    ["ghcr.io/acme/app,ghcr.io/acme/web*", true],
    ["ghcr.io/acme/app:V1", false],
    ["[::1]:5000/app*", false],
    ["localhost/app*", false],
    ["127.0.0.1:*/acme/*", false],
    ["*", false],
    ["*/nginx:*", false],
  ])("%s: %s", (pattern, wanted) => {
    const entry = lintExamples["nothing-verified"].good.replace("ghcr.io/acme/*", pattern);
    expect(idsIn(wholePolicy("entry", entry)).includes("reference-never-matches")).toBe(wanted);
  });
});

describe("applyFixes", () => {
  const fix = (text: string): string => {
    const edits = lintPolicies(text).findings.flatMap((one) => one.edits ?? []);
    return applyFixes(text, edits);
  };
  test("mends the page's policies and leaves every other line as it is", () => {
    const page = readFileSync(new URL("../testdata/original-page-1.yaml", import.meta.url), "utf8");
    const lines = page.split("\n");
    const wanted = lines
      .filter((line) => line !== "  namespace: kyverno")
      .map((line) => line.replace("Action: enforce", "Action: Enforce").replace("predicateType:", "type:"));
    expect(fix(page)).toBe(wanted.join("\n"));
    expect(loadPolicies(fix(page)).diagnostics).toEqual([]);
    expect(fix(fix(page))).toBe(fix(page));
  });
  test("puts a field where it belongs, in block and flow style", () => {
    const block = wholePolicy("policy", lintExamples["kyverno-audit-mutates"].bad);
    expect(idsIn(fix(block))).not.toContain("kyverno-audit-mutates");
    const flow = block
      .slice(0, block.indexOf("        - imageReferences"))
      .concat("        - {imageReferences: ['*']}\n");
    expect(fix(flow)).toContain("- {mutateDigest: false, imageReferences: ['*']}");
    const written = block.replace("imageReferences", "mutateDigest: true\n          imageReferences");
    expect(fix(written)).toContain("mutateDigest: false\n");
    const empty = written.replace("mutateDigest: true", "mutateDigest:");
    expect(fix(empty)).toContain("mutateDigest: false\n");
  });
  test("mends JSON too", () => {
    const policy = {
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name: "p" },
      spec: {
        validationFailureAction: "enforce",
        rules: [
          { name: "r", match: { resources: { kinds: ["Pod"] } }, verifyImages: [{ imageReferences: ["*"] }] },
        ],
      },
    };
    expect(JSON.parse(fix(JSON.stringify(policy)))).toMatchObject({
      spec: { validationFailureAction: "Enforce" },
    });
  });
  test("of edits that overlap only the first is made", () => {
    const edit = (start: number, end: number, text: string) => ({ file: "f", start, end, text });
    expect(applyFixes("abcdef", [edit(3, 5, "X"), edit(1, 4, "Y")])).toBe("aYef");
  });
});
