// Gatekeeper asks about images before a constraint template decides: constraint-template.yaml beside this file.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { providerHandler } from "@assay/gatekeeper";
import { createAssay, layoutSource } from "assay";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const assay = createAssay({
  policies: readFileSync(here("policies/made-by-cosign.yaml"), "utf8"),
  trust: { json: readFileSync(here("testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(here("testdata/cosign-images")),
});
const provide = providerHandler(assay); // createProviderServer(assay, { tls, clientCa }) serves it as Gatekeeper wants

const question = {
  apiVersion: "externaldata.gatekeeper.sh/v1beta1",
  kind: "ProviderRequest",
  request: { keys: ["registry.example.com/acme/key-att3:v1", "registry.example.com/acme/unsigned:v1"] },
};
const headers = { "content-type": "application/json" };
const body = JSON.stringify(question);
const answer = await provide(new Request("https://provider/validate", { method: "POST", headers, body }));
const { response } = (await answer.json()) as {
  response: { items: { key: string; value: string; error: string }[] };
};
for (const { key, value, error } of response.items)
  console.log(error === "" ? `${key} → ${value}` : `${key}: ${error}`);
