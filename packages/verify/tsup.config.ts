import { library } from "../../scripts/tsup.ts";

export default { ...library, entry: ["src/index.ts", "src/verify-bundle.ts", "src/predicates/index.ts"] };
