import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** One sidebar entry per page of a folder, by its own heading: a new page needs no entry here. */
function pages(folder: string): { text: string; link: string }[] {
  return readdirSync(here(`../${folder}`))
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .sort()
    .map((file) => ({
      text: titleOf(`../${folder}/${file}`),
      link: `/${folder}/${file.replace(/\.md$/, "")}`,
    }));
}

function titleOf(path: string): string {
  return /^# (.+)$/m.exec(readFileSync(here(path), "utf8"))?.[1]?.replaceAll("`", "") ?? path;
}

export default defineConfig({
  title: "assay",
  description: "Decide by policy, inside a Node process, whether container images may run.",
  lang: "en",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: "/favicon.svg" }]],
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ["README.md"],
  rewrites: { "lint/README.md": "lint/index.md", "decisions/README.md": "decisions/index.md" },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Start", link: "/start" },
      { text: "Guides", link: "/guides/key-based" },
      { text: "Reference", link: "/reference/cli" },
      { text: "Playground", link: "/playground" },
    ],
    sidebar: [
      { text: "Start in five minutes", link: "/start" },
      { text: "Guides", items: pages("guides") },
      {
        text: "Reference",
        items: [
          { text: "Command line", link: "/reference/cli" },
          { text: "API", link: "/api/" },
          { text: "Codes", link: "/codes" },
          { text: "Formats", link: "/formats" },
          { text: "Requests", link: "/requests" },
          { text: "Compatibility with Kyverno", link: "/compatibility" },
          { text: "Lint rules", link: "/lint/" },
        ],
      },
      { text: "Troubleshooting", link: "/troubleshooting" },
      { text: "Architecture", link: "/architecture" },
      { text: "Threat model", link: "/threat-model" },
      { text: "Decisions", link: "/decisions/", collapsed: true, items: pages("decisions") },
      { text: "Playground", link: "/playground" },
    ],
    outline: [2, 3],
  },
  markdown: {
    // Policies are full of `{{ expressions }}`, which Vue would take for its own.
    config: (md) => {
      const literal = (html: string): string => html.replaceAll("{{", "&#123;&#123;");
      for (const rule of ["code_inline", "text", "html_inline", "html_block"] as const) {
        const render = md.renderer.rules[rule];
        md.renderer.rules[rule] = (tokens, i, options, env, self) =>
          literal(render?.(tokens, i, options, env, self) ?? "");
      }
    },
  },
  vite: {
    resolve: {
      conditions: ["assay:source"],
      alias: {
        // The playground bundles the real engine, policy and conditions; only the kernel is answered by a record.
        "@assay/verify": here("../playground/recorded-kernel.ts"),
        "@assay/engine": here("../../packages/engine/src/index.ts"),
        "@assay/policy": here("../../packages/policy/src/index.ts"),
        "@assay/conditions": here("../../packages/conditions/src/index.ts"),
        "@assay/image": here("../../packages/image/src/index.ts"),
        "node:crypto": here("../playground/shims/crypto.ts"),
        "node:worker_threads": here("../playground/shims/worker-threads.ts"),
        "node:buffer": here("../node_modules/buffer/index.js"),
      },
    },
    server: { fs: { allow: [here("../..")] } },
  },
});
