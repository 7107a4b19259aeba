import { library } from "../../scripts/tsup.ts";

const subpaths = [
  "registry",
  "layout",
  "trust",
  "cluster",
  "cache",
  "credentials",
  "kms",
  "rekor",
  "replay",
  "fleet",
];

export default { ...library, entry: ["index", ...subpaths].map((name) => `src/${name}.ts`) };
