import { library } from "../../scripts/tsup.ts";

export default { ...library, entry: ["src/index.ts", "src/lint.ts", "src/schema.ts"] };
