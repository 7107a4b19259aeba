import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRegistry } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { ROOT } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-test-"));
  for (const part of ["03-policy-tests", "policies", "testdata", "cluster"]) {
    await cp(join(ROOT, "examples", part), join(cwd, part), { recursive: true });
  }
});
afterAll(() => rm(cwd, { recursive: true }));

interface Row {
  readonly expected: string;
  readonly received: string;
  readonly passed: boolean;
  readonly reason: string;
}

/** Runs one test file over the images of the examples; `body` is what differs. */
async function run(
  body: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ status: number | null; rows: readonly Row[]; err: string }> {
  const head = `apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata:
  name: one
  annotations:
    assay.dev/layout: testdata/images
    assay.dev/trusted-root: testdata/trusted-root.json
    assay.dev/now: 2026-11-23T12:00:00Z
`;
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
  await writeFile(join(cwd, "one.yaml"), head + body);
  const { status, out, err } = await runHere(["test", "one.yaml", "--output", "json"], { cwd });
  return { status, err, rows: out === "" ? [] : JSON.parse(out).tests };
}

function pod(name: string, image: string, namespace = "default"): string {
  return `---\napiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {containers: [{name: app, image: "${image}"}]}\n`;
}

const PODS = {
  "pods.yaml":
    pod("signed", "registry.example.com/signed:v1.2.3") +
    pod("unsigned", "registry.example.com/unsigned:latest") +
    pod("prod", "registry.example.com/prod/by-the-letter:v1.2.3", "shop") +
    pod("keyless", "ghcr.io/sigstore/by-the-letter:v1.2.3"),
};
const FIRST = "policies: [policies/verify-image-signature.yaml]\nresources: [pods.yaml]\n";
const SECOND = "policies: [policies/verify-multiple-attestations.yaml]\nresources: [pods.yaml]\n";
const row = (policy: string, rule: string, resource: string, result: string): string =>
  `  - {policy: ${policy}, rule: ${rule}, kind: Pod, resources: [${resource}], result: ${result}}\n`;
const KEY_RULE = "verify-cosign-signature";

describe("the example's tests", () => {
  test("pass, as a table like Kyverno's", async () => {
    const { status, out } = await runHere(["test", "03-policy-tests"], { cwd });
    expect(out).toContain("│ ID │ POLICY");
    expect(out).toContain("│ Pod/default/other-key");
    expect(out).toContain("Test Summary: 5 tests passed and 0 tests failed");
    expect(status).toBe(0);
  });

  test("as JUnit", async () => {
    const { out } = await runHere(["test", "03-policy-tests", "--output", "junit"], { cwd });
    expect(out).toContain('<testsuite name="made-by-cosign" tests="5" failures="0">');
  });
});

describe("expectations", () => {
  test.each([
    ["pass", "signed", true, "Ok"],
    ["fail", "unsigned", true, "Ok"],
    ["fail", "signed", false, "Want fail, got pass"],
    ["pass", "unsigned", false, "Want pass, got fail: failed to verify image"],
    ["error", "unsigned", false, "Want error, got fail"],
    ["pass", "nobody", false, "no such resource"],
    ["skip", "prod-like", false, "no such resource"],
  ])("%s of %s: %s", async (result, resource, passed, reason) => {
    const { rows, status } = await run(
      `${FIRST}results:\n${row("verify-image-signature", KEY_RULE, resource, result)}`,
      PODS,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.passed).toBe(passed);
    expect(rows[0]?.reason).toContain(reason);
    expect(status).toBe(passed ? 0 : 1);
  });

  test("a misspelt rule or policy cannot pass, unlike in Kyverno", async () => {
    const { rows } = await run(
      `${FIRST}results:\n${row("verify-image-signature", "misspelt", "signed", "pass")}${row("verify-image-signature", "misspelt", "signed", "skip")}${row("misspelt", KEY_RULE, "signed", "skip")}`,
      PODS,
    );
    expect(rows.map(({ passed, reason }) => [passed, reason])).toEqual([
      [false, expect.stringContaining("no such rule")],
      [false, "no such rule"],
      [false, "no such policy"],
    ]);
  });

  test("a rule that selects no image of the resource is a skip", async () => {
    const { rows } = await run(
      `${FIRST}results:\n${row("verify-image-signature", KEY_RULE, "keyless", "skip")}`,
      PODS,
    );
    expect(rows[0]?.passed).toBe(true);
  });
});

describe("values", () => {
  test("stand in for the caller's variables", async () => {
    const values = "values: {globalValues: {ORG: acme}}\n";
    const body = `results:\n${row("verify-image-signature", "verify-keyless-signature", "keyless", "pass")}`;
    expect((await run(`${FIRST}${values}${body}`, PODS)).rows[0]?.passed).toBe(true);
    const without = await run(`${FIRST}${body}`, PODS);
    expect(without.rows[0]?.received).toBe("error");
  });

  test("come from a file, and stand in for a context entry's ConfigMap", async () => {
    const pem = (await readFile(join(cwd, "testdata/key.pub"), "utf8")).trim().replace(/^/gm, "            ");
    const values = `apiVersion: cli.kyverno.io/v1alpha1
kind: Values
policies:
  - name: verify-multiple-attestations-working
    rules:
      - name: require-slsa-and-spdx
        values:
          keys.data.cosign-pub: |
${pem}
`;
    const body = `policies: [policies/verify-multiple-attestations.working.yaml]
resources: [app.yaml]
variables: values.yaml
results:
${row("verify-multiple-attestations-working", "require-slsa-and-spdx", "app", "pass")}`;
    const { rows } = await run(body, {
      "values.yaml": values,
      "app.yaml": pod("app", "registry.example.com/prod/app:v1.2.3"),
    });
    expect(rows[0]?.reason).toBe("Ok");
  });

  test("ConfigMaps among the resources are read, too", async () => {
    const body = `policies: [policies/verify-multiple-attestations.yaml]
resources: [pods.yaml]
clusterResources: [cluster/kyverno-configmap.yaml]
results:
${row("verify-multiple-attestations", "require-slsa-and-spdx", "shop/prod", "pass")}`;
    const { rows } = await run(body, PODS);
    expect(rows[0]?.reason).toBe("Ok");
    const without = await run(
      `${SECOND}results:\n${row("verify-multiple-attestations", "require-slsa-and-spdx", "shop/prod", "error")}`,
      PODS,
    );
    expect(without.rows[0]?.passed).toBe(true);
  });
});

describe("values of the request", () => {
  const KEY = "{{ request.PATH }}";
  const conditions = (checks: Readonly<Record<string, unknown>>) =>
    Object.entries(checks).map(([path, value]) => ({
      key: KEY.replace("PATH", path),
      operator: "Equals",
      value,
    }));

  /** A policy that refuses every Pod of which all of this holds; of others it says nothing. */
  const refuses = (checks: Readonly<Record<string, unknown>>) =>
    JSON.stringify({
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      metadata: { name: "asks" },
      spec: {
        validationFailureAction: "Enforce",
        rules: [
          {
            name: "about-requests",
            match: { any: [{ resources: { kinds: ["Pod"], operations: ["CREATE", "UPDATE", "DELETE"] } }] },
            preconditions: { all: conditions(checks) },
            verifyImages: [{ imageReferences: ["*"], required: true, attestors: [] }],
          },
        ],
      },
    });

  async function asked(values: object, checks: Readonly<Record<string, unknown>>, resource = "signed") {
    const body = `policies: [asks.yaml]
resources: [pods.yaml]
values: ${JSON.stringify(values)}
results:
${row("asks", "about-requests", resource, "fail")}`;
    return run(body, { ...PODS, "asks.yaml": refuses(checks) });
  }

  test.each<[string, object, Readonly<Record<string, unknown>>]>([
    ["none", {}, { operation: "CREATE", namespace: "default", "oldObject || 'none'": "none" }],
    ["who asks", { "request.userInfo.username": "alice" }, { "userInfo.username": "alice" }],
    ["as one value", { request: { userInfo: { username: "alice" } } }, { "userInfo.username": "alice" }],
    ["groups", { "request.userInfo.groups": ["dev"] }, { "userInfo.groups[0]": "dev" }],
    [
      "roles",
      { "request.roles": ["ns:r"], "request.clusterRoles": ["c"] },
      { "roles[0]": "ns:r", "clusterRoles[0]": "c" },
    ],
    ["a dry run", { "request.dryRun": true }, { dryRun: true }],
    [
      "a subresource",
      { "request.subResource": "ephemeralcontainers" },
      { subResource: "ephemeralcontainers" },
    ],
    [
      "the object's fields",
      { 'request.object.metadata.labels."a.b/c"': "x" },
      { 'object.metadata.labels."a.b/c"': "x", "object.metadata.name": "signed" },
    ],
    [
      "the old object",
      { "request.oldObject.metadata.labels.a": "x" },
      { "oldObject.metadata.labels.a": "x" },
    ],
    [
      "an update's",
      { "request.operation": "UPDATE", "request.oldObject.metadata.labels.a": "x" },
      { "oldObject.metadata.name": "signed", "oldObject.metadata.labels.a": "x" },
    ],
    [
      "a deletion's",
      { "request.operation": "DELETE" },
      { operation: "DELETE", "oldObject.metadata.name": "signed" },
    ],
  ])("reach the expressions: %s", async (_, globalValues, checks) => {
    expect((await asked({ globalValues }, checks)).rows).toMatchObject([{ reason: "Ok" }]);
  });

  test("are those of one resource, where they are given for it", async () => {
    const own = [
      { name: "asks", resources: [{ name: "signed", values: { "request.userInfo.username": "bob" } }] },
    ];
    const values = { globalValues: { "request.userInfo.username": "alice" }, policies: own };
    expect((await asked(values, { "userInfo.username": "bob" })).rows).toMatchObject([{ reason: "Ok" }]);
    expect((await asked(values, { "userInfo.username": "alice" }, "unsigned")).rows).toMatchObject([
      { reason: "Ok" },
    ]);
  });

  test("may say what the object says", async () => {
    const values = { "request.namespace": "default", "request.name": "signed" };
    const own = { policies: [{ name: "asks", resources: [{ name: "signed", values }] }] };
    const checks = { namespace: "default", name: "signed" };
    expect((await asked(own, checks)).rows).toMatchObject([{ reason: "Ok" }]);
  });

  test("put an object that names no namespace into the request's", async () => {
    const files = {
      "pods.yaml": PODS["pods.yaml"].replace("name: signed, namespace: default", "name: signed"),
    };
    const body = `policies: [asks.yaml]\nresources: [pods.yaml]\nvalues: {policies: [{name: asks, resources: [{name: signed, values: {request.namespace: shop}}]}]}
results:\n${row("asks", "about-requests", "shop/signed", "fail")}`;
    const checks = { namespace: "shop", "object.metadata.namespace": "shop" };
    expect((await run(body, { ...files, "asks.yaml": refuses(checks) })).rows).toMatchObject([
      { reason: "Ok" },
    ]);
  });

  test.each([
    ["request.namespace", "prod", "`request.namespace` is `prod`, and that of the object is `default`"],
    ["request.name", "other", "`request.name` is `other`, and that of the object is `signed`"],
    ["request.options", {}, "`request.options` cannot be given"],
  ])("that no request of the object has are refused with their place: %s", async (name, value, said) => {
    const { status, err } = await asked({ globalValues: { [name]: value } }, {});
    expect(err).toMatch(/one\.yaml:11:\d+/);
    expect(err).toContain(said);
    expect(status).toBe(2);
  });
});

test("patchedResource is compared with the pinned resource", async () => {
  const digest = "sha256:646486c5a3a4e0a0a957a86458642317cd907d028bde47f34717096129e08e7e";
  const results = (file: string): string =>
    `${FIRST}results:\n  - {policy: verify-image-signature, rule: ${KEY_RULE}, kind: Pod, resources: [signed], result: pass, patchedResource: ${file}}\n`;
  const files = {
    ...PODS,
    "right.yaml": pod("signed", `registry.example.com/signed:v1.2.3@${digest}`),
    "wrong.yaml": pod("signed", "registry.example.com/signed:v1.2.3"),
  };
  expect((await run(results("right.yaml"), files)).rows[0]?.reason).toBe("Ok");
  expect((await run(results("wrong.yaml"), files)).rows[0]?.reason).toContain(
    "Want the resource in wrong.yaml",
  );
});

test("--timeout ends a test whose registry never answers: it is an error, whatever was expected", async () => {
  const registry = createRegistry();
  registry.inject({ effect: { kind: "hang" } });
  const server = await registry.listen();
  onTestFinished(() => server.close());
  const directory = await mkdtemp(join(tmpdir(), "assay-test-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const policy = await readFile(join(cwd, "policies/verify-image-signature.yaml"), "utf8");
  const files = {
    "policy.yaml": policy.replaceAll("registry.example.com", server.host),
    "pods.yaml": pod("slow", `${server.host}/app:v1`),
    "kyverno-test.yaml": `apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: slow}
policies: [policy.yaml]
resources: [pods.yaml]
results:
${row("verify-image-signature", KEY_RULE, "slow", "fail")}`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const { status, out } = await runHere(["test", ".", "--timeout", "0.05", "--output", "json"], {
    cwd: directory,
  });
  expect(JSON.parse(out).tests).toMatchObject([
    { passed: false, received: "error", reason: expect.stringContaining("no answer within 0.05 s") },
  ]);
  expect(status).toBe(1);
});

test.each([
  ["a directory without tests", ["test", "policies"], "there is no `kyverno-test.yaml` in `policies`"],
  ["a file that is no test", ["test", "cluster/kyverno-configmap.yaml"], "holds no test"],
  ["a file that is not there", ["test", "nowhere.yaml"], "no file matches"],
])("%s exits 2", async (_, args, said) => {
  const { status, err } = await runHere(args, { cwd });
  expect(err).toContain(said);
  expect(status).toBe(2);
});

test("--watch runs again when a file that the tests read changes, and ends on Ctrl-C", async () => {
  const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--conditions=assay:source", cli, "test", "03-policy-tests/kyverno-test.yaml", "--watch"],
    { cwd },
  );
  let out = "";
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!out.includes(text)) return;
        child.stdout.off("data", look);
        child.stderr.off("data", look);
        resolve();
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      look();
    });
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    out += chunk;
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  await until("watching for changes");
  expect(out).toContain("5 tests passed and 0 tests failed");
  const path = join(cwd, "03-policy-tests/kyverno-test.yaml");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("result: pass", "result: fail"));
  await until("4 tests passed and 1 tests failed");
  expect(out).toContain("Want fail, got pass");
  out = "";
  // As editors save: another file takes the name.
  await writeFile(`${path}~`, text);
  await rename(`${path}~`, path);
  await until("5 tests passed and 0 tests failed");
  // A file that stands elsewhere, and only the test names.
  const policy = join(cwd, "policies/made-by-cosign.yaml");
  const demanded = await readFile(policy, "utf8");
  out = "";
  await writeFile(policy, "kind: nothing\n");
  await until("assay:");
  out = "";
  await writeFile(policy, demanded);
  await until("5 tests passed and 0 tests failed");
  child.kill("SIGINT");
  await closed;
});
