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
  // `tsc -b` keeps its build info in dist: cleaning here would drop declarations it then does not write again.
  clean: false,
  removeNodeProtocol: false,
};
