import { layoutSource } from "@assay/sources/layout";
import { registrySource } from "@assay/sources/registry";
import type { RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry, layouts, summary } from "./fixtures.ts";

// What the fixture images carry: repository → `.sig`, `.att`, referrers API (layout `referrers`), fallback tag (layout `tags`).
const carried = [
  ["unsigned", "nothing", "nothing", "nothing", "nothing"],
  ["key-ecdsa", "legacy", "nothing", "nothing", "nothing"],
  ["key-two", "legacy legacy", "nothing", "nothing", "nothing"],
  ["key-att3", "legacy", "legacy legacy legacy", "nothing", "nothing"],
  ["bundle-ecdsa", "nothing", "nothing", "bundle", "bundle"],
  ["bundle-att3", "nothing", "nothing", "bundle bundle bundle bundle", "bundle bundle bundle bundle"],
  ["klb-sig", "nothing", "nothing", "bundle", "bundle"],
  ["kl-sig", "legacy", "nothing", "nothing", "nothing"],
  ["multi", "legacy", "legacy", "nothing", "nothing"],
] as const;

describe.each(["tags", "referrers"] as const)("fixture images behind a registry (%s)", (name) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await (await fixtureRegistry(name)).listen();
  });
  afterAll(() => server.close());

  test.each(carried)("%s carries .sig: %s, .att: %s", async (repository, sig, att, api, tag) => {
    const source = registrySource();
    const full = `${server.host}/acme/${repository}`;
    const about = { repository: full, digest: await digestAt(source, `${full}:v1`) };
    expect(summary(await ask<"signatureTag">(source, { kind: "signatureTag", ...about }))).toBe(sig);
    expect(summary(await ask<"attestationTag">(source, { kind: "attestationTag", ...about }))).toBe(att);
    expect(summary(await ask<"referrers">(source, { kind: "referrers", ...about }))).toBe(
      name === "tags" ? "unsupported" : api,
    );
    expect(summary(await ask<"referrersTag">(source, { kind: "referrersTag", ...about }))).toBe(
      name === "tags" ? tag : "nothing",
    );
  });

  test.each(carried)("the layout holds for %s what the registry answers", async (repository) => {
    const registry = registrySource();
    const layout = layoutSource({ path: layouts + name, registry: server.host });
    const full = `${server.host}/acme/${repository}`;
    const digest = await digestAt(registry, `${full}:v1`);
    expect(await digestAt(layout, `${full}:v1`)).toBe(digest);
    for (const kind of ["signatureTag", "attestationTag", "manifest"] as const) {
      const lookup = { kind, repository: full, digest };
      const [one, other] = await Promise.all([ask(registry, lookup), ask(layout, lookup)]);
      expect(valueIn(other)).toEqual(valueIn(one));
    }
  });
});

function valueIn(answer: { ok: boolean; value?: unknown }): unknown {
  return answer.ok ? answer.value : answer;
}

describe("requests", () => {
  test.each([
    ["legacy signature", "tags", "key-ecdsa", ["signatureTag", "referrers"], 3],
    ["legacy signature with the referrers API", "referrers", "key-ecdsa", ["signatureTag", "referrers"], 3],
    [
      "legacy signature and three attestations",
      "referrers",
      "key-att3",
      ["signatureTag", "attestationTag", "referrers"],
      7,
    ],
    ["bundle", "referrers", "bundle-ecdsa", ["signatureTag", "referrers"], 4],
    [
      "bundle behind the fallback tag",
      "tags",
      "bundle-ecdsa",
      ["signatureTag", "referrers", "referrersTag"],
      5,
    ],
    ["two signatures over one payload", "tags", "key-two", ["signatureTag"], 2],
    ["the manifest of an image", "tags", "key-two", ["manifest"], 1],
  ] as const)("%s, by digest", async (_, layout, repository, kinds, expected) => {
    const registry = await fixtureRegistry(layout);
    const server = await registry.listen();
    try {
      const full = `${server.host}/acme/${repository}`;
      const digest = await digestAt(registrySource(), `${full}:v1`);
      registry.forgetRequests();
      const source = registrySource();
      const answers = await Promise.all(kinds.map((kind) => ask(source, { kind, repository: full, digest })));
      expect(answers.every(({ ok }) => ok)).toBe(true);
      expect(registry.requests.map(({ path }) => path)).toHaveLength(expected);
      expect(new Set(registry.requests.map(({ path }) => path)).size).toBe(expected);
      expect(answers.reduce((sum, { requests }) => sum + (requests ?? 0), 0)).toBe(expected);
    } finally {
      await server.close();
    }
  });
});
