import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DockerConfigOptions, dockerConfigCredentials } from "@assay/sources/credentials";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "assay-docker-config-"));
});
afterEach(() => rm(home, { recursive: true }));

async function put(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), typeof content === "string" ? content : JSON.stringify(content));
}

function find(options: DockerConfigOptions, registry = "r.example", repository = "team/app") {
  const { signal } = new AbortController();
  return dockerConfigCredentials(options).find({ registry, repository, access: undefined }, { signal });
}

const basic = (username: string, password: string) => ({ kind: "basic", username, password });
const encoded = (pair: string) => ({ auth: Buffer.from(pair).toString("base64") });

describe("the logins that count are", () => {
  const loginOf = (username: string) => ({ auths: { "r.example": { username, password: "p" } } });
  const places = {
    ".docker/config.json": "home",
    "docker/config.json": "DOCKER_CONFIG",
    "podman.json": "REGISTRY_AUTH_FILE",
    "run/containers/auth.json": "XDG_RUNTIME_DIR",
  };

  test.each<[string, (keyof typeof places)[], string[], string]>([
    ["docker's, where HOME has them", [".docker/config.json"], [], "home"],
    [
      "docker's, where DOCKER_CONFIG says",
      ["docker/config.json", ".docker/config.json"],
      ["docker"],
      "DOCKER_CONFIG",
    ],
    ["docker's before podman's", [".docker/config.json", "podman.json"], ["podman"], "home"],
    [
      "podman's, where REGISTRY_AUTH_FILE says",
      ["podman.json", "run/containers/auth.json"],
      ["podman", "run"],
      "REGISTRY_AUTH_FILE",
    ],
    ["podman's, where it writes them", ["run/containers/auth.json"], ["podman", "run"], "XDG_RUNTIME_DIR"],
  ])("%s", async (_name, files, named, username) => {
    for (const file of files) await put(file, loginOf(places[file]));
    const env = {
      HOME: home,
      ...(named.includes("docker") ? { DOCKER_CONFIG: join(home, "docker") } : {}),
      ...(named.includes("podman") ? { REGISTRY_AUTH_FILE: join(home, "podman.json") } : {}),
      ...(named.includes("run") ? { XDG_RUNTIME_DIR: join(home, "run") } : {}),
    };
    expect(await find({ env })).toMatchObject({ credential: basic(username, "p") });
  });

  test("nobody's where there is none, and where one cannot be read it is not passed over", async () => {
    const podman = { REGISTRY_AUTH_FILE: join(home, "podman.json") };
    const env = { HOME: home, ...podman };
    expect(await find({ env })).toEqual({ reason: "there is no `~/.docker/config.json`" });
    await put("podman.json", loginOf("podman"));
    await put(".docker/config.json", "username: me");
    await expect(find({ env })).rejects.toThrow(/config\.json` is no JSON object$/);
    await expect(find({ path: home })).rejects.toThrow(/cannot be read: /);
  });
});

test.each<[string, string, object, object | undefined]>([
  ["a user and a password", "r.example", { "r.example": { username: "u", password: "p" } }, basic("u", "p")],
  [
    "both in one text, the password with a colon",
    "r.example",
    { "r.example": encoded("u:p:q") },
    basic("u", "p:q"),
  ],
  [
    "a user beside that text",
    "r.example",
    { "r.example": { ...encoded("a:b"), username: "u" } },
    basic("u", "b"),
  ],
  ["a text without a colon", "r.example", { "r.example": encoded("nonsense") }, undefined],
  ["a password alone", "r.example", { "r.example": encoded(":p") }, basic("", "p")],
  ["a user alone", "r.example", { "r.example": encoded("u:") }, basic("u", "")],
  ["nothing, since a store has it", "r.example", { "r.example": {} }, undefined],
  ["no object", "r.example", { "r.example": "u:p" }, undefined],
  [
    "an identity token",
    "r.example",
    { "r.example": { ...encoded("u:p"), identitytoken: "t" } },
    { kind: "identityToken", token: "t" },
  ],
  [
    "a registry token",
    "r.example",
    { "r.example": { identitytoken: "i", registrytoken: "t" } },
    { kind: "bearer", token: "t" },
  ],
  [
    "Docker Hub's login under its old address",
    "docker.io",
    { "https://index.docker.io/v1/": encoded("u:p") },
    basic("u", "p"),
  ],
  ["another host's login for Docker Hub", "docker.io", { "r.example": encoded("u:p") }, undefined],
  [
    "Docker Hub's login for another host",
    "r.example",
    { "https://index.docker.io/v1/": encoded("u:p") },
    undefined,
  ],
  ["a repository's own path", "r.example", { "r.example/team/app": encoded("u:p") }, basic("u", "p")],
  [
    "another host beside ours",
    "r.example",
    { "a.example": encoded("a:b"), "r.example": encoded("u:p") },
    basic("u", "p"),
  ],
  ["a pattern inside a label", "axb.example", { "a*b.example": encoded("u:p") }, basic("u", "p")],
  [
    "a pattern whose star stands for nothing",
    "ab.example",
    { "a*b.example": encoded("u:p") },
    basic("u", "p"),
  ],
  ["a pattern that begins otherwise", "xb.example", { "a*b.example": encoded("u:p") }, undefined],
  ["a pattern that ends otherwise", "axc.example", { "a*b.example": encoded("u:p") }, undefined],
  ["a pattern whose ends overlap", "aba.example", { "aba*ba.example": encoded("u:p") }, undefined],
  ["a pattern of two stars in a label", "axb.example", { "a*x*b.example": encoded("u:p") }, undefined],
  [
    "a pattern and the host itself",
    "r.example",
    { "*.example": encoded("a:b"), "r.example": encoded("u:p") },
    basic("u", "p"),
  ],
])("an entry with %s (%s)", async (_name, registry, auths, credential) => {
  await put("config.json", { auths });
  expect((await find({ path: join(home, "config.json") }, registry)).credential).toEqual(credential);
});

test.each(["a list", 7, null])("`auths` that are %j hold no login", async (auths) => {
  await put("config.json", { auths });
  expect(await find({ path: join(home, "config.json") })).toEqual({
    reason: expect.stringMatching(/^`.*config\.json` has no login for `r\.example`$/),
  });
});

describe("a helper", () => {
  const helper = '#!/bin/sh\nread -r server\nprintf \'{"Username":"%s","Secret":"s"}\' "$server"\n';
  const auths = { "r.example": encoded("u:p") };

  test.each<[string, string, object, object]>([
    [
      "for a registry is asked by its name",
      "r.example",
      { credHelpers: { "r.example": "test" } },
      basic("r.example", "s"),
    ],
    [
      "for Docker Hub is asked by its old address",
      "docker.io",
      { credHelpers: { "docker.io": "test" } },
      basic("https://index.docker.io/v1/", "s"),
    ],
    [
      "for Docker Hub's old address, too",
      "docker.io",
      { credHelpers: { "https://index.docker.io/v1/": "test" } },
      basic("https://index.docker.io/v1/", "s"),
    ],
    ["for all comes before `auths`", "r.example", { credsStore: "test", auths }, basic("r.example", "s")],
    [
      "for another registry is not asked",
      "r.example",
      { credHelpers: { "a.example": "test" }, auths },
      basic("u", "p"),
    ],
    ["that is no name is none", "r.example", { credHelpers: { "r.example": 7 }, auths }, basic("u", "p")],
    ["without a name is none", "r.example", { credsStore: "", auths }, basic("u", "p")],
  ])("%s", async (_name, registry, config, credential) => {
    await put("docker-credential-test", helper);
    await chmod(join(home, "docker-credential-test"), 0o755);
    await put("config.json", config);
    const env = { PATH: `${home}:${process.env["PATH"]}` };
    expect(await find({ path: join(home, "config.json"), env }, registry)).toMatchObject({ credential });
  });
});
