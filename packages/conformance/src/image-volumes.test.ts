import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createKey } from "@assay/testkit";
import type { JsonObject } from "assay";
import { expect, test } from "vitest";
import { repository } from "./workspace.ts";
import { createWorld, HOST, keyed, podOf, policyOf, worldAssay } from "./world.ts";

const world = createWorld();
const key = createKey();
const signed = world.image().signedBy(key).pushTo(world.registry).byDigest;
const unsigned = world.image().pushTo(world.registry).byDigest;
const verifyImages = [{ imageReferences: [`${HOST}/*`], attestors: keyed(key.pem) }];

const secret: JsonObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "cosign", namespace: "kyverno" },
  stringData: { "cosign.pub": key.pem },
};

/** The policy that docs/compatibility.md shows. */
function shownPolicy(): string {
  const page = readFileSync(join(repository, "docs/compatibility.md"), "utf8");
  return /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
}

function mounting(image: string, reference: string): JsonObject {
  const pod = podOf([image]);
  const volumes = [
    { name: "tmp", emptyDir: {} },
    { name: "model", image: { reference, pullPolicy: "IfNotPresent" } },
  ];
  return { ...pod, spec: { ...(pod["spec"] as JsonObject), volumes } };
}

test("an image that is mounted as a volume is seen by no rule that does not name the place, as in Kyverno", async () => {
  const assay = worldAssay(world, { verifyImages }, { policies: policyOf({ verifyImages }) });
  expect(await assay.evaluate({ resource: mounting(signed, unsigned) })).toMatchObject({ allowed: true });
  expect(await assay.evaluate({ resource: mounting(unsigned, signed) })).toMatchObject({ allowed: false });
});

test.each([
  ["both signed", signed, signed, true],
  ["a volume that is not signed", signed, unsigned, false],
  ["a container that is not signed", unsigned, signed, false],
])(
  "the policy that docs/compatibility.md shows checks volumes and containers: %s",
  async (_, image, volume, allowed) => {
    const assay = worldAssay(world, {}, { policies: shownPolicy(), objects: [secret] });
    const verdict = await assay.evaluate({ resource: mounting(image, volume) });
    expect(verdict.allowed).toBe(allowed);
    if (!allowed) expect(verdict.results.map(({ code }) => code)).toContain("notSigned");
  },
);

test("it pins a volume that is named by tag", async () => {
  const tagged = world.image("acme/model").signedBy(key).pushTo(world.registry);
  const assay = worldAssay(world, {}, { policies: shownPolicy(), objects: [secret] });
  const { allowed, patches } = await assay.evaluate({
    resource: mounting(signed, tagged.reference),
    mutate: true,
  });
  expect(allowed).toBe(true);
  expect(patches).toMatchObject([{ path: "/spec/volumes/1/image/reference" }]);
});
