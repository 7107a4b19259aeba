import type { Sources } from "@assay/engine";
import { parseImageReference } from "@assay/image";
import { contextFromObjects } from "@assay/sources/cluster";
import { kmsKeys } from "@assay/sources/kms";
import { registrySource } from "@assay/sources/registry";
import { recordingSources, replaySources } from "@assay/sources/replay";
import { trustRoots } from "@assay/sources/trust";
import { expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";

const { signal } = new AbortController();

async function everything(sources: Sources): Promise<unknown> {
  const answers: unknown[] = [];
  for (const name of ["key-att3", "bundle-ecdsa", "nowhere"]) {
    const image = parseImageReference(`r.example/acme/${name}:v1`);
    const resolved = await ask<"digest">(sources.evidence, { kind: "digest", image });
    answers.push(resolved);
    if (!resolved.ok) continue;
    for (const kind of ["signatureTag", "attestationTag", "referrers", "manifest"] as const) {
      const lookup = { kind, repository: `r.example/acme/${name}`, digest: resolved.value.digest };
      answers.push(await ask(sources.evidence, lookup));
    }
  }
  answers.push(await sources.context?.fetch({ kind: "configMap", namespace: "a", name: "b" }, { signal }));
  answers.push(await sources.keys?.fetch({ kind: "kmsKey", reference: "k8s://a/b" }, { signal }));
  answers.push(await sources.trust?.fetch({ kind: "trustRoot", name: "public-good" }, { signal }));
  return JSON.parse(JSON.stringify(answers, (key, value) => (key === "requests" ? undefined : value)));
}

test("a replay answers what was recorded, bytes and failures alike, and asks nobody", async () => {
  const registry = await fixtureRegistry("referrers", { host: "r.example" });
  const looksLikeBytes = {
    kind: "ConfigMap",
    metadata: { namespace: "a", name: "b" },
    data: { $base64: "AAAA" },
  };
  const recording = recordingSources({
    evidence: registrySource({ fetch: registry.fetch }),
    context: contextFromObjects([looksLikeBytes]),
    keys: kmsKeys(),
    trust: trustRoots({ json: '{"mediaType":"x"}' }),
  });
  const seen = await everything(recording.sources);
  registry.forgetRequests();
  expect(await everything(replaySources(recording.text()))).toEqual(seen);
  expect(registry.requests).toEqual([]);
});

test.each(["attestationTag", "manifest"] as const)("bytes come back as bytes: %s", async (kind) => {
  const registry = await fixtureRegistry("referrers", { host: "r.example" });
  const { sources, text } = recordingSources({ evidence: registrySource({ fetch: registry.fetch }) });
  const digest = await digestAt(sources.evidence, "r.example/acme/key-att3:v1");
  const lookup = { kind, repository: "r.example/acme/key-att3", digest };
  const first = await ask(sources.evidence, lookup);
  const second = await ask(replaySources(text()).evidence, lookup);
  expect(first.ok).toBe(true);
  expect(second.ok && second.value).toEqual(first.ok && first.value);
});

test("what was never asked is unavailable, how an image was written does not matter, who asks does", async () => {
  const registry = await fixtureRegistry("referrers", { host: "r.example" });
  const { sources, text } = recordingSources({ evidence: registrySource({ fetch: registry.fetch }) });
  const image = parseImageReference("r.example/acme/key-ecdsa:v1");
  await ask<"digest">(sources.evidence, { kind: "digest", image });
  const { evidence } = replaySources(text());
  const access = {
    allowInsecureRegistry: false,
    providers: [],
    pullSecrets: [{ namespace: "a", name: "b" }],
  };
  expect(summary(await ask<"digest">(evidence, { kind: "digest", image: { ...image, text: "other" } }))).toBe(
    "digest",
  );
  expect(summary(await ask<"digest">(evidence, { kind: "digest", image, access }))).toBe("unavailable");
  expect(summary(await ask<"digest">(evidence, { kind: "digest", image: { ...image, tag: "v2" } }))).toBe(
    "unavailable",
  );
});

test.each([
  "",
  "{}",
  '{"version":2,"answers":[]}',
  '{"version":1,"answers":[{}]}',
  '{"version":1,"answers":[{"lookup":{"kind":"referrers"},"answer":{"ok":true,"value":{"candidates":[{"kind":"bundle","bytes":"x"}]}}}]}',
])("%j is no record", (text) => {
  expect(() => replaySources(text)).toThrow("no record of answers");
});
