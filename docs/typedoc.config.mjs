import { exported } from "./typedoc-names.mjs";

export default {
  plugin: ["typedoc-plugin-markdown", "./typedoc-names.mjs"],
  name: "API",
  entryPoints: exported.map(({ path }) => `../packages/${path}`),
  out: "api",
  readme: "none",
  entryFileName: "index",
  githubPages: false,
  excludeInternal: true,
  skipErrorChecking: true,
  disableSources: true,
};
