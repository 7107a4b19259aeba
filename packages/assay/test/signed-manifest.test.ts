import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKey, createRegistry, image, type PushedImage, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runHere } from "./run-here.ts";

// A bundle that signs the image's manifest itself is no statement about it: the command line has to read the manifest.

let directory = "";
let server: RunningServer;
let forget: () => void;
let asked: () => readonly string[];
const pushed: Record<string, PushedImage> = {};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "assay-signed-manifest-"));
  const registry = createRegistry();
  server = await registry.listen();
  const key = createKey();
  const message = { format: "bundle-v0.3", content: "message" } as const;
  const made = (name: string) => image({ repository: `acme/${name}` }).using(message);
  pushed["good"] = made("good").signedBy(key).pushTo(registry);
  pushed["copied"] = made("copied")
    .carrying(...made("good").signedBy(key).artifacts)
    .pushTo(registry);
  await writeFile(join(directory, "key.pub"), key.pem);
  await writeFile(join(directory, "policy.json"), policy(key.pem));
  forget = registry.forgetRequests;
  asked = () => registry.requests.map(({ path }) => path);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

function policy(publicKeys: string): string {
  const keys = { publicKeys, rekor: { ignoreTlog: true } };
  const rule = {
    name: "signed",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [{ imageReferences: ["*"], attestors: [{ entries: [{ keys }] }] }],
  };
  const spec = { validationFailureAction: "Enforce", rules: [rule] };
  const metadata = { name: "signed" };
  return JSON.stringify({ apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata, spec });
}

/** As a policy's and a Pod's author writes it: the image of a running server, by its host. */
function reference(name: "good" | "copied", by: "reference" | "byDigest"): string {
  const text = pushed[name]?.[by] ?? "";
  return `${server.host}${text.slice(text.indexOf("/"))}`;
}

function pod(name: "good" | "copied", by: "reference" | "byDigest"): string {
  const spec = { containers: [{ name: "app", image: reference(name, by) }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
}

describe.each(["reference", "byDigest"] as const)("an image whose manifest is signed, %s", (by) => {
  test.each([
    ["good", "allowed", 0],
    ["copied", "denied", 1],
  ] as const)("verify of the %s one says %s", async (name, said, expected) => {
    const key = ["--key", join(directory, "key.pub"), "--insecure-ignore-tlog"];
    const { status, out } = await runHere(["verify", reference(name, by), ...key]);
    expect(out).toContain(said);
    expect(status).toBe(expected);
  });

  test("record and replay come to the same verdicts, the latter without the registry", async () => {
    const files = ["good", "copied"] as const;
    const stdin = files.map((name) => pod(name, by)).join("\n---\n");
    const records = `${join(directory, by)}/`;
    const policyFile = join(directory, "policy.json");
    const recorded = await runHere(["record", policyFile, "-r", "-", "--out", records], { stdin });
    expect([recorded.err, recorded.status]).toEqual(["", 1]);
    const text = await readFile(join(records, "default-Pod-good.record.json"), "utf8");
    expect(JSON.parse(text).answers.map(({ lookup }: { lookup: { kind: string } }) => lookup.kind)).toContain(
      "manifest",
    );
    forget();
    const replayed = await runHere(["replay", records, "--output", "json"]);
    expect(
      JSON.parse(replayed.out)
        .verdicts.map(({ allowed }: { allowed: boolean }) => allowed)
        .sort(),
    ).toEqual([false, true]);
    expect(replayed.err).toBe("");
    expect(asked()).toEqual([]);
  });

  test("what was exported decides as the registry did", async () => {
    const layout = join(directory, `layout-${by}`);
    const policyFile = join(directory, "policy.json");
    const stdin = (["good", "copied"] as const).map((name) => pod(name, by)).join("\n---\n");
    const args = ["export", "--policy", policyFile, "-r", "-", "--out", layout, "--no-trust-root"];
    expect((await runHere(args, { stdin })).status).toBe(0);
    forget();
    const { out } = await runHere(["apply", policyFile, "-r", "-", "--layout", layout, "--output", "json"], {
      stdin,
    });
    expect(JSON.parse(out).verdicts.map(({ allowed }: { allowed: boolean }) => allowed)).toEqual([
      true,
      false,
    ]);
    expect(asked()).toEqual([]);
  });
});
