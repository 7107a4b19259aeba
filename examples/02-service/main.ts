// "May I deploy this?" as a small HTTP service: POST a Pod or Deployment, get the verdict.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createAssay, explain, type JsonObject, layoutSource } from "assay";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const assay = createAssay({
  policies: readFileSync(here("policies/made-by-cosign.yaml"), "utf8"),
  trust: { json: readFileSync(here("testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(here("testdata/cosign-images")),
});

const server = createServer(async (request, response) => {
  try {
    const resource = (await json(request)) as JsonObject;
    const verdict = await assay.evaluate({ resource }, { timeoutMilliseconds: 10_000 });
    response.writeHead(verdict.allowed ? 200 : 403, { "content-type": "text/plain" }).end(explain(verdict));
  } catch (error) {
    response.writeHead(400, { "content-type": "text/plain" }).end(String(error));
  }
});

// The rest asks the service two questions and ends it.
await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
const { port } = server.address() as AddressInfo;
for (const name of ["key-att3", "unsigned"]) {
  const containers = [{ name: "app", image: `registry.example.com/acme/${name}:v1` }];
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers } };
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: JSON.stringify(pod) });
  console.log(`${answer.status} ${await answer.text()}`);
}
server.close();
