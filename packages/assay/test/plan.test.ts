import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createKey, createRegistry, image, type Registry, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { checkRekor } from "../src/check-plan.ts";
import { createAssay } from "../src/create-assay.ts";
import { rekorUrls } from "../src/inputs/policy-places.ts";
import { runHere } from "./run-here.ts";

const POLICY = "examples/policies/verify-image-signature.yaml";
let registry: Registry;
let server: RunningServer;
let policy = "";

beforeAll(async () => {
  registry = createRegistry();
  image({ repository: "acme/app" }).pushTo(registry);
  server = await registry.listen();
  policy = JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "keyed" },
    spec: {
      rules: [
        {
          name: "check",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: ["*"],
              attestors: [
                { entries: [{ keyless: { subject: "a", issuer: "b", rekor: { url: server.url } } }] },
              ],
            },
          ],
        },
      ],
    },
  });
});
afterAll(() => server.close());

function pod(name: string): string {
  const spec = { containers: [{ name: "app", image: name }] };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec });
}

test("plan asks nobody and names every host and question", async () => {
  const before = registry.requests.length;
  const { out, status } = await runHere(["plan", POLICY, "-r", "-"], {
    stdin: pod("registry.example.com/app:v1"),
  });
  expect(out).toContain("verify-image-signature/verify-cosign-signature: registry.example.com/app:v1");
  expect(out).toContain("ask registry.example.com: digest registry.example.com/app:v1");
  expect(out).toContain("hosts: ");
  expect(status).toBe(0);
  expect(registry.requests.length).toBe(before);
});

test("with a layout no registry is among the hosts", async () => {
  const flags = ["-r", "-", "--layout", "examples/testdata/images/"];
  const { out } = await runHere(["plan", POLICY, ...flags], { stdin: pod("registry.example.com/app:v1") });
  const root = fileURLToPath(
    new URL("../../conformance/cases/fixtures/trust/trusted_root.json", import.meta.url),
  );
  const checked = await runHere(["plan", POLICY, ...flags, "--check", "--trusted-root", root], {
    stdin: pod("registry.example.com/app:v1"),
  });
  expect(checked.out).toContain("FAIL examples/testdata/images/: notFound: ");
  expect(out).toContain("ask examples/testdata/images/: digest registry.example.com/app:v1");
  expect(out).not.toContain("ask registry.example.com");
  expect(/^hosts: (.*)$/m.exec(out)?.[1]).not.toContain("registry.example.com");
});

test("a resource that no rule selects needs nothing", async () => {
  const { out } = await runHere(["plan", POLICY, "-r", "-"], { stdin: pod("docker.io/nginx:1") });
  expect(out).toContain("no rule applies: nothing is asked");
});

test.each([
  ["HOST/sigs", "ok  ", 0],
  ["127.0.0.1:1/sigs", "FAIL", 2],
  ["{{ request.namespace }}.example.com/sigs", "warn", 0],
])("plan --check tries a registry that holds signatures only: %s %s", async (where, word, expected) => {
  const keyed = JSON.parse(policy);
  const [entry] = keyed.spec.rules[0].verifyImages;
  const { pem } = createKey();
  const signatures = createRegistry();
  const other = await signatures.listen();
  onTestFinished(() => other.close());
  entry.repository = where.replace("HOST", other.host);
  entry.attestors = [
    { entries: [{ keys: { publicKeys: pem, rekor: { ignoreTlog: true, url: server.url } } }] },
  ];
  const cwd = await mkdtemp(join(tmpdir(), "assay-plan-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  await writeFile(join(cwd, "policy.json"), JSON.stringify(keyed));
  await writeFile(join(cwd, "pod.json"), pod(`${server.host}/acme/app:v1`));
  const { out, status } = await runHere(["plan", "policy.json", "-r", "pod.json", "--check"], { cwd });
  expect(out).toContain(`ok   ${server.host}: digest`);
  expect(out).toContain(`${word} ${entry.repository.split("/")[0]}: `);
  expect(status).toBe(expected);
});

test.each([
  ["acme/app:v1", 0, "ok  "],
  ["acme/missing:v1", 2, "FAIL"],
])("plan --check of %s exits %d", async (name, expected, word) => {
  const cwd = await mkdtemp(join(tmpdir(), "assay-plan-"));
  try {
    await writeFile(join(cwd, "policy.json"), policy);
    await writeFile(
      join(cwd, "root.json"),
      JSON.stringify({ mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1" }),
    );
    const flags = ["--check", "--trusted-root", "root.json"];
    const { out, status } = await runHere(["plan", "policy.json", "-r", "-", ...flags], {
      cwd,
      stdin: pod(`${server.host}/${name}`),
    });
    expect(out).toMatch(new RegExp(`^${word} ${server.host}`, "m"));
    // The loopback registry is no Rekor: that is said, and is no failure.
    expect(out).toContain("warn");
    expect(status).toBe(expected);
  } finally {
    await rm(cwd, { recursive: true });
  }
});

test("the logs that policies name are found at any depth, once", () => {
  const assay = createAssay({ policies: policy });
  expect(rekorUrls(assay.policies)).toEqual([server.url]);
});

test("a log that is down is said to be", async () => {
  const signal = AbortSignal.timeout(5000);
  for (const isAsked of [false, true]) {
    const check = await checkRekor("http://127.0.0.1:9", { signal, isAsked });
    expect(check).toMatchObject({ place: "127.0.0.1:9", ok: false, needed: isAsked });
  }
});
