import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";

/** The root of the repository. */
export const repository: string = new URL("../../../", import.meta.url).pathname;

/** The parts of a package.json that the checks read. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

export interface WorkspacePackage {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Every package of the workspace. */
export function workspacePackages(): readonly WorkspacePackage[] {
  return readdirSync(join(repository, "packages"))
    .map((name) => join(repository, "packages", name))
    .filter((directory) => existsSync(join(directory, "package.json")))
    .map((directory) => ({
      directory,
      manifest: JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest,
    }));
}

/** The TypeScript files that a package ships: `src` without its tests. */
export function shippedSources(directory: string): readonly string[] {
  const sources = join(directory, "src");
  if (!existsSync(sources)) return [];
  return readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => join(sources, name));
}

export interface ImportFact {
  readonly file: string;
  readonly specifier: string;
  /** Erased by the compiler: brings no code along. */
  readonly typeOnly: boolean;
}

/** Every import, re-export and dynamic import with a literal specifier. */
export function importsOf(file: string): readonly ImportFact[] {
  const { module, text } = parseModule(file);
  const named = module.staticImports.map(({ moduleRequest, entries, start }) => ({
    file,
    specifier: moduleRequest.value,
    typeOnly:
      /^import\s+type\b/.test(text.slice(start)) || (entries.length > 0 && entries.every((e) => e.isType)),
  }));
  const reexported = module.staticExports.flatMap(({ entries, start }) =>
    entries.flatMap(({ moduleRequest, isType }) =>
      moduleRequest === null
        ? []
        : [
            {
              file,
              specifier: moduleRequest.value,
              typeOnly: isType || /^export\s+type\b/.test(text.slice(start)),
            },
          ],
    ),
  );
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest }) => {
    const literal = /^["'](.*)["']$/s.exec(text.slice(moduleRequest.start, moduleRequest.end));
    return literal?.[1] === undefined ? [] : [{ file, specifier: literal[1], typeOnly: false }];
  });
  return [...named, ...reexported, ...dynamic];
}

export interface ExportFact {
  /** `*` for `export *`, which hides what a package offers. */
  readonly name: string;
  readonly typeOnly: boolean;
}

/** What a module exports, by name. */
export function exportsOf(file: string): readonly ExportFact[] {
  const { module, text } = parseModule(file);
  return module.staticExports.flatMap(({ entries, start }) =>
    entries.map(({ exportName, isType }) => ({
      name: exportName.kind === "Default" ? "default" : (exportName.name ?? "*"),
      typeOnly: isType || /^export\s+(?:type|interface|declare)\b/.test(text.slice(start)),
    })),
  );
}

function parseModule(file: string): {
  readonly text: string;
  readonly module: ReturnType<typeof parseSync>["module"];
} {
  const text = readFileSync(file, "utf8");
  return { text, module: parseSync(file, text).module };
}
