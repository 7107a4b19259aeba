import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type LintId, lintCatalog } from "../src/lint.ts";
import { lintExamples } from "../test/lint-examples.ts";

// Writes docs/lint/: one page for each finding, from the catalog and the tested examples.
// node --conditions=assay:source packages/policy/scripts/docs.ts

const forms = { entry: "An entry of `verifyImages`", rule: "Fields of a rule", policy: "A policy" };

/** The page of one finding. */
export function lintPage(id: LintId): string {
  const { severity, title, why, fix } = lintCatalog[id];
  const { form, bad, good } = lintExamples[id];
  return `# ${id}

${severity}: ${title}

**Why.** ${why}

**What to do.** ${fix}

${forms[form]} with this finding:

\`\`\`yaml
${bad.trimEnd()}
\`\`\`

and without it:

\`\`\`yaml
${good.trimEnd()}
\`\`\`
`;
}

/** The list of all findings. */
export function lintIndex(): string {
  const rows = Object.entries(lintCatalog).map(
    ([id, { severity, title }]) => `| [${id}](${id}.md) | ${severity} | ${title} |`,
  );
  return `# Findings of \`assay lint\`

An \`error\` opens a door, a \`warning\` may, \`info\` is good to know. Ids that begin with \`kyverno-\` are about what
Kyverno would refuse or read otherwise.

| id | severity | what |
|---|---|---|
${rows.join("\n")}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const directory = new URL("../../../docs/lint/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  for (const id of Object.keys(lintCatalog) as LintId[])
    writeFileSync(new URL(`${id}.md`, directory), lintPage(id));
  writeFileSync(new URL("README.md", directory), lintIndex());
}
