// A registry process full of signed images: `node bench/registry-process.ts COUNT`. Tells its parent where it is.
import { createKey, createRegistry, image } from "@assay/testkit";

const count = Number(process.argv[2]);
const registry = createRegistry({ referrersApi: process.argv[3] !== "tags" });
const key = createKey("p256");
for (let i = 0; i < count; i++) {
  const unsigned = image({ repository: `acme/app-${i}` });
  // Every hundredth is unsigned: a scan must find them.
  (i % 100 === 7 ? unsigned : unsigned.signedBy(key)).pushTo(registry);
}
const { host } = await registry.listen();
process.send?.({ host, pem: key.pem });
process.on("disconnect", () => process.exit());
// Requests are recorded for tests; a bench would fill the memory with them.
setInterval(() => registry.forgetRequests(), 200);
