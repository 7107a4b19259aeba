// Is this image signed by this key?
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { evaluateImage, explain, layoutSource } from "assay";

const here = (path: string): string => fileURLToPath(new URL(`../testdata/${path}`, import.meta.url));

const key = readFileSync(here("cosign.pub"), "utf8");
// Images of a directory, so that this runs anywhere; without `source` they come from their registry.
const source = layoutSource(here("cosign-images"));

for (const image of ["registry.example.com/acme/key-att3:v1", "registry.example.com/acme/key-other:v1"]) {
  // `tlog: "ignore"`: these were signed without a transparency log.
  const verdict = await evaluateImage(image, { key, tlog: "ignore" }, { source });
  console.log(verdict.allowed ? `${image} is signed: run ${verdict.results[0]?.digest}` : explain(verdict));
}
