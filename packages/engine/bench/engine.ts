import type { JsonObject, Policy } from "@assay/policy";
import { loadPolicies } from "@assay/policy";
import { createEngine } from "../src/engine.ts";
import type { EvidenceSource, Sources } from "../src/gather/lookup.ts";
import { lookupKey } from "../src/gather/lookup-key.ts";
import { entry, noon, pinned, pod, policy } from "../test/build.ts";
import { fixtureSources } from "../test/fixture-source.ts";

// What an evaluation costs by the number of policies and containers, warm, on one core; and the memory of policies.
// node --expose-gc --conditions=assay:source packages/engine/bench/engine.ts [--quick]

const quick = process.argv.includes("--quick");
const milliseconds = quick ? 150 : 600;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** A registry whose answers are at hand, as a warm source's are. */
function warmSources(): Sources {
  const cold = fixtureSources();
  const answers = new Map<string, Promise<never>>();
  const evidence: EvidenceSource = {
    fetch(lookup, options) {
      const key = lookupKey(lookup);
      const known = answers.get(key) ?? (cold.evidence.fetch(lookup, options) as Promise<never>);
      answers.set(key, known);
      return known;
    },
  };
  return { ...cold, evidence };
}

/** One policy that is about the images, and others that are about other images, as in a large cluster. */
function policies(count: number): readonly Policy[] {
  const documents = Array.from({ length: count }, (_, index) =>
    policy({
      name: `policy-${index}`,
      entries: [
        entry(index === 0 ? {} : { imageReferences: [`registry-${index}.example.com/team-${index}/*`] }),
      ],
    }),
  );
  return loadPolicies(
    documents.map((document, index) => ({ text: JSON.stringify(document), file: `${index}.json` })),
  ).policies;
}

async function rate(run: () => Promise<unknown>): Promise<number> {
  for (let index = 0; index < 20; index++) await run();
  const started = performance.now();
  let runs = 0;
  while (performance.now() - started < milliseconds) {
    await run();
    runs++;
  }
  return (1000 * runs) / (performance.now() - started);
}

const signed = ["key-ecdsa", "key-two", "key-ann", "c2-key-ecdsa"].map((name) => pinned(name));

/** Containers of two signed images, as real Pods repeat a few images. */
function resource(containers: number): JsonObject {
  return pod(Array.from({ length: containers }, (_, index) => signed[index % 2] ?? ""));
}

async function matrix(remember: boolean): Promise<void> {
  print(`warm evaluations a second, two signed images${remember ? "" : ", every signature verified anew"}`);
  print(
    `${"policies".padStart(10)} ${[1, 10, 1000].map((count) => `${count} containers`.padStart(16)).join("")}`,
  );
  for (const count of [1, 10, 100, 1000]) {
    const engine = createEngine({ policies: policies(count), sources: warmSources(), clock: () => noon });
    const rates: number[] = [];
    for (const containers of [1, 10, 1000]) {
      const request = { resource: resource(containers) };
      const { verdict } = await engine.evaluate(request);
      if (!verdict.allowed) throw new Error("the bench's Pod should be allowed");
      rates.push(await rate(() => engine.evaluate(request, { remember })));
    }
    print(
      `${String(count).padStart(10)} ${rates.map((one) => Math.round(one).toLocaleString("en").padStart(16)).join("")}`,
    );
  }
}

async function headline(): Promise<void> {
  const engine = createEngine({ policies: policies(1), sources: warmSources(), clock: () => noon });
  const request = { resource: pod(signed.slice(0, 2)) };
  const warm = await rate(() => engine.evaluate(request));
  const anew = await rate(() => engine.evaluate(request, { remember: false }));
  print(
    `Pod with two signed images: ${Math.round(warm).toLocaleString("en")} a second warm, ${Math.round(anew).toLocaleString("en")} listing and verifying anew (goal: 2,000)`,
  );
}

function memory(): void {
  const collect = globalThis.gc;
  if (collect === undefined) {
    print("memory: run with --expose-gc");
    return;
  }
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = policies(1000);
  const engine = createEngine({ policies: kept, sources: warmSources(), clock: () => noon });
  collect();
  const used = process.memoryUsage().heapUsed - before;
  print(
    `memory of 1,000 policies, loaded and prepared: ${(used / 2 ** 20).toFixed(1)} MiB (${kept.length} policies, ${typeof engine.evaluate})`,
  );
}

await headline();
await matrix(true);
if (!quick) await matrix(false);
memory();
