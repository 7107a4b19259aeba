// Every verdict can be kept as a record, and judged again: offline, and by tomorrow's policy.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createAssay, decodeRecord, encodeRecord, layoutSource, replay } from "assay";

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const policy = readFileSync(here("policies/made-by-cosign.yaml"), "utf8");
const assay = createAssay({
  policies: policy,
  trust: { json: readFileSync(here("testdata/cosign-trusted-root.json"), "utf8") },
  source: layoutSource(here("testdata/cosign-images")),
});

const containers = [{ name: "app", image: "registry.example.com/acme/key-att3:v1" }];
const resource = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers } };
const file = encodeRecord(await assay.record({ resource }));
console.log(`recorded in ${file.length} bytes: policy, request, answers, clock`);

// Later, elsewhere, without registry or network:
const record = decodeRecord(file);
const again = await replay(record);
console.log(
  `replayed: ${again.allowed ? "allowed" : "denied"}, as then: ${again.allowed === record.verdict.allowed}`,
);

const stricter = policy.replace("@refs/tags/v*", "@refs/tags/v2.*");
const next = await replay(record, stricter);
console.log(`by the stricter policy: ${next.allowed ? "allowed" : `denied: ${next.results[0]?.message}`}`);
