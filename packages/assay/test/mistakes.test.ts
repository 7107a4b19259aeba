import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey } from "@assay/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ROOT, runCli } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const { pem } = createKey();
const POD = "apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [] }\n";
const POLICY = "examples/policies/verify-image-signature.yaml";
let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-mistakes-"));
});
afterAll(() => rm(cwd, { recursive: true }));

async function given(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(cwd, name), content);
  return name;
}

function utf16(text: string): Buffer {
  return Buffer.from(`\ufeff${text}`, "utf16le");
}

test.each<[string, string | Buffer, string]>([
  ["a private key", pem.replaceAll("PUBLIC", "PRIVATE"), "that is a private key"],
  ["a certificate", pem.replaceAll("PUBLIC KEY", "CERTIFICATE"), "give it as --certificate"],
  ["a key of SSH", "ssh-ed25519 AAAA me@here", "that is a key of SSH"],
  ["the beginning of a key", pem.slice(0, 90), "it is damaged or cut off"],
  ["nothing", "", "as cosign generate-key-pair writes cosign.pub"],
  ["UTF-16", utf16(pem), "save it as UTF-8"],
])("--key with %s instead of a public key is told what it is", async (_, content, said) => {
  const key = await given("given.pub", content);
  const { status, err } = await runHere(["verify", "registry.invalid/app:v1", "--key", key], { cwd });
  expect(err).toContain("`given.pub`");
  expect(err).toContain(said);
  expect(status).toBe(2);
});

test("a Pod that hides in the `items` of another object is no part of it: kubectl would apply it", async () => {
  const items = POD.replace(/^/gm, "  ").replace("  apiVersion", "- apiVersion");
  const hidden = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: innocent }\nitems:\n${items}`;
  const file = await given("hidden.yaml", hidden.trimEnd());
  const { status, err } = await runHere(["apply", join(ROOT, POLICY), "--resource", file], { cwd });
  expect(err).toContain(
    "`hidden.yaml` is a `ConfigMap` with `items`, of which kubectl would apply those alone",
  );
  expect(status).toBe(2);
});

test.each<[string, Buffer, string]>([
  ["UTF-16", utf16(POD), "it is UTF-16, as `>` of Windows PowerShell writes it"],
  ["Latin-1", Buffer.from(POD.replace("web", "wéb"), "latin1"), "save it as UTF-8"],
])("a resource in %s is refused, not read otherwise", async (_, content, said) => {
  const policies = join(ROOT, POLICY);
  const file = await given("pod.yaml", content);
  const { status, err } = await runHere(["apply", policies, "--resource", file], { cwd });
  expect(err).toContain("`pod.yaml` is not UTF-8 text");
  expect(err).toContain(said);
  expect(status).toBe(2);
});

test("a byte order mark and the line ends of Windows change nothing", async () => {
  const key = await given("windows.pub", `\ufeff${pem.replaceAll("\n", "\r\n")}`);
  const args = ["verify", "registry.example.com/acme/unsigned:v1", "--key", key, "--layout"];
  const { out } = await runHere([...args, join(ROOT, "examples/testdata/cosign-images")], { cwd });
  expect(out).toContain("notSigned");
});

test.each<[string, string, string]>([
  ["is not there", "nowhere", "there is no OCI layout at"],
  ["holds something else", ".", "is no OCI layout: it has no `index.json`"],
  ["is a file that is no tar file", "given.pub", "given.pub`"],
])("a --layout that %s is wrong usage, not a verdict", async (_, layout, said) => {
  await given("given.pub", pem);
  await given("pod.yaml", POD);
  const image = "registry.example.com/app:v1";
  const policies = join(ROOT, POLICY);
  const commands = [
    ["apply", policies, "--resource", "pod.yaml"],
    ["plan", policies, "--resource", "pod.yaml"],
    ["scan", policies, "--resource", "pod.yaml"],
    ["digest", image],
    ["verify", image, "--key", "given.pub"],
  ];
  for (const command of commands) {
    const { status, out, err } = await runHere([...command, "--layout", layout], { cwd });
    expect(err).toContain(`--layout \`${layout}\` cannot be read: `);
    expect(err).toContain(said);
    expect(out).toBe("");
    expect(status).toBe(2);
  }
});

test("standard input that holds nothing is called so", async () => {
  const { err } = await runHere(["apply", POLICY, "--resource", "-"]);
  expect(err).toContain("standard input holds no object");
});

test("standard input can be named once", async () => {
  const { status, err } = await runCli(["apply", "-", "--resource", "-"], {
    stdin: readFileSync(join(ROOT, POLICY), "utf8"),
  });
  expect(err).toContain("standard input is named twice");
  expect(status).toBe(2);
});

test.skipIf(!existsSync("/dev/full"))(
  "output that can't be written is no decision: exit status 2",
  async () => {
    const full = openSync("/dev/full", "w");
    const cli = join(ROOT, "packages/assay/src/cli.ts");
    const child = spawn(process.execPath, ["--conditions=assay:source", cli, "--help"], {
      stdio: ["ignore", full, "pipe"],
    });
    closeSync(full);
    let err = "";
    child.stderr?.on("data", (chunk) => {
      err += chunk;
    });
    const [status] = await once(child, "close");
    expect(err).toContain("assay: standard output could not be written: ENOSPC");
    expect(status).toBe(2);
  },
);
