// Serves, on loopback: a signed image, an unsigned one, and as many as the first argument says of each kind that a webhook
// shall meet for the first time: signed, and signed with three attestations, each with a digest of its own. Prints its
// port, its public key and the signed image's digest as one line of JSON; tells how many requests it was asked since the
// last time for every line on standard input.
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { createKey, createRegistry, image, slsa, spdx, vuln } from "@assay/testkit";

const [cold = 0, late = 0] = process.argv.slice(2).map(Number);
const port = await freePort();
const registry = createRegistry({ host: `127.0.0.1:${port}`, referrersApi: false });
const key = createKey("p256");
// The policy wants a scan of the last 24 hours.
const scan = vuln({ scanner: "trivy", finishedOn: new Date().toISOString() });
const about = [slsa({ version: "0.2" }), spdx(), scan] as const;
// Named as the fixtures name such images.
const { digest } = image({ repository: "acme/key-ecdsa", tag: "v1" }).signedBy(key).pushTo(registry);
image({ repository: "acme/unsigned", tag: "v1" }).pushTo(registry);
for (let i = 0; i < cold; i++) {
  image({ repository: `acme/cold-${i}`, tag: "v1", content: `cold ${i}` })
    .signedBy(key)
    .pushTo(registry);
  image({ repository: `acme/attested-${i}`, tag: "v1", content: `attested ${i}` })
    .signedBy(key)
    .attested(...about)
    .pushTo(registry);
}
image({ repository: "acme/attested", tag: "v1" })
  .signedBy(key)
  .attested(...about)
  .pushTo(registry);
if (late > 0) registry.inject({ effect: { kind: "delay", ms: late } });
const server = await registry.listen(port);
process.stdout.write(`${JSON.stringify({ port, pem: key.pem, digest })}\n`);
registry.forgetRequests();
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${registry.requests.length}\n`);
  registry.forgetRequests();
}
await server.close();

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
