import { library } from "../../scripts/tsup.ts";

export default {
  ...library,
  entry: ["index", "registry", "layout", "trust", "cluster", "cache", "credentials"].map(
    (name) => `src/${name}.ts`,
  ),
};
