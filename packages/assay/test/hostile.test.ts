import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createKey,
  createRegistry,
  type FaultEffect,
  image,
  type Registry,
  type RunningServer,
} from "@assay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type CliRun, runCli } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const key = createKey();
const stranger = createKey();
let cwd = "";
let registry: Registry;
let server: RunningServer;
let mend: (() => void) | undefined;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-hostile-"));
  registry = createRegistry();
  const signed = image({ repository: "acme/signed" }).signedBy(key);
  signed.pushTo(registry);
  image({ repository: "acme/unsigned" }).pushTo(registry);
  image({ repository: "acme/stranger" }).signedBy(stranger).pushTo(registry);
  image({ repository: "acme/copied" })
    .carrying(...signed.artifacts)
    .pushTo(registry);
  server = await registry.listen();
  await writeFile(join(cwd, "cosign.pub"), key.pem);
  await writeFile(join(cwd, "policy.yaml"), policy(key.pem));
});
afterEach(() => {
  mend?.();
  mend = undefined;
});
afterAll(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});

/** Indented so that line and column of every field are known. */
function policy(pem: string, edit: (text: string) => string = (text) => text): string {
  return edit(`apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
spec:
  validationFailureAction: Enforce
  webhookTimeoutSeconds: 30
  failurePolicy: Fail
  rules:
    - name: by-us
      match:
        any:
          - resources:
              kinds: [Pod]
      verifyImages:
        - imageReferences: ["*"]
          attestors:
            - count: 1
              entries:
                - keys:
                    publicKeys: |-
${pem.trim().replace(/^/gm, "                      ")}
                    rekor:
                      ignoreTlog: true
`);
}

function pod(image: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { containers: [{ name: "app", image }] },
  });
}

/** `assay apply` of one Pod on standard input. */
function apply(image: string, ...flags: string[]): Promise<CliRun> {
  return runHere(["apply", "policy.yaml", "--resource", "-", ...flags], { cwd, stdin: pod(image) });
}

/** The same as a process of its own. */
function applyInProcess(image: string, ...flags: string[]): Promise<CliRun> {
  return runCli(["apply", "policy.yaml", "--resource", "-", ...flags], { cwd, stdin: pod(image) });
}

interface Said {
  readonly allowed: boolean;
  readonly outcome: string;
  readonly results: readonly { readonly code: string; readonly outcome: string; readonly message: string }[];
}

async function verdictOf(
  run: Promise<CliRun>,
): Promise<{ readonly status: number | null; readonly verdict: Said }> {
  const { status, out, err } = await run;
  expect(err).not.toContain("    at ");
  return { status, verdict: JSON.parse(out).verdicts[0] };
}

describe("what a policy's author gets wrong is said with its place, and exits 2", () => {
  test.each<[string, (text: string) => string, readonly string[]]>([
    [
      "a wrong type",
      (t) => t.replace("webhookTimeoutSeconds: 30", "webhookTimeoutSeconds: soon"),
      ["bad.yaml:7:", "webhookTimeoutSeconds"],
    ],
    [
      "an unknown field",
      (t) => t.replace("imageReferences", "imageReferencs"),
      ["bad.yaml:16:11", "imageReferencs", "did you mean `imageReferences`?"],
    ],
    ["a bad PEM", (t) => t.replace(/M[A-Za-z]{3}/, "????"), ["bad.yaml:"]],
    ["no YAML", () => "a: [", ["bad.yaml:1:"]],
    [
      "no policy",
      () => "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
      ["there is no policy in `bad.yaml`"],
    ],
    [
      "only an exception, which would allow everything",
      () =>
        "apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: x}\nspec: {exceptions: [{policyName: p, ruleNames: [r]}], match: {any: [{resources: {kinds: [Pod]}}]}}\n",
      ["there is no policy in `bad.yaml`, only PolicyExceptions"],
    ],
    [
      "a kind that Kyverno does not have",
      (t) => t.replace("ClusterPolicy", "ClusterPolicies"),
      ["bad.yaml:2:", "ClusterPolicy"],
    ],
    ["a count of zero signers", (t) => t.replace("count: 1", "count: 2"), ["bad.yaml:"]],
  ])("%s", async (_, edit, said) => {
    await writeFile(join(cwd, "bad.yaml"), policy(key.pem, edit));
    const run = await runCli(["apply", "bad.yaml", "--resource", "-"], { cwd, stdin: pod("a") });
    for (const text of said) expect(run.err).toContain(text);
    expect(run.err).not.toContain("    at ");
    expect(run.out).toBe("");
    expect(run.status).toBe(2);
  });
});

test("every error of a policy is said, not only the first", async () => {
  const edit = (text: string): string =>
    text
      .replace("webhookTimeoutSeconds: 30", "webhookTimeoutSeconds: soon")
      .replace("imageReferences", "imageReferencs");
  await writeFile(join(cwd, "bad.yaml"), policy(key.pem, edit));
  const { err, status } = await runCli(["apply", "bad.yaml", "--resource", "-"], { cwd, stdin: pod("a") });
  expect(err).toMatch(/^assay: \d errors\n {2}bad\.yaml:7:.*\n {2}bad\.yaml:16:/);
  expect(status).toBe(2);
});

describe("what the user gets wrong is said with what to do, and exits 2", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      "a policy that is not there",
      ["apply", "nowhere.yaml", "--resource", "policy.yaml"],
      ["no file matches `nowhere.yaml`"],
    ],
    ["no resource", ["apply", "policy.yaml"], ["--resource"]],
    ["a resource that is none", ["apply", "policy.yaml", "--resource", "cosign.pub"], ["cosign.pub"]],
    ["a misspelt flag", ["apply", "policy.yaml", "--resources", "x"], ["Did you mean --resource?"]],
    ["a time that is none", ["apply", "policy.yaml", "--resource", "-", "--now", "tomorrow"], ["RFC 3339"]],
    ["a variable without value", ["apply", "policy.yaml", "--resource", "-", "--var", "ORG"], ["NAME=VALUE"]],
    [
      "a trust root that is none",
      ["apply", "policy.yaml", "--resource", "-", "--trusted-root", "cosign.pub"],
      ["cosign.pub", "trusted_root.json"],
    ],
    ["no signer", ["verify", "a"], ["--key FILE"]],
    [
      "half an identity",
      ["verify", "a", "--certificate-identity", "x@y"],
      ["--certificate-oidc-issuer is missing"],
    ],
    ["a key that is none", ["verify", "a", "--key", "policy.yaml"], ["`policy.yaml`"]],
    ["a misspelt image", ["verify", "registry.example.com/App:v1", "--key", "cosign.pub"], ["App"]],
  ])("%s", async (_, args, said) => {
    const { status, err } = await runCli(args, { cwd, stdin: pod("a") });
    for (const text of said) expect(err).toContain(text);
    expect(err).not.toContain("    at ");
    expect(status).toBe(2);
  });
});

describe("signatures", () => {
  test("an image signed by the key is allowed and pinned", async () => {
    const { status, out } = await apply(`${server.host}/acme/signed:v1`, "--output", "json");
    const [verdict] = JSON.parse(out).verdicts;
    expect(verdict).toMatchObject({
      allowed: true,
      outcome: "pass",
      resource: { kind: "Pod", namespace: "default", name: "web" },
    });
    expect(verdict.patches[0].path).toBe("/spec/containers/0/image");
    expect(verdict.patches[0].value).toMatch(/acme\/signed:v1@sha256:[0-9a-f]{64}$/);
    expect(status).toBe(0);
  });

  test.each([
    ["unsigned:v1", "notSigned"],
    ["stranger:v1", "untrustedSigner|badSignature"],
    ["copied:v1", "claimMismatch"],
    ["missing:v1", "imageNotFound"],
    ["Typo:v1", "badImageReference"],
  ])("%s is denied: %s", async (name, code) => {
    const { status, verdict } = await verdictOf(apply(`${server.host}/acme/${name}`, "--output", "json"));
    expect(verdict).toMatchObject({ allowed: false, outcome: "fail" });
    expect(verdict.results.map((result) => result.code).join()).toMatch(new RegExp(code));
    expect(status).toBe(1);
  });

  test("--no-mutate denies the tag and names the digest", async () => {
    const { status, verdict } = await verdictOf(
      apply(`${server.host}/acme/signed:v1`, "--no-mutate", "--output", "json"),
    );
    expect(JSON.stringify(verdict)).toContain("image reference must be by digest");
    expect(status).toBe(1);
  });

  test("text says who, where in the policy and why", async () => {
    const { out } = await apply(`${server.host}/acme/stranger:v1`);
    expect(out).toContain("policy.yaml:");
    expect(out).toContain("failed to verify signature: no matching signatures");
    expect(out).toContain("0 allowed, 1 denied");
    expect(out).not.toContain("\u001b[");
  });
});

describe("a registry that misbehaves never allows and is never `not signed`", () => {
  test.each<[string, FaultEffect, string]>([
    ["401", { kind: "status", status: 401 }, "unauthorized"],
    ["403", { kind: "status", status: 403 }, "unauthorized"],
    ["429", { kind: "status", status: 429, headers: { "retry-after": "3600" } }, "rateLimited"],
    ["500", { kind: "status", status: 500 }, "unavailable"],
    ["503", { kind: "status", status: 503 }, "unavailable"],
    ["down", { kind: "disconnect" }, "unavailable"],
    ["slow", { kind: "hang" }, "timeout"],
  ])("%s: %s", async (_, effect, code) => {
    mend = registry.inject({ path: "/v2/acme/signed/", effect });
    const { status, verdict } = await verdictOf(
      applyInProcess(`${server.host}/acme/signed:v1`, "--output", "json", "--timeout", "2"),
    );
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
    expect(verdict.results.map((result) => result.code)).toEqual([code]);
    expect(verdict.results[0]?.message).toContain(server.host);
    expect(JSON.stringify(verdict.results)).not.toContain("notSigned");
    expect(status).toBe(2);
  });

  test("other bytes under a digest are an error, not a verdict about them", async () => {
    mend = registry.inject({ path: "/v2/acme/signed/blobs/", effect: { kind: "replace", body: "{}" } });
    const { status, verdict } = await verdictOf(
      applyInProcess(`${server.host}/acme/signed:v1`, "--output", "json"),
    );
    expect(verdict).toMatchObject({ allowed: false, outcome: "error" });
    expect(verdict.results[0]?.code).toBe("digestMismatch");
    expect(status).toBe(2);
  });

  test("an endless body is cut off and refused", async () => {
    mend = registry.inject({ path: "/v2/acme/signed/", effect: { kind: "endless" } });
    const { verdict, status } = await verdictOf(
      applyInProcess(`${server.host}/acme/signed:v1`, "--output", "json", "--timeout", "5"),
    );
    expect(verdict.allowed).toBe(false);
    expect(verdict.results[0]?.code).toBe("tooLarge");
    expect(status).toBeGreaterThan(0);
  });
});
