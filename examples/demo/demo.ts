// `npm run demo`: the page's two policies, the mended ones, and real images in a real registry on loopback.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { createRegistry, loadLayout } from "@assay/testkit";
import { type Assay, createAssay, explain, type JsonObject, registrySource, type Verdict } from "assay";
import { chapters, type DemoCase } from "./cases.ts";

const CLOCK = new Date("2026-11-23T12:00:00Z");
const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const read = (path: string): string => readFileSync(here(path), "utf8");
const say = (text = ""): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const started = performance.now();
  const registry = createRegistry();
  await loadLayout(here("testdata/images"), registry);
  await loadLayout(here("testdata/cosign-images"), registry);
  const server = await registry.listen();
  say(`a registry listens on ${server.host}; the clock stands at ${CLOCK.toISOString()}`);
  let surprises = 0;
  let last: Verdict | undefined;
  for (const { title, policy, cases, lesson, validating } of chapters) {
    say(`\n${styleText("bold", title)} (examples/policies/${policy})`);
    const assay = openAssay(policy, server.host);
    for (const one of cases) {
      const verdict = await assay.evaluate({ resource: podWith(one.image), mutate: validating !== true });
      if (report(one, verdict)) surprises++;
      if (!verdict.allowed) last = verdict;
    }
    if (lesson !== undefined) say(`\n${lesson.replace(/^/gm, "  ")}`);
  }
  if (last !== undefined)
    say(
      `\n${styleText("bold", "one denial, with every step and its place in the policy")}\n\n${explain(last)}`,
    );
  const stats = `${registry.requests.length} requests to the registry, none elsewhere`;
  say(
    `\n${chapters.flatMap(({ cases }) => cases).length} decisions in ${Math.round(performance.now() - started)} ms, ${stats}`,
  );
  await server.close();
  if (surprises > 0) say(`${surprises} came out otherwise than expected`);
  return surprises > 0 ? 1 : 0;
}

/** The images' names stay as the policies have them; a mirror says that they are to be had on loopback. */
function openAssay(policy: string, host: string): Assay {
  const real = policy.startsWith("made-by-cosign");
  return createAssay({
    policies: [{ file: `examples/policies/${policy}`, text: read(`policies/${policy}`) }],
    source: registrySource({
      mirrors: ["registry.example.com", "ghcr.io"].map((prefix) => ({ prefix, location: host, only: true })),
    }),
    trust: { json: read(real ? "testdata/cosign-trusted-root.json" : "testdata/trusted-root.json") },
    objects: [read("cluster/kyverno-configmap.yaml")],
    variables: { ORG: "acme" },
    clock: () => CLOCK,
  });
}

function podWith(image: string): { readonly [key: string]: JsonObject | string } {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "demo", namespace: "default" },
    spec: { containers: [{ name: "app", image }] },
  };
}

/** Prints one decision; true where it is not the expected one. */
function report({ image, story, expected }: DemoCase, verdict: Verdict): boolean {
  const decided = verdict.allowed ? "allowed" : "denied";
  say(`  ${styleText(verdict.allowed ? "green" : "red", decided.padEnd(7))} ${image}`);
  say(`          ${styleText("dim", story)}`);
  for (const result of verdict.results.filter(({ outcome }) => outcome !== "pass")) {
    say(wrap(`${result.code}: ${result.message.replace(`failed to verify image ${image}: `, "")}`));
  }
  for (const patch of verdict.patches) say(`          runs as ${String(patch.value)}`);
  if (decided !== expected) say(`          ${styleText("yellow", `expected: ${expected}`)}`);
  return decided !== expected;
}

/** Lines of at most 110 columns below the image's name. */
function wrap(text: string): string {
  const lines = text.match(/.{1,98}(?: |$)|\S+ ?/g) ?? [];
  return lines.map((line, i) => `          ${i === 0 ? "" : "  "}${line.trimEnd()}`).join("\n");
}

process.exitCode = await main();
