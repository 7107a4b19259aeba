import { createRegistry, image, type Registry, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "./run-cli.ts";

let registry: Registry;
let server: RunningServer;
let digest = "";

beforeAll(async () => {
  registry = createRegistry();
  ({ digest } = image({ repository: "acme/app", tag: "v1" }).pushTo(registry));
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
