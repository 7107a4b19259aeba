import { createKey, createRegistry, type Fault, image, predicate, type Registry } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { engineOf, judgePod, keyYaml, type WorldOptions, world } from "./engine-world.ts";
import { type Judged, policyKey, sigstore } from "./world.ts";

const signed = image().signedBy(policyKey);

/** A signed image in a registry where something goes wrong. */
async function failing(
  effect: Fault["effect"],
  path: Fault["path"] & {} = /./,
  options: WorldOptions = {},
): Promise<Judged> {
  const registry = world();
  const pushed = signed.pushTo(registry);
  registry.inject({ path, effect });
  // A deadline only where one is waited for: on a slow machine it would pass before other answers come.
  const deadline = effect.kind === "hang" ? { timeoutMilliseconds: 100 } : {};
  return await judgePod(registry, pushed.byDigest, { ...deadline, ...options });
}

const status = (code: number): Fault["effect"] => ({ kind: "status", status: code });

describe("what could not be had", () => {
  abuseCases([
    ...[400, 401, 403, 405, 418, 429, 500, 502, 503, 599].map(
      (code): AbuseCase => ({
        name: `91 a registry that answers ${code} to everything`,
        judge: () => failing(status(code)),
        want: "error",
      }),
    ),
    ...[401, 403, 429, 500, 503].map(
      (code): AbuseCase => ({
        name: `91 a registry that answers ${code} for the signature's blob`,
        judge: () => failing(status(code), "/blobs/"),
        want: "error",
      }),
    ),
    ...[401, 403, 429, 500, 503].map(
      (code): AbuseCase => ({
        name: `91 a registry that answers ${code}, where the policy ignores failures`,
        judge: () => failing(status(code), /./, { failurePolicy: "Ignore" }),
        want: "error",
      }),
    ),
    {
      name: "91 a registry that never answers",
      judge: () => failing({ kind: "hang" }),
      want: "error",
      code: "timeout",
    },
    {
      name: "91 a registry that refuses connections",
      judge: () => failing({ kind: "disconnect" }),
      want: "error",
      code: "unavailable",
    },
    {
      name: "91 a registry that refuses connections, where the policy ignores failures",
      judge: () => failing({ kind: "disconnect" }, /./, { failurePolicy: "Ignore" }),
      want: "allowed",
    },
    {
      name: "91 an unsigned image, where the policy ignores failures",
      judge: async () => {
        const registry = world();
        return await judgePod(registry, image().pushTo(registry).byDigest, { failurePolicy: "Ignore" });
      },
      code: "notSigned",
    },
    {
      name: "91 a trust root that cannot be read",
      judge: async () => {
        const registry = world();
        const pushed = image().signedBy(sigstore.identity()).pushTo(registry);
        return await judgePod(registry, pushed.byDigest, { attestors: KEYLESS, trust: "not a trusted root" });
      },
      want: "error",
    },
    {
      name: "91 an image that does not exist",
      judge: async () => {
        const registry = world();
        signed.pushTo(registry);
        return await judgePod(registry, `${registry.host}/acme/app:none`);
      },
      code: "imageNotFound",
    },
    {
      name: "91 one of two images that cannot be asked about",
      judge: async () => {
        const registry = world();
        const pushed = signed.pushTo(registry);
        const other = image({ repository: "acme/other" }).signedBy(policyKey).pushTo(registry);
        registry.inject({ path: "/acme/other/", effect: status(500) });
        return await judgePod(registry, [pushed.byDigest, other.byDigest]);
      },
      want: "error",
    },
  ]);

  test("91 an aborted evaluation gives no verdict: error", async () => {
    const registry = world();
    const pushed = signed.pushTo(registry);
    registry.inject({ effect: { kind: "hang" } });
    const controller = new AbortController();
    const judged = judgePod(registry, pushed.byDigest, { signal: controller.signal });
    controller.abort(new Error("the server is shutting down"));
    await expect(judged).rejects.toThrow("the server is shutting down");
  });

  const KEYLESS = `{ keyless: { subject: "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main", issuer: "https://token.actions.githubusercontent.com", rekor: { url: "${sigstore.rekor.baseUrl}" } } }`;

  test("62 a log that would vouch for anything is not searched for a signature without an entry: denied", async () => {
    const registry = world();
    const pushed = image().signedBy(policyKey, { log: false }).pushTo(registry);
    const genuine = image({ content: "other" }).signedBy(policyKey, { log: sigstore.rekor }).artifacts;
    const rekor: Request[] = [];
    const { verdict, asked } = await judgePod(registry, pushed.byDigest, {
      attestors: `{ keys: { publicKeys: ${JSON.stringify(policyKey.pem)}, rekor: { url: "${sigstore.rekor.baseUrl}" } } }`,
      hosts: {
        [new URL(sigstore.rekor.baseUrl).host]: async (request) => {
          rekor.push(request);
          return Response.json([{ foreign: genuine }]);
        },
      },
    });
    expect(verdict.allowed).toBe(false);
    expect(verdict.results.map(({ code }) => code)).toEqual(["logMissing"]);
    expect(rekor).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(`https://${registry.host}/`))).toEqual([]);
  });

  test("64 nobody but the registry is asked, least of all the log: allowed", async () => {
    const registry = world();
    const pushed = image().signedBy(sigstore.identity()).pushTo(registry);
    const { verdict, asked } = await judgePod(registry, pushed.byDigest, { attestors: KEYLESS });
    expect(verdict.allowed).toBe(true);
    expect(asked.filter((url) => !url.startsWith(`https://${registry.host}/`))).toEqual([]);
  });
});

describe("what is remembered", () => {
  const BUILD = "https://example.org/build/v1";
  const attested = (version: string): string[] => [
    "attestations:",
    `  - type: ${BUILD}`,
    "    conditions:",
    `      - all: [{ key: "{{ version }}", operator: Equals, value: "${version}" }]`,
  ];

  test("92 a tag that points to another image since: denied", async () => {
    const registry = world();
    const pushed = signed.pushTo(registry);
    const evaluate = engineOf(registry);
    expect((await evaluate(pushed.reference)).outcome).toBe("allowed");
    image({ content: "evil" }).pushTo(registry);
    expect((await evaluate(pushed.reference)).outcome).toBe("denied");
  });

  test("92 the same image under another policy's key: denied", async () => {
    const registry = world();
    const pushed = signed.pushTo(registry);
    const attestors = `${keyYaml()}, ${keyYaml(createKey().pem)}`;
    expect((await judgePod(registry, pushed.byDigest)).outcome).toBe("allowed");
    expect((await judgePod(registry, pushed.byDigest, { attestors })).outcome).toBe("denied");
    const both = engineOf(registry, { attestors });
    expect((await both(pushed.byDigest)).outcome).toBe("denied");
    expect((await both(pushed.byDigest)).outcome).toBe("denied");
  });

  test("92 conditions are asked again of what was verified before: denied", async () => {
    const registry = world();
    const pushed = signed.attested(predicate(BUILD, { version: "1" })).pushTo(registry);
    expect((await judgePod(registry, pushed.byDigest, { entry: attested("1") })).outcome).toBe("allowed");
    const stricter = engineOf(registry, { entry: attested("2") });
    expect((await stricter(pushed.byDigest)).outcome).toBe("denied");
    expect((await stricter(pushed.byDigest)).outcome).toBe("denied");
  });

  test("92 an image that was signed since: allowed", async () => {
    const registry = world();
    const pushed = image().pushTo(registry);
    const evaluate = engineOf(registry);
    expect((await evaluate(pushed.byDigest)).outcome).toBe("denied");
    signed.pushTo(registry);
    expect((await evaluate(pushed.byDigest)).outcome).toBe("allowed");
  });

  test("92 a registry that failed and has recovered: allowed", async () => {
    const registry = world();
    const pushed = signed.pushTo(registry);
    const mend = registry.inject({ effect: status(500) });
    const evaluate = engineOf(registry);
    expect((await evaluate(pushed.byDigest)).outcome).toBe("error");
    mend();
    expect((await evaluate(pushed.byDigest)).outcome).toBe("allowed");
  });

  test("92 another trust root does not inherit what the first one proved: denied", async () => {
    const registry: Registry = world();
    const pushed = image().signedBy(sigstore.identity()).pushTo(registry);
    const attestors = `{ keyless: { subject: "*", issuer: "https://token.actions.githubusercontent.com", rekor: { url: "${sigstore.rekor.baseUrl}" } } }`;
    expect((await judgePod(registry, pushed.byDigest, { attestors })).outcome).toBe("allowed");
    const trust = sigstore.trustedRoot((root) => ({ ...root, tlogs: [] }));
    expect((await judgePod(registry, pushed.byDigest, { attestors, trust })).outcome).toBe("denied");
  });

  test("92 a signed image poisons nothing for another registry's image of the same name: denied", async () => {
    const evaluate = engineOf(world());
    const other = createRegistry({ host: "registry.example.com" });
    const pushed = signed.pushTo(other);
    expect((await judgePod(other, pushed.byDigest)).outcome).toBe("allowed");
    expect((await evaluate(pushed.byDigest)).outcome).not.toBe("allowed");
  });
});
