import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";
import { compatibilityRows } from "./compatibility-rows.ts";
import { repository } from "./workspace.ts";

/** Written by hand. `docs/api` and the site's own folders are generated. */
const documents = [
  ...markdownIn(repository),
  ...markdownBelow(join(repository, "docs")),
  ...markdownBelow(join(repository, "packages")),
  ...markdownBelow(join(repository, "examples")),
];

test.each(documents.map((path) => [relative(repository, path), path]))(
  "%s links to nothing that is missing",
  (_, path) => {
    const text = readFileSync(path, "utf8").replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, "");
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((found) => found[1] ?? "");
    const broken = targets
      .filter((target) => !/^(?:[a-z]+:|#)/i.test(target))
      .filter((target) => !leads(path, target));
    expect(broken).toEqual([]);
  },
);

test("documents are written for readers outside: no machine's own paths", () => {
  const strange = documents.filter((path) =>
    /(?:^|[\s("'`])\/(?:work|root|home)\//m.test(readFileSync(path, "utf8")),
  );
  expect(strange.map((path) => relative(repository, path))).toEqual([]);
});

/** A file, a directory, or (on the documentation site) a page without its ending. */
function leads(from: string, target: string): boolean {
  const path = target.replace(/[#?].*$/, "");
  const base = path.startsWith("/") ? join(repository, "docs", path) : resolve(dirname(from), path);
  return (
    path === "" || [base, `${base}.md`, join(base, "index.md")].some((candidate) => existsSync(candidate))
  );
}

function markdownIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(directory, name));
}

function markdownBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (!entry.isDirectory()) return entry.name.endsWith(".md") ? [path] : [];
    return /^(?:node_modules|dist|cases|api|cache|\.vitepress)$/.test(entry.name) ? [] : markdownBelow(path);
  });
}

test("every row of docs/compatibility.md names a test that exists", () => {
  const differences = readFileSync(new URL("differences.test.ts", import.meta.url), "utf8");
  const rows = compatibilityRows().map(({ test }) => test);
  expect(rows.length).toBeGreaterThan(25);
  const missing = rows.filter((name) =>
    name.startsWith("packages/") ? !existsSync(join(repository, name)) : !differences.includes(`"${name}"`),
  );
  expect(missing).toEqual([]);
});
