import { parseImageReference } from "@assay/image";
import { givenCredentials } from "@assay/sources/credentials";
import { type RegistryFetchOptions, registryFetch, registrySource } from "@assay/sources/registry";
import { rekorLogs } from "@assay/sources/rekor";
import { createRegistry, hostFetch } from "@assay/testkit";
import { describe, expect, test } from "vitest";
import { secureContextsOf } from "../src/registry/registry-fetch.ts";
import { ask, summary } from "./fixtures.ts";

// A host may be written in several ways. Settings mean the host, and one that can never match is refused.

const login = { username: "robot", password: "s3cret" };
const robot = { kind: "basic", ...login } as const;

function registryAt(host: string) {
  const registry = createRegistry({ host, auth: { kind: "basic", ...login } });
  const config = registry.pushBlob("team/app", "{}");
  registry.pushManifest("team/app", { schemaVersion: 2, config, layers: [] }, { tag: "v1" });
  return registry;
}

describe("an image's registry is found, and its credentials, however it is written", () => {
  test.each([
    ["r.example:5000", "r.example:05000", "r.example:5000"],
    ["r.example", "r.example:0443", "r.example:443"],
    ["r.example", "R.Example", "r.example"],
    ["r.example:5000", "r.example:5000", "R.example:005000"],
    ["[2001:db8::1]:5000", "[2001:DB8:0:0:0:0:0:1]:5000", "[2001:db8::1]:5000"],
    ["[2001:db8::1]", "[2001:db8::1]", "https://[2001:0db8::0001]"],
    ["registry-1.docker.io", "Docker.io", "index.docker.io"],
  ])("%s as %s, with the credentials of %s", async (host, written, key) => {
    const source = registrySource({
      fetch: hostFetch({ [host]: registryAt(host).handle }),
      credentials: [givenCredentials({ [key]: robot })],
      retry: { attempts: 1 },
    });
    const image = parseImageReference(`${written}/team/app:v1`);
    expect(summary(await ask(source, { kind: "digest", image }))).toBe("digest");
  });

  test.each(["r.example:99999", "[1:2]", "[::1::2]"])("%s is none", async (written) => {
    const source = registrySource({ fetch: hostFetch({}), retry: { attempts: 1 } });
    const image = parseImageReference(`${written}/team/app:v1`);
    expect(summary(await ask(source, { kind: "digest", image }))).toBe("malformed");
  });
});

test.each([
  ["plain.example", "Plain.Example", "http:"],
  ["plain.example", "plain.example:80", "http:"],
  ["plain.example:80", "plain.example", "http:"],
  ["plain.example:05000", "plain.example:5000", "http:"],
  ["plain.example:443", "plain.example", "https:"],
  ["plain.example:5000", "plain.example", "https:"],
])("%s is asked, where `insecureHosts` has %s, by %s", async (written, insecure, protocol) => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(new URL(input instanceof Request ? input.url : input).protocol);
    return new Response(null, { status: 404 });
  };
  const source = registrySource({ fetch, insecureHosts: [insecure], retry: { attempts: 1 } });
  await ask(source, { kind: "digest", image: parseImageReference(`${written}/team/app:v1`) });
  expect(asked).toEqual([protocol]);
});

test.each([
  ["r.example/team", "R.Example"],
  ["r.example", "r.example:0443"],
  ["R.example:05000", "r.example:5000"],
  ["docker.io/team", "index.docker.io"],
])("a mirror of %s that alone may be asked stands for %s", async (prefix, written) => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(new URL(input instanceof Request ? input.url : input).host);
    return new Response(null, { status: 404 });
  };
  const location = prefix.includes("/") ? "mirror.example/team" : "mirror.example";
  const source = registrySource({
    fetch,
    mirrors: [{ prefix, location, only: true }],
    retry: { attempts: 1 },
  });
  await ask(source, { kind: "digest", image: parseImageReference(`${written}/team/app:v1`) });
  expect(asked).toEqual(["mirror.example"]);
});

test.each([
  ["docker.io", "mirror.example/hub", "nginx", "/v2/hub/library/nginx/manifests/v1"],
  ["docker.io/library", "mirror.example/official", "nginx", "/v2/official/nginx/manifests/v1"],
  ["docker.io/nginx", "mirror.example/nginx", "docker.io/library/nginx", "/v2/nginx/manifests/v1"],
  ["docker.io/nginx", "mirror.example/nginx", "nginx", "/v2/nginx/manifests/v1"],
  ["docker.io/acme", "mirror.example/acme", "acme/app", "/v2/acme/app/manifests/v1"],
  ["docker.io/", "mirror.example/hub/", "nginx", "/v2/hub/library/nginx/manifests/v1"],
])("a mirror of %s at %s has %s at %s", async (prefix, location, written, path) => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(new URL(input instanceof Request ? input.url : input).pathname);
    return new Response(null, { status: 404 });
  };
  const source = registrySource({
    fetch,
    mirrors: [{ prefix, location, only: true }],
    retry: { attempts: 1 },
  });
  await ask(source, { kind: "digest", image: parseImageReference(`${written}:v1`) });
  expect(asked).toEqual([path]);
});

describe("TLS settings of one host", () => {
  const contexts = (hosts: RegistryFetchOptions["hosts"]) => {
    const contextFor = secureContextsOf(registryFetch({ hosts: hosts ?? {} }));
    if (contextFor === undefined) throw new Error("no contexts");
    return contextFor;
  };

  test.each(["r.example", "r.example:443", "R.Example:0443"])("count where they are given for %s", (key) => {
    const contextFor = contexts({ [key]: {} });
    expect(contextFor("r.example")).not.toBe(contextFor("other.example"));
    expect(contextFor("r.example:8443")).toBe(contextFor("other.example"));
  });

  test("are given once", () => {
    expect(() => contexts({ "r.example": {}, "r.example:443": {} })).toThrow(
      "`hosts` names `r.example:443` twice",
    );
  });
});

describe("a host that is none is refused where it is given", () => {
  const none = "https://r.example/";
  test.each<[string, () => unknown]>([
    ["hosts", () => registryFetch({ hosts: { [none]: {} } })],
    ["insecureHosts", () => registrySource({ insecureHosts: [none] })],
    ["tlsHosts", () => registrySource({ tlsHosts: [none] })],
    ["allowPrivateHosts", () => registrySource({ allowPrivateHosts: [none] })],
    ["tokenHosts", () => registrySource({ tokenHosts: { [none]: [] } })],
    ["tokenHosts", () => registrySource({ tokenHosts: { "r.example": [none] } })],
    ["mirrors", () => registrySource({ mirrors: [{ prefix: none, location: "m.example", only: true }] })],
    ["mirrors", () => registrySource({ mirrors: [{ prefix: "", location: "m.example", only: true }] })],
    ["mirrors", () => registrySource({ mirrors: [{ prefix: "r.example", location: none }] })],
    ["insecureHosts", () => rekorLogs({ insecureHosts: [none] })],
  ])("%s", (option, use) => {
    expect(use).toThrow(
      expect.objectContaining({ code: "misuse", message: expect.stringContaining(`\`${option}\``) }),
    );
  });
});
