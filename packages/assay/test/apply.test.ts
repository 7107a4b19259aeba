import { tmpdir } from "node:os";
import { createRegistry, loadLayout, type Registry, type RunningServer } from "@assay/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type CliRun, ROOT, runCli } from "./run-cli.ts";
import { runHere } from "./run-here.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const NOW = "2026-11-23T12:00:00Z";
const COSIGN = [
  "--layout",
  "examples/testdata/cosign-images",
  "--trusted-root",
  "examples/testdata/cosign-trusted-root.json",
];
const PAGE = [
  ...[
    "--layout",
    "examples/testdata/images",
    "--trusted-root",
    "examples/testdata/trusted-root.json",
    "--now",
    NOW,
  ],
  ...["--var", "ORG=acme", "--configmap", "examples/cluster/kyverno-configmap.yaml"],
];

function workload(kind: string, images: readonly string[], name = "web"): object {
  const spec = { containers: images.map((image, i) => ({ name: `c${i}`, image })) };
  const metadata = { name, namespace: "default" };
  switch (kind) {
    case "Pod":
      return { apiVersion: "v1", kind, metadata, spec };
    case "CronJob":
      return {
        apiVersion: "batch/v1",
        kind,
        metadata,
        spec: { jobTemplate: { spec: { template: { spec } } } },
      };
    default:
      return {
        apiVersion: kind === "Job" ? "batch/v1" : "apps/v1",
        kind,
        metadata,
        spec: { template: { spec } },
      };
  }
}

function apply(policy: string, resources: readonly object[], ...flags: string[]): Promise<CliRun> {
  const stdin = resources.map((resource) => JSON.stringify(resource)).join("\n---\n");
  return runHere(["apply", policy, "--resource", "-", ...flags], { stdin });
}

const MADE_BY_COSIGN = "examples/policies/made-by-cosign.yaml";
const COSIGN_IMAGE = "registry.example.com/acme/key-att3:v1";

describe("a loopback registry", () => {
  let registry: Registry;
  let server: RunningServer;

  beforeAll(async () => {
    registry = createRegistry();
    await loadLayout(`${ROOT}examples/testdata/cosign-images`, registry);
    server = await registry.listen();
  });
  afterAll(() => server.close());

  test.each([
    ["key-att3", 0],
    ["key-other", 1],
    ["unsigned", 1],
    ["bundle-att3", 0],
  ])("verify of %s, signed by cosign, exits %d", async (name, expected) => {
    const image = `${server.host}/acme/${name}:v1`;
    const flags = ["--key", "examples/testdata/cosign.pub", "--insecure-ignore-tlog"];
    const { status, out } = await runCli(["verify", image, ...flags]);
    expect(out).toContain(expected === 0 ? "allowed" : "denied");
    expect(status).toBe(expected);
  });

  test("a hundred Pods of one image ask the registry little more than one does", async () => {
    const image = `${server.host}/acme/key-att3:v1`;
    const { readFile, mkdtemp, rm, writeFile } = await import("node:fs/promises");
    const directory = await mkdtemp(`${tmpdir()}/assay-fleet-`);
    try {
      const policy = `${directory}/policy.yaml`;
      const text = await readFile(`${ROOT}${MADE_BY_COSIGN}`, "utf8");
      await writeFile(policy, text.replaceAll("registry.example.com", server.host));
      const count = async (pods: number): Promise<number> => {
        registry.forgetRequests();
        const resources = Array.from({ length: pods }, (_, i) => workload("Pod", [image], `web-${i}`));
        expect((await apply(policy, resources)).status).toBe(0);
        return registry.requests.length;
      };
      const one = await count(1);
      expect(one).toBeLessThanOrEqual(8);
      expect(await count(20)).toBe(one);
      // 32 are judged at a time; each wave resolves the tag once.
      expect(await count(100)).toBeLessThanOrEqual(one + 4);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("verify of a keyless identity takes cosign's flags", async () => {
    const flags = [
      ...[
        "--certificate-identity",
        "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main",
      ],
      ...["--certificate-oidc-issuer", "http://127.0.0.1:9998"],
      ...["--trusted-root", "examples/testdata/cosign-trusted-root.json"],
    ];
    const right = await runHere(["verify", `${server.host}/acme/kl-att3:v1`, ...flags]);
    expect(right.status).toBe(0);
    const evil = await runHere(["verify", `${server.host}/acme/kl-evil:v1`, ...flags, "--output", "json"]);
    expect(JSON.parse(evil.out).verdicts[0].results[0].code).toBe("identityMismatch");
    expect(evil.status).toBe(1);
  });

  test("verify --certificate-identity is exact: a star in it is a star", async () => {
    const flags = [
      ...[
        "--certificate-identity",
        "https://github.com/acme/*",
        "--certificate-oidc-issuer",
        "http://127.0.0.1:9998",
      ],
      ...["--trusted-root", "examples/testdata/cosign-trusted-root.json"],
    ];
    const { status } = await runHere(["verify", `${server.host}/acme/kl-att3:v1`, ...flags]);
    expect(status).toBe(1);
  });

  test.each([
    [["--type", "slsaprovenance"], 0],
    [["--type", "slsaprovenance", "--type", "spdxjson", "--type", "vuln"], 0],
    [["--type", "cyclonedx"], 1],
  ])("verify %j exits %d", async (types, expected) => {
    const flags = ["--key", "examples/testdata/cosign.pub", "--insecure-ignore-tlog", ...types];
    const { status } = await runHere(["verify", `${server.host}/acme/key-att3:v1`, ...flags]);
    expect(status).toBe(expected);
  });

  test("without a log entry a key signature is refused unless told otherwise", async () => {
    const trust = ["--trusted-root", "examples/testdata/cosign-trusted-root.json"];
    const args = [
      "verify",
      `${server.host}/acme/key-att3:v1`,
      "--key",
      "examples/testdata/cosign.pub",
      ...trust,
    ];
    const { status, out } = await runHere([...args, "--output", "json"]);
    expect(JSON.parse(out).verdicts[0].results[0].code).toBe("logMissing");
    expect(status).toBe(1);
  });
});

describe("the page's policies", () => {
  test.each([
    ["verify-image-signature.yaml", "registry.example.com/signed:v1.2.3", 0],
    ["verify-image-signature.yaml", "registry.example.com/app:v1.2.3", 1],
    ["verify-image-signature.working.yaml", "registry.example.com/app:v1.2.3", 0],
    ["verify-image-signature.yaml", "ghcr.io/sigstore/by-the-letter:v1.2.3", 0],
    ["verify-image-signature.working.yaml", "ghcr.io/sigstore/app:v1.2.3", 0],
    ["verify-image-signature.working.yaml", "ghcr.io/sigstore/stranger:v1.2.3", 1],
    ["verify-multiple-attestations.yaml", "registry.example.com/prod/by-the-letter:v1.2.3", 0],
    ["verify-multiple-attestations.yaml", "registry.example.com/prod/app:v1.2.3", 1],
    ["verify-multiple-attestations.working.yaml", "registry.example.com/prod/app:v1.2.3", 0],
    ["verify-multiple-attestations.working.yaml", "registry.example.com/prod/stale:v1.2.3", 1],
  ])("%s, %s: exit %d", async (policy, image, expected) => {
    const { status } = await apply(`examples/policies/${policy}`, [workload("Pod", [image])], ...PAGE);
    expect(status).toBe(expected);
  });

  test.each(["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])(
    "decide about a %s",
    async (kind) => {
      const resources = ["registry.example.com/signed:v1.2.3", "registry.example.com/unsigned:latest"].map(
        (image) => workload(kind, [image]),
      );
      const { out, status } = await apply(
        "examples/policies/verify-image-signature.yaml",
        resources,
        ...PAGE,
        ...["--output", "json"],
      );
      const { verdicts } = JSON.parse(out);
      expect(verdicts.map((verdict: { allowed: boolean }) => verdict.allowed)).toEqual([true, false]);
      expect(verdicts[0].patches).toHaveLength(1);
      expect(status).toBe(1);
    },
  );

  test("without the ConfigMap nothing is decided, and the message says what is missing", async () => {
    const flags = PAGE.slice(0, PAGE.indexOf("--configmap"));
    const pod = workload("Pod", ["registry.example.com/prod/by-the-letter:v1.2.3"]);
    const { out, status } = await apply(
      "examples/policies/verify-multiple-attestations.yaml",
      [pod],
      ...flags,
    );
    expect(out).toContain("kyverno/kyverno");
    expect(status).toBe(2);
  });
});

describe("apply", () => {
  test("JSON has the documented form", async () => {
    const { out, status } = await apply(
      MADE_BY_COSIGN,
      [workload("Pod", [COSIGN_IMAGE])],
      ...COSIGN,
      "--output",
      "json",
    );
    const report = JSON.parse(out);
    expect(Object.keys(report)).toEqual(["verdicts"]);
    const [verdict] = report.verdicts;
    expect(Object.keys(verdict).sort()).toEqual(
      ["allowed", "outcome", "patches", "resource", "results", "trace", "warnings"].sort(),
    );
    expect(verdict.resource).toEqual({ kind: "Pod", namespace: "default", name: "web" });
    expect(verdict.results[0]).toMatchObject({
      policy: "made-by-cosign",
      rule: "signed-with-key",
      image: COSIGN_IMAGE,
      digest: "sha256:20f3d5cb88019bf09139d8e5ac20467d8897ef112f3209866fac874037ef85b8",
      outcome: "pass",
      code: "ok",
    });
    expect(status).toBe(0);
  });

  test("text names what was pinned and counts", async () => {
    const { out } = await apply(
      MADE_BY_COSIGN,
      [workload("Pod", [COSIGN_IMAGE]), workload("Pod", ["registry.example.com/acme/unsigned:v1"], "bad")],
      ...COSIGN,
    );
    expect(out).toContain("allowed Pod/default/web");
    expect(out).toContain(`pinned "${COSIGN_IMAGE}@sha256:20f3`);
    expect(out).toContain("Pod default/bad: denied");
    expect(out).toContain("1 allowed, 1 denied");
  });

  test("policies come from globs and directories, resources from several files", async () => {
    const { status, out } = await runHere([
      ...["apply", "examples/policies/made-*.yaml", "--resource", "examples/03-policy-tests/pods.yaml"],
      ...COSIGN,
      ...["--output", "json"],
    ]);
    expect(JSON.parse(out).verdicts.map((verdict: { allowed: boolean }) => verdict.allowed)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(status).toBe(1);
  });

  test("--resource takes several files at once", async () => {
    const pods = "examples/03-policy-tests/pods.yaml";
    const { out } = await runHere([
      "apply",
      MADE_BY_COSIGN,
      "--resource",
      pods,
      "examples/03-policy-tests/pod*.yaml",
      ...COSIGN,
    ]);
    expect(out).toContain("1 allowed, 3 denied");
  });

  test("policies from standard input", async () => {
    const { readFile } = await import("node:fs/promises");
    const stdin = await readFile(`${ROOT}${MADE_BY_COSIGN}`, "utf8");
    const { status } = await runHere(
      ["apply", "-", "--resource", "examples/03-policy-tests/pods.yaml", ...COSIGN],
      { stdin },
    );
    expect(status).toBe(1);
  });

  test("SARIF points at the policy, JUnit has a case for each resource", async () => {
    const pods = [
      workload("Pod", [COSIGN_IMAGE]),
      workload("Pod", ["registry.example.com/acme/unsigned:v1"], "bad"),
    ];
    const sarif = JSON.parse((await apply(MADE_BY_COSIGN, pods, ...COSIGN, "--output", "sarif")).out);
    expect(sarif.version).toBe("2.1.0");
    expect(JSON.stringify(sarif)).toContain("made-by-cosign.yaml");
    const junit = (await apply(MADE_BY_COSIGN, pods, ...COSIGN, "--output", "junit")).out;
    expect(junit).toContain("<testsuite");
    expect(junit).toContain("notSigned");
  });

  test("colours come only when asked for, and --no-color wins", async () => {
    const args = ["apply", MADE_BY_COSIGN, "--resource", "examples/03-policy-tests/pods.yaml", ...COSIGN];
    const env = { FORCE_COLOR: "1" };
    expect((await runCli(args)).out).not.toContain("\u001b[");
    expect((await runCli(args, { env })).out).toContain("\u001b[");
    expect((await runCli([...args, "--no-color"], { env })).out).not.toContain("\u001b[");
  });
});
