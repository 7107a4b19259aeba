import { createEngine } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import {
  createAuthority,
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
} from "@assay/testkit";
import { expect, test } from "vitest";
import { judgePod, world } from "../abuse/engine-world.ts";

// A signature by a certificate without any trusted time counts while the certificate is valid, and no longer: what was
// verified before must not outlive it.

test("what a certificate's signature proved ends with the certificate", async () => {
  const minute = 60_000;
  let now = Date.parse(FROZEN_TIME);
  const registry = createRegistry({ host: "registry.example.com" });
  const authority = createAuthority();
  const signer = authority.certify(createKey(), {
    alternativeNames: [{ kind: "email", value: "release@acme.example" }],
    notBefore: new Date(now - minute),
    notAfter: new Date(now + 5 * minute),
  });
  const pushed = image().signedBy(signer).pushTo(registry);
  const certificates = { certChain: authority.pem, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
  const { policies } = loadPolicies(
    JSON.stringify({
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name: "by-certificate" },
      spec: {
        validationFailureAction: "Enforce",
        rules: [
          {
            name: "signed",
            match: { any: [{ resources: { kinds: ["Pod"] } }] },
            verifyImages: [{ imageReferences: ["*"], attestors: [{ entries: [{ certificates }] }] }],
          },
        ],
      },
    }),
  );
  const engine = createEngine({
    policies,
    clock: () => new Date(now),
    sources: { evidence: registrySource({ fetch: registry.fetch, resolve: async () => ["192.0.2.1"] }) },
  });
  const metadata = { name: "web", namespace: "default" };
  const spec = { containers: [{ name: "c", image: pushed.byDigest }] };
  const resource = { apiVersion: "v1", kind: "Pod", metadata, spec };
  const before = await engine.evaluate({ resource });
  expect(before.verdict).toMatchObject({ allowed: true, outcome: "pass" });
  now += 6 * minute;
  const after = await engine.evaluate({ resource });
  expect(after.stats.facts).toBe(0);
  expect(after.verdict).toMatchObject({ allowed: false, outcome: "fail" });
});

// Kyverno looks at timestamps under `ctlog.tsaCertChain` only.
test.each([
  ["nor an authority is asked for", ""],
  ["but an authority is", ", tsaCertChain: TSA"],
])("a timestamp of nobody who is trusted, where no log %s: denied", async (_, more) => {
  const [theirs, ours] = [createSigstore(), createSigstore()];
  const { timestampAuthority } = theirs;
  const authority = createAuthority();
  const signer = authority.certify(createKey(), {
    alternativeNames: [{ kind: "email", value: "release@acme.example" }],
  });
  const registry = world();
  const pushed = image().using({ timestampAuthority }).signedBy(signer).pushTo(registry);
  const tsa = more.replace("TSA", JSON.stringify(ours.pem.tsaCertChain));
  const attestors = `{ certificates: { certChain: ${JSON.stringify(authority.pem)}, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true${tsa} } } }`;
  const judged = await judgePod(registry, pushed.byDigest, { attestors, trust: ours.trustedRoot() });
  expect(judged.outcome, judged.messages.join("\n")).toBe("denied");
});
