import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseDigest, parseImageReference } from "@assay/image";
import { contextFromObjects } from "@assay/sources/cluster";
import { pullSecretCredentials } from "@assay/sources/credentials";
import { registrySource } from "@assay/sources/registry";
import { createRegistry } from "@assay/testkit";
import { expect, test } from "vitest";
import { ask, summary } from "./fixtures.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function megabytesInUse(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}

/** Half a megabyte of text that no other call gives. */
function longName(of: number): string {
  return `${of}-`.padEnd(512 * 1024, "x");
}

test.each([
  ["that wants a password and has no referrers API", { auth: { kind: "basic" }, referrersApi: false }],
  ["that gives tokens and has a referrers API", { auth: { kind: "bearer" }, referrersApi: true }],
] as const)(
  "Pods whose pull secrets have half a megabyte of names do not fill the memory, at a registry %s",
  async (_, { auth, referrersApi }) => {
    const login = { username: "robot", password: "secret" };
    const registry = createRegistry({ host: "r.example", referrersApi, auth: { ...auth, ...login } });
    const config = registry.pushBlob("app", "{}");
    const layers = [config];
    const { digest } = registry.pushManifest("app", { schemaVersion: 2, config, layers }, { tag: "v1" });
    const stringData = { ".dockerconfigjson": JSON.stringify({ auths: { "r.example": login } }) };
    const metadata = { namespace: "shop", name: "pull" };
    const type = "kubernetes.io/dockerconfigjson";
    const context = contextFromObjects([{ apiVersion: "v1", kind: "Secret", metadata, type, stringData }]);
    const source = registrySource({
      fetch: registry.fetch,
      listingTtlMs: 60_000,
      credentials: [pullSecretCredentials(context)],
    });
    const asks = async (of: number): Promise<void> => {
      // Those that are not there come first, as they do for who wants much to be said of them.
      const pullSecrets = [{ namespace: "shop", name: longName(of) }, metadata];
      const access = { allowInsecureRegistry: false, providers: [], pullSecrets };
      const about = { repository: "r.example/app", digest: parseDigest(digest), access };
      const image = parseImageReference("r.example/app:v1");
      expect(summary(await ask(source, { kind: "digest", image, access }))).toBe("digest");
      expect(summary(await ask(source, { kind: "signatureTag", ...about }))).toBe("nothing");
      const listed = summary(await ask(source, { kind: "referrers", ...about }));
      expect(listed).toBe(referrersApi ? "nothing" : "unsupported");
    };
    await asks(0);
    const before = megabytesInUse();
    for (let of = 1; of <= 16; of++) await asks(of);
    expect(megabytesInUse() - before).toBeLessThan(8);
    // Until here, so that it is all still held.
    await asks(0);
  },
);
