// Policies have tests, too: here with node:test (for vitest there are matchers); `assay test` runs Kyverno's files.
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createKey, createRegistry, image, type PushedImage, slsa } from "@assay/testkit";
import { assertAllowed, assertDenied } from "@assay/testkit/assert";
import { createAssay, type Verdict } from "assay";

const key = createKey();
const registry = createRegistry();
const assay = createAssay({
  policies: readFileSync(new URL("policy.yaml", import.meta.url), "utf8"),
  variables: { RELEASE_KEY: key.pem },
  registry: { fetch: registry.fetch },
});

function judge({ reference }: PushedImage): Promise<Verdict> {
  const spec = { containers: [{ name: "app", image: reference }] };
  return assay.evaluate({ resource: { apiVersion: "v1", kind: "Pod", metadata: { name: "pod" }, spec } });
}

test("an image with our signature and provenance runs", async () => {
  const ours = image()
    .signedBy(key)
    .attested(slsa({ buildType: "https://ci.example/v1" }));
  assertAllowed(await judge(ours.pushTo(registry)));
});

test("an image built by something else does not", async () => {
  const theirs = image({ tag: "v2" })
    .signedBy(key)
    .attested(slsa({ buildType: "a laptop" }));
  assertDenied(await judge(theirs.pushTo(registry)), { code: "conditionFalse" });
});

test("an unsigned image does not", async () => {
  assertDenied(await judge(image({ tag: "v3" }).pushTo(registry)), { code: "notSigned" });
});
