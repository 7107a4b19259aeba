import type { Options } from "tsup";

/** How every published package is bundled: ESM only; declarations come from `tsc -b` beside it. */
export const library: Options = {
  entry: ["src/index.ts"],
  format: ["esm"],
  target: "node22",
  platform: "node",
  dts: false,
  sourcemap: true,
  splitting: true,
  // Chunks of earlier builds go, or they would be published. `tsc -b` keeps its build info in dist: without its declarations
  // it would not write them again.
  clean: ["!**/*.d.ts", "!**/*.d.ts.map", "!**/*.tsbuildinfo"],
  removeNodeProtocol: false,
};
