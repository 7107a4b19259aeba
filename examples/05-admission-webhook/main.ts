// An admission webhook of your own: what the API server posts, what it gets back.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { admissionHandler } from "@assay/webhook";
import { createAssay, layoutSource } from "assay";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const assay = createAssay({
  policies: readFileSync(here("policies/made-by-cosign.yaml"), "utf8"),
  trust: { json: readFileSync(here("testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(here("testdata/cosign-images")),
});

// `(Request) => Promise<Response>`: mount it in any server; ../06-webhook-recipes shows some.
const handle = admissionHandler(assay);

for (const name of ["key-att3", "unsigned"]) {
  const containers = [{ name: "app", image: `registry.example.com/acme/${name}:v1` }];
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { containers },
  };
  const request = { uid: name, kind: { group: "", version: "v1", kind: "Pod" }, operation: "CREATE", object };
  const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
  const headers = { "content-type": "application/json" };
  const url = "https://webhook/mutate?timeout=10s";
  const response = await handle(new Request(url, { method: "POST", headers, body: JSON.stringify(review) }));
  const { response: answer } = (await response.json()) as { response: Record<string, unknown> };
  const patch = Buffer.from(String(answer["patch"] ?? ""), "base64").toString();
  console.log(answer["allowed"] ? `${name}: allowed, patched by ${patch}` : answer["status"]);
}
