import { readdirSync, readFileSync } from "node:fs";

const packages = new URL("../packages/", import.meta.url);

/** The source behind everything that published packages export, with the name by which it is imported. */
export const exported = readdirSync(packages).flatMap((folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  if (manifest.private) return [];
  return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
    const source = target["assay:source"];
    if (source === undefined) return [];
    return [{ name: manifest.name + subpath.slice(1), path: `${folder}/${source.slice(2)}` }];
  });
});

/** Names modules as they are imported: `@assay/sources/registry`, not `sources/src/registry`. */
export function load(app) {
  app.converter.on("resolveBegin", ({ project }) => {
    for (const module of project.children ?? []) {
      const known = exported.find(({ path }) => path.replace(/(\/index)?\.ts$/, "") === module.name);
      if (known !== undefined) module.name = known.name;
    }
  });
}
