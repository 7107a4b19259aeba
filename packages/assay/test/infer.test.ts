import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  type Registry,
  type RunningServer,
  slsa,
  spdx,
} from "@assay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "./run-here.ts";

const WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";
let cwd = "";
let registry: Registry;
let server: RunningServer;
let flags: readonly string[] = [];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-infer-"));
  const sigstore = createSigstore();
  registry = createRegistry();
  const workflow = sigstore.identity({ subject: WORKFLOW, issuer: ISSUER });
  const stranger = sigstore.identity({ subject: WORKFLOW.replace("acme", "evil"), issuer: ISSUER });
  const odd = sigstore.identity({ subject: "https://ci.example/*/build", issuer: ISSUER });
  const other = sigstore.identity({ subject: "https://ci.example/any/build", issuer: ISSUER });
  const key = createKey();
  const app = (tag: string, builder: string) =>
    image({ repository: "app", tag })
      .signedBy(workflow)
      .attested(slsa({ builder, buildType: "https://ci.example/v1" }), spdx());
  app("v1", "https://ci.example/a").pushTo(registry);
  app("v2", "https://ci.example/b").using({ format: "bundle-v0.3" }).pushTo(registry);
  image({ repository: "app", tag: "evil" }).signedBy(stranger).attested(slsa(), spdx()).pushTo(registry);
  image({ repository: "odd" }).signedBy(odd).pushTo(registry);
  image({ repository: "odd", tag: "other" }).signedBy(other).pushTo(registry);
  image({ repository: "keyed" }).signedBy(key).pushTo(registry);
  image({ repository: "logged" }).using({ log: sigstore.rekor }).signedBy(key).pushTo(registry);
  image({ repository: "unsigned" }).pushTo(registry);
  const tagged = sigstore.identity({ subject: WORKFLOW.replace("heads/main", "tags/v1"), issuer: ISSUER });
  const builtBy = (builder: string) => slsa({ builder, buildType: "https://ci.example/v1" });
  const of = (repository: string, tag = "v1") => image({ repository, tag });
  const images = [
    of("shared").signedBy(other).signedBy(workflow),
    of("shared", "v2").signedBy(workflow),
    of("shared", "other").signedBy(other),
    of("apart").signedBy(workflow),
    of("apart", "v2").signedBy(key),
    of("apart", "evil").signedBy(stranger),
    of("partly").signedBy(workflow).attested(spdx(), builtBy("https://ci.example/a")),
    of("partly", "v2").signedBy(workflow).attested(builtBy("https://ci.example/a")),
    of("partly", "bare").signedBy(workflow),
    of("review").signedBy(workflow).attestedBy(other, spdx()),
    of("review", "own").signedBy(workflow).attestedBy(workflow, spdx()),
    of("starred").signedBy(workflow).attested(builtBy("https://ci.example/*")),
    of("tagged").signedBy(tagged),
  ];
  for (const one of images) one.pushTo(registry);
  server = await registry.listen();
  await writeFile(join(cwd, "root.json"), sigstore.trustedRoot());
  await writeFile(join(cwd, "cosign.pub"), key.pem);
  flags = ["--trusted-root", "root.json", "--now", FROZEN_TIME];
});
afterAll(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});

const named = (name: string): string => `${server.host}/${name}`;

/** The decision of an inferred policy about other images. */
async function decide(policy: string, ...names: string[]): Promise<readonly boolean[]> {
  await writeFile(join(cwd, "policy.yaml"), policy);
  const pods = names.map((name) => {
    const spec = { containers: [{ name: "app", image: named(name) }] };
    return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec });
  });
  const args = ["apply", "policy.yaml", "-r", "-", "--output", "json", ...flags];
  const { out, err } = await runHere(args, { cwd, stdin: pods.join("\n---\n") });
  expect(err).toBe("");
  return JSON.parse(out).verdicts.map((verdict: { allowed: boolean }) => verdict.allowed);
}

test("two releases give one entry: their signer, their common attestations, what their provenance shares", async () => {
  const { out, status } = await runHere(["infer", named("app:v1"), named("app:v2"), ...flags], { cwd });
  expect(out).toContain(`subject: ${WORKFLOW}`);
  expect(out).toContain("type: https://slsa.dev/provenance/v1");
  expect(out).toContain("type: https://spdx.dev/Document");
  expect(out).toContain("value: https://ci.example/v1");
  // The builders differ, so the policy does not ask for one.
  expect(out).not.toContain("{{ runDetails.builder.id }}");
  expect(out).toMatch(
    /^# - any runDetails\.builder\.id, .* in an attestation https:\/\/slsa\.dev\/provenance\/v1$/m,
  );
  expect(out).toContain(`signed by ${WORKFLOW} (as ${ISSUER} says)`);
  expect(out).toContain("# - whatever anyone who can push to main makes the workflow sign");
  expect(status).toBe(0);
  expect(await decide(out, "app:v1", "app:v2", "app:evil")).toEqual([true, true, false]);
});

test("one release is held to its builder", async () => {
  const { out } = await runHere(["infer", named("app:v1"), ...flags], { cwd });
  expect(out).toContain("value: https://ci.example/a");
  expect(await decide(out, "app:v1", "app:v2")).toEqual([true, false]);
});

// What is looked at; what the policy admits and what not; what is said of it.
test.each<[string, string[], string[], string[], RegExp]>([
  [
    "who signed all of them, though others signed one",
    ["shared:v1", "shared:v2"],
    ["shared:v1", "shared:v2"],
    ["shared:other"],
    /signed by https:\/\/github\.com\/acme\/\S+ \(as \S+ says\)$/m,
  ],
  [
    "each who signed one of them, where nobody signed all",
    ["apart:v1", "apart:v2"],
    ["apart:v1", "apart:v2"],
    ["apart:evil"],
    /signed by https:\S+ \(as \S+ says\) or the key$/m,
  ],
  [
    "the attestations that all have, and no others",
    ["partly:v1", "partly:v2"],
    ["partly:v1", "partly:v2"],
    ["partly:bare"],
    /with https:\/\/slsa\.dev\/provenance\/v1$/m,
  ],
  [
    "attestations by who made them",
    ["review:v1"],
    ["review:v1"],
    ["review:own"],
    /any content of an attestation|any spdxVersion|with https:\/\/spdx\.dev\/Document/,
  ],
  [
    "nothing of a value that would match more than itself",
    ["starred:v1"],
    ["starred:v1"],
    [],
    /^# - any runDetails\.builder\.id, .* in an attestation/m,
  ],
  [
    "a release's own tag",
    ["tagged:v1"],
    ["tagged:v1"],
    [],
    /nothing of a later release: the identity ends in @refs\/tags\/v1; write refs\/tags\/v\* for all/,
  ],
  [
    "several repositories, each by itself",
    ["shared:v2", "keyed:v1"],
    ["shared:v2", "keyed:v1"],
    ["apart:evil"],
    /every image of \S+\/shared, [\s\S]*every image of \S+\/keyed, /,
  ],
])("a policy asks for %s", async (_name, looked, admitted, refused, said) => {
  const args = ["infer", ...looked.map(named), "--key", "cosign.pub", ...flags];
  const { out, err, status } = await runHere(args, { cwd });
  expect(err).toBe("");
  expect(out).toMatch(said);
  expect(status).toBe(0);
  expect(await decide(out, ...admitted)).toEqual(admitted.map(() => true));
  const others = refused.filter((name) => looked.some((one) => one.split(":")[0] === name.split(":")[0]));
  expect(await decide(out, ...looked, ...others)).toEqual([
    ...looked.map(() => true),
    ...others.map(() => false),
  ]);
});

test("--name and --now are those of the policy and of its judgement", async () => {
  const { out } = await runHere(["infer", named("shared:v2"), ...flags, "--name", "mine"], { cwd });
  expect(out).toContain("  name: mine\n");
  const before = [...flags.slice(0, 2), "--now", "2000-01-01T00:00:00Z"];
  const { status, err } = await runHere(["infer", named("shared:v2"), ...before], { cwd });
  expect(err).toContain("nobody is proven to have signed");
  expect(status).toBe(2);
});

test("an identity with a star in it is taken literally", async () => {
  const { out } = await runHere(["infer", named("odd:v1"), ...flags], { cwd });
  expect(out).toContain("subjectRegExp:");
  expect(await decide(out, "odd:v1", "odd:other")).toEqual([true, false]);
});

test.each([
  ["keyed", true],
  ["logged", false],
])("%s: the log is given up only where there is no entry (%s)", async (name, ignored) => {
  const { out } = await runHere(["infer", named(`${name}:v1`), "--key", "cosign.pub", ...flags], { cwd });
  expect(out.includes("ignoreTlog: true")).toBe(ignored);
  expect(out.includes("that no transparency log has seen")).toBe(ignored);
  expect(await decide(out, `${name}:v1`)).toEqual([true]);
});

test.each([
  ["unsigned:v1", "sign it, or leave it out"],
  ["keyed:v1", "name the keys that may have signed with --key FILE"],
  ["missing:v1", "does not exist"],
])("%s: no policy, exit 2", async (name, said) => {
  const { out, err, status } = await runHere(["infer", named(name), ...flags], { cwd });
  expect(err).toContain(said);
  expect(out).toBe("");
  expect(status).toBe(2);
});

test("JSON holds the policy, what else it admits, and what was proven", async () => {
  const { out } = await runHere(["infer", named("app:v1"), "--output", "json", ...flags], { cwd });
  const report = JSON.parse(out);
  expect(report.policy.kind).toBe("ClusterPolicy");
  expect(report.images[0].signers).toEqual([{ kind: "keyless", subject: WORKFLOW, issuer: ISSUER }]);
  expect(report.alsoAdmits.length).toBeGreaterThan(0);
});

test("--timeout ends the look at an image whose registry never answers", async () => {
  const mend = registry.inject({ effect: { kind: "hang" } });
  const { status, out, err } = await runHere(["infer", named("app:v1"), ...flags, "--timeout", "0.05"], {
    cwd,
  });
  mend();
  expect(err).toContain("no answer within 0.05 s");
  expect(out).toBe("");
  expect(status).toBe(2);
});
