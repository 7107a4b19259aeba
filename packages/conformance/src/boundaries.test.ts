import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type ImportFact, importsOf, repository, shippedSources, workspacePackages } from "./workspace.ts";

// Who may import whom, in what is shipped. `types` means `import type` only. Changing a row is a decision about the
// architecture: docs/decisions/ says why each one is as it is.
const DIRECTIONS: Readonly<
  Record<string, { readonly code?: readonly string[]; readonly types?: readonly string[] }>
> = {
  "@assay/image": {},
  "@assay/conditions": { code: ["@assay/image"] },
  "@assay/policy": { code: ["@assay/image", "@assay/conditions"] },
  "@assay/verify": { code: ["@assay/image"], types: ["@assay/policy"] },
  "@assay/engine": { code: ["@assay/image", "@assay/conditions", "@assay/policy", "@assay/verify"] },
  "@assay/sources": { code: ["@assay/image"], types: ["@assay/policy", "@assay/verify", "@assay/engine"] },
  "@assay/webhook": { code: ["@assay/engine", "@assay/image", "@assay/policy"] },
  // The provider is served by the webhook's TLS server.
  "@assay/gatekeeper": { code: ["@assay/engine", "@assay/image", "@assay/policy", "@assay/webhook"] },
  "@assay/controller": { code: ["@assay/engine", "@assay/image", "@assay/policy"] },
  "@assay/testkit": {
    code: ["@assay/image", "@assay/engine"],
    types: ["@assay/policy", "@assay/verify", "@assay/conditions"],
  },
  assay: {
    code: [
      "@assay/image",
      "@assay/conditions",
      "@assay/policy",
      "@assay/verify",
      "@assay/engine",
      "@assay/sources",
      "@assay/webhook",
      // An optional peer: `assay serve --cluster` loads it when asked to.
      "@assay/controller",
    ],
  },
};

/** Nothing of these reads a file, opens a socket or looks at the process. */
const PURE = ["@assay/image", "@assay/conditions", "@assay/policy", "@assay/verify"];
const PURE_BUILTINS = ["node:crypto", "node:buffer"];

const packages = workspacePackages().filter(({ manifest }) => manifest.private !== true);
const shown = ({ file, specifier }: ImportFact): string =>
  `${relative(repository, file)} imports ${specifier}`;
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
const isOurs = (specifier: string): boolean => Object.hasOwn(DIRECTIONS, packageOf(specifier));

describe.each(packages.map(({ manifest, directory }) => [manifest.name, manifest, directory] as const))(
  "%s",
  (name, manifest, directory) => {
    const imports = shippedSources(directory).flatMap(importsOf);
    const code = DIRECTIONS[name]?.code ?? [];
    const types = [...code, ...(DIRECTIONS[name]?.types ?? [])];

    test("has a row in the table of directions", () => {
      expect(Object.keys(DIRECTIONS)).toContain(name);
    });

    test("imports only the packages below it", () => {
      const wrong = imports
        .filter(({ specifier }) => isOurs(specifier) && packageOf(specifier) !== name)
        .filter(({ specifier, typeOnly }) => !(typeOnly ? types : code).includes(packageOf(specifier)));
      expect(wrong.map(shown)).toEqual([]);
    });

    test("depends on the packages below it and on nothing of ours beside them", () => {
      const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      expect(declared.filter((other) => isOurs(other) && !types.includes(other))).toEqual([]);
      // A cycle through a test dependency would be harmless to users, but would tie the build in a knot.
      const inTests = Object.keys(manifest.devDependencies ?? {}).filter(isOurs);
      expect(
        inTests.filter((other) => ![...types, "@assay/testkit", "@assay/sources"].includes(other)),
      ).toEqual([]);
    });

    test("declares every package that it imports", () => {
      const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      const undeclared = imports.filter(
        ({ specifier }) =>
          !specifier.startsWith(".") && !isBuiltin(specifier) && !declared.includes(packageOf(specifier)),
      );
      expect(undeclared.filter(({ specifier }) => packageOf(specifier) !== name).map(shown)).toEqual([]);
    });

    // Also by a type alone: then neither of two files can be read, or changed, without the other.
    test("has no file that it takes itself to read", () => {
      expect(circle(importGraph(imports, (file) => file)).map((file) => relative(directory, file))).toEqual(
        [],
      );
    });

    // What lies at the top of `src` is above and below: doors to the package, and what all of it speaks in.
    test("has folders that lie on each other, and none on itself", () => {
      const folders = importGraph(imports, (file) => dirname(relative(join(directory, "src"), file)));
      folders.delete(".");
      for (const others of folders.values()) others.delete(".");
      expect(circle(folders)).toEqual([]);
    });

    test("reaches into no other package's files", () => {
      const deep = imports.filter(({ specifier }) => isOurs(specifier) && !isExported(specifier));
      expect(deep.map(shown)).toEqual([]);
      const outside = imports.filter(({ file, specifier }) => escapes(directory, file, specifier));
      expect(outside.map(shown)).toEqual([]);
    });
  },
);

test.each(PURE)("%s is pure: it imports no module that reads files, sockets or the process", (name) => {
  const imports = packages
    .filter(({ manifest }) => manifest.name === name)
    .flatMap(({ directory }) => shippedSources(directory).flatMap(importsOf));
  const impure = imports.filter(
    ({ specifier }) => isBuiltin(specifier) && !PURE_BUILTINS.includes(specifier),
  );
  expect(impure.map(shown)).toEqual([]);
});

test("no package or file is called utils, common, helpers, types, logging or config", () => {
  const names = packages.flatMap(({ directory }) => [directory, ...shippedSources(directory)]);
  expect(
    names.filter((name) => /\/(?:utils?|common|helpers?|types|logging|config|misc)(?:\.ts)?$/.test(name)),
  ).toEqual([]);
});

test("nothing that is shipped imports the conformance package", () => {
  const imports = packages.flatMap(({ directory }) => shippedSources(directory).flatMap(importsOf));
  expect(imports.filter(({ specifier }) => specifier.startsWith("@assay/conformance")).map(shown)).toEqual(
    [],
  );
});

type Graph = Map<string, Set<string>>;

/** Who imports whom within a package, files being called what `name` says. */
function importGraph(imports: readonly ImportFact[], name: (file: string) => string): Graph {
  const graph: Graph = new Map();
  for (const { file, specifier } of imports.filter((one) => one.specifier.startsWith("."))) {
    const from = name(file);
    const to = name(resolve(dirname(file), specifier));
    if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  }
  return graph;
}

/** The names on one way from a name back to itself; none: there is no such way. */
function circle(graph: Graph): readonly string[] {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): readonly string[] => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of graph.get(name) ?? []) {
      const found = walk(next, [...way, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of graph.keys()) {
    const found = walk(name, []);
    if (found.length > 0) return found;
  }
  return [];
}

function isExported(specifier: string): boolean {
  const name = packageOf(specifier);
  const exported = packages.find(({ manifest }) => manifest.name === name)?.manifest.exports ?? {};
  return Object.hasOwn(exported, `.${specifier.slice(name.length)}`);
}

function escapes(directory: string, file: string, specifier: string): boolean {
  return (
    specifier.startsWith(".") && !new URL(specifier, `file://${file}`).pathname.startsWith(`${directory}/`)
  );
}
