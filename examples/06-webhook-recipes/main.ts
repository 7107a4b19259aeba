// The same handler in node:http, Hono, Express and Fastify, and the same verdict in Pepr's words.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { admissionHandler } from "@assay/webhook";
import { createAssay, layoutSource } from "assay";
import * as express from "./express.ts";
import * as fastify from "./fastify.ts";
import * as hono from "./hono.ts";
import * as nodeHttp from "./node-http.ts";
import { validateImages } from "./pepr.ts";
import { post, requestAbout, unsignedPod } from "./recipe.ts";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const assay = createAssay({
  policies: readFileSync(here("policies/made-by-cosign.yaml"), "utf8"),
  trust: { json: readFileSync(here("testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(here("testdata/cosign-images")),
});

for (const [name, recipe] of Object.entries({ "node:http": nodeHttp, hono, express, fastify })) {
  const { url, close } = await recipe.mount(admissionHandler(assay));
  const response = await post(`${url}/mutate?timeout=10s`, unsignedPod);
  if (response.allowed) throw new Error(`${name} let an unsigned image in`);
  console.log(`${name}: ${response.status.message.trim().split("\n").at(-1)?.trim()}`);
  await close();
}

const said: string[] = [];
await validateImages(admissionHandler(assay))({
  Request: requestAbout(unsignedPod),
  Approve: () => ({}),
  Deny: (message) => ({ denied: said.push(message ?? "") }),
});
if (said.length !== 1) throw new Error("pepr let an unsigned image in");
console.log(`pepr: ${said[0]?.trim().split("\n").at(-1)?.trim()}`);
