// A worker process: `node bench/fleet-worker.ts REDIS HOST PEM`. Runs until it is killed.
import { scanWorker } from "@assay/sources/fleet";
import { imageJudge } from "./judge-image.ts";

const [redis = "", host = "", pem = ""] = process.argv.slice(2);
await scanWorker({ redis, evaluate: imageJudge({ host, pem }) });
process.send?.("ready");
process.on("disconnect", () => process.exit());
