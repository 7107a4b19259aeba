// What the image runs, in few files: `node bundle.mts FROM TO` bundles the assay that is installed in FROM, with its optional
// peers for `--cluster`, into the directory TO, and writes the licences of everything that went in beside it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve } from "node:path";
import { build, formatMessages, type Message, type Metafile } from "esbuild";

/** What `ws` is quicker with and `debug` prettier: they try by themselves, and do without. */
const LEFT_OUT = ["bufferutil", "utf-8-validate", "supports-color"];
/** Modules from CommonJS ask for Node's own by `require`, which modules do not have. */
const REQUIRE =
  'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);';
const LICENCE_FILE = /^(?:licen[cs]e|notice|copying)/i;

/** The parts of a package.json that are read here. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

interface Package {
  readonly directory: string;
  readonly manifest: Manifest;
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("usage: node bundle.mts FROM TO");
const assay = packageOf("assay", resolve(from));
// Bundled by name and not by what imports it: it is started as a file of its own, beside the chunk that starts it.
const engine = packageOf("@assay/engine", assay.directory);
const directory = resolve(to);
// What is there already must not end up in an image.
mkdirSync(directory);

const { warnings, metafile } = await build({
  absWorkingDir: resolve(from),
  entryPoints: {
    cli: join(assay.directory, "dist/cli.js"),
    "judge-worker": join(engine.directory, "dist/judge-worker.js"),
  },
  outdir: join(directory, "dist"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  // Packages resolve as in Node: esbuild would add the condition `module`.
  conditions: [],
  // Names stay: stack traces and the names of errors are read by people.
  minifySyntax: true,
  minifyWhitespace: true,
  external: LEFT_OUT,
  banner: { js: REQUIRE },
  metafile: true,
  logLevel: "silent",
  // Packages say by themselves that importing them has no effect. What builds ours leaves such imports in them.
  logOverride: { "ignored-bare-import": "silent" },
});
const bundled = packagesIn(metafile, resolve(from));
await refuse(warnings);
refuseMissing(metafile);
// `assay --version` reads it one level above itself, here as in the package.
const { name, version, license } = assay.manifest;
write(
  "package.json",
  `${JSON.stringify({ name, version, license, private: true, type: "module" }, null, 2)}\n`,
);
write("NOTICES.txt", notices(bundled));

function write(file: string, text: string): void {
  writeFileSync(join(directory, file), text);
}

/** Where a package is installed, as `importer` finds it. */
function packageOf(name: string, importer: string): Package {
  const file = createRequire(join(importer, "package.json")).resolve(`${name}/package.json`);
  return { directory: dirname(file), manifest: readManifest(file) };
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, "utf8")) as Manifest;
}

async function refuse(warnings: Message[]): Promise<void> {
  if (warnings.length > 0) throw new Error((await formatMessages(warnings, { kind: "warning" })).join("\n"));
}

/** Nothing is installed beside the bundle, so what it would import from there is not there. */
function refuseMissing({ outputs }: Metafile): void {
  const imported = Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external),
  );
  const missing = imported
    .map(({ path }) => path)
    .filter((path) => !isBuiltin(path) && !LEFT_OUT.includes(path));
  if (missing.length > 0)
    throw new Error(`not installed, so not in the bundle: ${[...new Set(missing)].join(", ")}`);
}

/** Every package of which something is in the bundle, by name. */
function packagesIn({ outputs }: Metafile, base: string): readonly Package[] {
  const files = new Set(Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)));
  const found = new Map<string, Package>();
  for (const file of files) {
    const one = owner(resolve(base, file));
    found.set(one.directory, one);
  }
  const title = ({ manifest }: Package): string => `${manifest.name} ${manifest.version}`;
  return [...found.values()].sort((a, b) => (title(a) < title(b) ? -1 : 1));
}

/** The package of a file. A package.json without a name only says what kind of modules are beside it. */
function owner(file: string): Package {
  for (let at = dirname(file); at !== dirname(at); at = dirname(at)) {
    const manifest = join(at, "package.json");
    if (!existsSync(manifest)) continue;
    const read = readManifest(manifest);
    if (read.name !== undefined && read.version !== undefined) return { directory: at, manifest: read };
  }
  throw new Error(`${file} belongs to no package`);
}

/** The licence texts, each once, under the packages that have it. */
function notices(packages: readonly Package[]): string {
  const holders = new Map<string, string[]>();
  for (const { directory, manifest } of packages) {
    const title = `${manifest.name} ${manifest.version} (${manifest.license ?? "see below"})`;
    const files = readdirSync(directory).filter((name) => LICENCE_FILE.test(name));
    const texts = files.map((name) => readFileSync(join(directory, name), "utf8").trim());
    if (texts.length === 0 && manifest.license === undefined) throw new Error(`${title} has no licence`);
    const text =
      texts.length === 0 ? "The package names its licence and holds no text of it." : texts.join("\n\n");
    holders.set(text, [...(holders.get(text) ?? []), title]);
  }
  const rule = "=".repeat(78);
  const parts = [...holders].map(([text, titles]) => `${rule}\n${titles.join("\n")}\n${rule}\n\n${text}\n`);
  return `The files beside this one hold code of these packages.\n\n${parts.join("\n")}`;
}
