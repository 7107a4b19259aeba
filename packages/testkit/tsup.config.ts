import type { Options } from "tsup";
import { library } from "../../scripts/tsup.ts";

const options: Options = {
  ...library,
  entry: ["src/index.ts", "src/assert.ts", "src/parts.ts", "src/vitest.ts"],
};
export default options;
