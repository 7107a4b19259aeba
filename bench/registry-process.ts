// Serves the fixtures' images on loopback, each answer late by the milliseconds that the first argument says. Prints
// one line when it listens; tells how many requests it was asked so far for every line on standard input.
import { createInterface } from "node:readline";
import { createRegistry, loadLayout } from "@assay/testkit";

const images = new URL("../packages/conformance/cases/fixtures/images/", import.meta.url).pathname;
const late = Number(process.argv[2] ?? 0);
const registry = createRegistry({ host: "127.0.0.1:5001", referrersApi: false });
await loadLayout(`${images}tags`, registry);
if (late > 0) registry.inject({ effect: { kind: "delay", ms: late } });
const server = await registry.listen(5001);
process.stdout.write("listening\n");
for await (const _ of createInterface({ input: process.stdin })) {
  process.stdout.write(`${registry.requests.length}\n`);
  registry.forgetRequests();
}
await server.close();
