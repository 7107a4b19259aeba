import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { ROOT } from "./run-cli.ts";

// A process of its own takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const EXAMPLES = readdirSync(join(ROOT, "examples")).filter((name) => /^\d\d-/.test(name));

interface Ran {
  readonly status: number | null;
  readonly out: string;
}

const ran = new Map<string, Ran>();

function linesOf(path: string): number {
  return readFileSync(join(ROOT, "examples", path), "utf8")
    .trimEnd()
    .split("\n").length;
}

/** Each program runs once, whoever asks. */
function run(path: string): Ran {
  const known = ran.get(path);
  if (known !== undefined) return known;
  const args = ["--conditions=assay:source", join(ROOT, "examples", path)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  const result = { status, out: stdout + stderr };
  ran.set(path, result);
  return result;
}

test.each(EXAMPLES)("examples/%s runs", (name) => {
  const { status, out } = run(`${name}/main.ts`);
  expect(status, out).toBe(0);
});

test.each(EXAMPLES)("examples/%s has at most 40 lines", (name) => {
  expect(linesOf(`${name}/main.ts`)).toBeLessThanOrEqual(40);
});

test.each(["node-http", "hono", "express", "fastify", "pepr"])(
  "the webhook recipe for %s has at most 20 lines",
  (name) => {
    expect(linesOf(`06-webhook-recipes/${name}.ts`)).toBeLessThanOrEqual(20);
    expect(run("06-webhook-recipes/main.ts").out).toContain(`${name.replace("node-http", "node:http")}: `);
  },
);

test("the controller example reports what runs, by the cluster's policy, and ends", () => {
  const { out } = run("08-controller/main.ts");
  expect(out).toContain('PolicyReport about signed: {"pass":1,');
  expect(out).toContain('PolicyReport about unsigned: {"pass":0,"fail":1,');
  expect(out).toContain('"judged":2,"denied":1');
});

test("the first example tells signed from unsigned", () => {
  const { out } = run("01-check-an-image/main.ts");
  expect(out).toContain("registry.example.com/acme/key-att3:v1 is signed: run sha256:20f3d5cb");
  expect(out).toContain("Image registry.example.com/acme/key-other:v1: denied");
});

test("the replay example turns one decision with a stricter policy", () => {
  const { out } = run("04-replay/main.ts");
  expect(out).toContain("replayed: allowed, as then: true");
  expect(out).toContain("by the stricter policy: denied");
});

test("the demo decides as its stories say, and says why the page's words cannot hold", () => {
  const { status, out } = run("demo/demo.ts");
  expect(out).toContain("image reference must be by digest");
  expect(out).toContain("buildType is …/slsa-github-generator/container@v1");
  expect(out).toContain("cosign drops scanner.name");
  expect(out).not.toContain("expected:");
  expect(status).toBe(0);
});
