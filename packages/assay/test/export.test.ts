import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createRegistry, loadLayout, type Registry, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { ROOT } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

let directory = "";
let registry: Registry;
let server: RunningServer;
let policy = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-export-"));
  registry = createRegistry();
  await loadLayout(`${ROOT}examples/testdata/cosign-images`, registry);
  server = await registry.listen();
  policy = join(directory, "policy.yaml");
  const text = await readFile(`${ROOT}examples/policies/made-by-cosign.yaml`, "utf8");
  await writeFile(policy, text.replaceAll("registry.example.com", server.host));
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

const TRUST = ["--trusted-root", "examples/testdata/cosign-trusted-root.json"];

function pod(name: string): string {
  const spec = { containers: [{ name: "app", image: `${server.host}/acme/${name}:v1` }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
}

test("a relative --out is where the command is run", async () => {
  const cwd = join(directory, "elsewhere");
  await mkdir(cwd);
  const { err, status } = await runHere(
    [
      ...["export", `${server.host}/acme/key-att3:v1`, "--policy", policy, "--out", "layout"],
      ...["--trusted-root", resolve(ROOT, "examples/testdata/cosign-trusted-root.json")],
    ],
    { cwd },
  );
  expect({ err, status }).toEqual({ err: "", status: 0 });
  expect(await readdir(join(cwd, "layout"))).toContain("index.json");
});

test("what was exported decides as the registry did, keyless too, with the registry gone", async () => {
  const out = join(directory, "layout");
  const names = ["key-att3", "kl-att3", "kl-evil", "unsigned"];
  const stdin = names.map(pod).join("\n---\n");
  const exported = await runHere(["export", "--policy", policy, "-r", "-", "--out", out, ...TRUST], {
    stdin,
  });
  expect(exported.err).toBe("");
  expect(exported.out).toContain(`offline, ${server.host}/acme/kl-att3:v1 is allowed`);
  expect(exported.out).toContain(`offline, ${server.host}/acme/kl-evil:v1 is denied`);
  expect(exported.out).toContain("what expires:");
  expect(exported.status).toBe(0);

  const online = await runHere(["apply", policy, "-r", "-", ...TRUST, "--output", "json"], { stdin });
  const before = registry.requests.length;
  // The exported trust root is found without a flag.
  const offline = await runHere(["apply", policy, "-r", "-", "--layout", out, "--output", "json"], { stdin });
  const decisions = (text: string): unknown =>
    JSON.parse(text).verdicts.map((verdict: { allowed: boolean; results: { code: string }[] }) => [
      verdict.allowed,
      verdict.results.map(({ code }) => code),
    ]);
  expect(decisions(offline.out)).toEqual(decisions(online.out));
  expect(registry.requests.length).toBe(before);
});

test("images by name, without a trust root", async () => {
  const out = join(directory, "plain");
  const { status, out: said } = await runHere([
    "export",
    `${server.host}/acme/key-att3:v1`,
    "--out",
    out,
    "--no-trust-root",
  ]);
  expect(said).toContain("1 signatures, 3 attestations");
  expect(await readdir(out)).not.toContain("trusted_root.json");
  expect(status).toBe(0);
  const flags = ["--key", "examples/testdata/cosign.pub", "--insecure-ignore-tlog", "--layout", out];
  expect((await runHere(["verify", `${server.host}/acme/key-att3:v1`, ...flags])).status).toBe(0);
});

test("--timeout ends the offline check of a policy whose key store never answers", async () => {
  const vault = createServer(() => undefined);
  await once(vault.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    vault.closeAllConnections();
    vault.close();
  });
  const { port } = vault.address() as AddressInfo;
  vi.stubEnv("VAULT_ADDR", `http://127.0.0.1:${port}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const keys = { kms: "hashivault://cosign", rekor: { ignoreTlog: true } };
  const verifyImages = [{ imageReferences: ["*"], attestors: [{ entries: [{ keys }] }] }];
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  const waiting = join(directory, "waiting.json");
  await writeFile(
    waiting,
    JSON.stringify({
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name: "waiting" },
      spec: { rules: [{ name: "check", match, verifyImages }] },
    }),
  );
  const image = `${server.host}/acme/key-att3:v1`;
  const out = join(directory, "late");
  const flags = ["--policy", waiting, "--out", out, "--no-trust-root", "--timeout", "0.05"];
  const { status, out: said } = await runHere(["export", image, ...flags]);
  expect(said).toContain(`offline, ${image} is undecided`);
  expect(said).toContain("no answer within 0.05 s");
  expect(status).toBe(2);
});

test.each<[string, string[], string]>([
  ["no image", [], "there is no image to export"],
  ["an image that does not exist", ["HOST/acme/missing:v1"], "does not exist"],
  ["a layout as source", ["HOST/acme/key-att3:v1", "--layout", "x"], "unknown option '--layout'"],
  [
    "resources without policies",
    ["--resource", "examples/03-policy-tests/pods.yaml"],
    "--resource needs --policy",
  ],
])("%s exits 2", async (_, args, said) => {
  const named = args.map((arg) => arg.replace("HOST", server.host));
  const { status, err } = await runHere(["export", ...named, "--out", join(directory, "bad"), ...TRUST]);
  expect(err).toContain(said);
  expect(err).not.toContain("    at ");
  expect(status).toBe(2);
});
