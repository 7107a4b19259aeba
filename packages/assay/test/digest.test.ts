import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey, createRegistry, image, type Registry, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { runCli } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let registry: Registry;
let server: RunningServer;
let digest = "";
const key = createKey();

beforeAll(async () => {
  registry = createRegistry();
  ({ digest } = image({ repository: "acme/app", tag: "v1" }).pushTo(registry));
  image({ repository: "acme/signed" }).signedBy(key).pushTo(registry);
  server = await registry.listen();
});
afterAll(() => server.close());

test("digest prints what a tag points to", async () => {
  const { status, out } = await runCli(["digest", `${server.host}/acme/app:v1`]);
  expect(out).toBe(`${digest}\n`);
  expect(status).toBe(0);
});

test("digest --output json names the image too", async () => {
  const image = `${server.host}/acme/app:v1`;
  const { out } = await runCli(["digest", image, "--output", "json"]);
  expect(JSON.parse(out)).toEqual({ image, digest });
});

test("digest reads a layout without network", async () => {
  const layout = "examples/testdata/cosign-images";
  const { status, out } = await runCli(["digest", "registry.invalid/acme/unsigned:v1", "--layout", layout]);
  expect(out).toBe("sha256:d6082b56718302276dbebca0332e81e61b68cd79050671111710e374a7b28e0c\n");
  expect(status).toBe(0);
});

test.each([
  ["acme/app:v9", 1, "v9"],
  ["acme/App:v1", 2, "App"],
  ["acme/app:v1@sha256:abc", 2, "sha256:abc"],
])("digest of %s exits %d", async (name, expected, said) => {
  const { status, err } = await runCli(["digest", `${server.host}/${name}`]);
  expect(err).toContain(said);
  expect(err).not.toContain("    at ");
  expect(status).toBe(expected);
});

test("a --cache-dir that cannot be written is said once, and changes nothing else", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "assay-cache-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, "a-file"), "");
  await writeFile(join(cwd, "cosign.pub"), key.pem);
  const images = [`${server.host}/acme/app:v1`, `${server.host}/acme/signed:v1`];
  const flags = ["--key", "cosign.pub", "--insecure-ignore-tlog", "--cache-dir", "a-file/cache"];
  const { status, out, err } = await runHere(["verify", ...images, ...flags], { cwd });
  expect(err).toMatch(/^warning: --cache-dir is of no use: ENOTDIR[^\n]*\n$/);
  expect(out).toMatch(/acme\/app:v1: denied[\s\S]*acme\/signed:v1: allowed/);
  expect(status).toBe(1);
});

test("--cache-dir keeps documents by digest, and a damaged one is not believed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "assay-cache-"));
  try {
    const args = [
      "verify",
      `${server.host}/acme/signed:v1`,
      "--insecure-ignore-tlog",
      "--cache-dir",
      directory,
    ];
    const before = registry.requests.length;
    const keyFile = join(directory, "cosign.pub");
    await writeFile(keyFile, key.pem);
    expect((await runHere([...args, "--key", keyFile])).status).toBe(0);
    const first = registry.requests.length - before;
    expect((await runHere([...args, "--key", keyFile])).status).toBe(0);
    const second = registry.requests.length - before - first;
    expect(second).toBeLessThan(first);
    for (const file of await readdir(join(directory, "sha256"), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) await writeFile(join(file.parentPath, file.name), "damaged");
    }
    expect((await runHere([...args, "--key", keyFile])).status).toBe(0);
    expect(registry.requests.length - before - first - second).toBeGreaterThan(second);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("a token server of another domain gets credentials where --token-host names it", async () => {
  const seen: (string | undefined)[] = [];
  const tokens = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.end(JSON.stringify({ token: "t" }));
  });
  await once(tokens.listen(0, "127.0.0.2"), "listening");
  onTestFinished(() => void tokens.close());
  const host = `127.0.0.2:${(tokens.address() as AddressInfo).port}`;
  const guarded = createServer(({ headers }, response) => {
    const isLoggedIn = headers.authorization === "Bearer t";
    const challenge = `Bearer realm="http://${host}/token",service="registry"`;
    response.writeHead(isLoggedIn ? 404 : 401, isLoggedIn ? {} : { "www-authenticate": challenge }).end();
  });
  await once(guarded.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void guarded.close());
  const cwd = await mkdtemp(join(tmpdir(), "assay-token-host-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const guardedHost = `127.0.0.1:${(guarded.address() as AddressInfo).port}`;
  const login = { username: "robot", password: "s3cret" };
  await writeFile(join(cwd, "config.json"), JSON.stringify({ auths: { [guardedHost]: login } }));
  const args = ["digest", `${guardedHost}/acme/app:v1`, "--registry-config", join(cwd, "config.json")];
  const flags = ["--allow-private-host", host];
  const refused = await runHere([...args, ...flags], { cwd });
  expect(refused.err).toContain("`--token-host REGISTRY=HOST` or `tokenHosts` allows it");
  expect(seen).toEqual([]);
  const asked = await runHere([...args, ...flags, "--token-host", `${guardedHost}=${host}`], { cwd });
  expect(asked.err).toContain("does not exist");
  expect(seen).toEqual([`Basic ${Buffer.from("robot:s3cret").toString("base64")}`]);
  for (const typo of [host, `${guardedHost}=http://${host}`])
    expect((await runHere([...args, "--token-host", typo], { cwd })).err).toContain("--token-host");
});

test("a token server on a private network is asked where --allow-private-host names it", async () => {
  const tokens = createServer((_, response) => void response.end(JSON.stringify({ token: "t" })));
  await once(tokens.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void tokens.close());
  const address = tokens.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const guarded = createServer(({ headers }, response) => {
    const isLoggedIn = headers.authorization === "Bearer t";
    const challenge = `Bearer realm="http://${host}/token",service="registry"`;
    response.writeHead(isLoggedIn ? 404 : 401, isLoggedIn ? {} : { "www-authenticate": challenge }).end();
  });
  await once(guarded.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void guarded.close());
  const bound = guarded.address();
  const name = `127.0.0.1:${typeof bound === "object" ? bound?.port : ""}/acme/app:v1`;
  const refused = await runHere(["digest", name]);
  expect(refused.err).toContain("that is a private address; if it is meant, `--allow-private-host`");
  expect(refused.status).toBe(2);
  const asked = await runHere(["digest", name, "--allow-private-host", host]);
  expect(asked.err).toContain("does not exist");
  expect(asked.status).toBe(1);
  const typo = await runHere(["digest", name, "--allow-private-host", `http://${host}`]);
  expect(typo.err).toContain("is not a host");
});
