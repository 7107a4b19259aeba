import { library } from "../../scripts/tsup.ts";

export default {
  ...library,
  // The worker's file lies beside the bundle's others, wherever its source does.
  entry: { index: "src/index.ts", report: "src/report.ts", "judge-worker": "src/worker/judge-worker.ts" },
};
