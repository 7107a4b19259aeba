import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { loadPolicies } from "@assay/policy";
import { createEngine } from "../src/engine.ts";
import type { Answer, EvidenceSource, Sources } from "../src/gather/lookup.ts";
import { lookupKey } from "../src/gather/lookup-key.ts";
import { keys, noon, pinned, pod, policy } from "../test/build.ts";
import { fixtureSources } from "../test/fixture-source.ts";

// What judging costs where one key signed an image and three attestations about it, each of which a policy asks for: CPU
// time of a whole evaluation without the registry, and the signatures that are verified in it.
// node --conditions=assay:source packages/engine/bench/attestations.ts [--quick]

const quick = process.argv.includes("--quick");
const rounds = quick ? 3 : 15;
const times = quick ? 50 : 200;
/** Enough for V8's last compiler. */
const warmUps = quick ? 50 : 1000;

const types = [
  "https://slsa.dev/provenance/v0.2",
  "https://spdx.dev/Document",
  "https://cosign.sigstore.dev/attestation/vuln/v1",
];

let verified = 0;
const { verify } = crypto;
crypto.verify = ((...args: Parameters<typeof verify>) => {
  verified++;
  return verify(...args);
}) as typeof verify;
syncBuiltinESMExports();

/** Answers at hand; where it is `anew`, each is a copy, as of an image that nobody has met. */
function sourcesOf(anew: boolean): Sources {
  const cold = fixtureSources();
  const answers = new Map<string, Answer>();
  const evidence: EvidenceSource = {
    async fetch(lookup, options) {
      const key = lookupKey(lookup);
      const known = answers.get(key) ?? (await cold.evidence.fetch(lookup, options));
      answers.set(key, known);
      // It was answered by a source, under the key of its lookup.
      return (anew ? structuredClone(known) : known) as never;
    },
  };
  return { ...cold, evidence };
}

async function measure(title: string, count: number, anew: boolean): Promise<void> {
  const attestors = [{ entries: [keys()] }];
  const attestations = types.map((type) => ({ type, attestors }));
  const { policies } = loadPolicies(
    Array.from({ length: count }, (_, i) => ({
      text: JSON.stringify(policy({ name: `policy-${i}`, entry: { attestors, attestations } })),
      file: `policy-${i}.json`,
    })),
  );
  const engine = createEngine({ policies, sources: sourcesOf(anew), clock: () => noon });
  const request = { resource: pod(pinned("key-att3")) };
  const run = async (): Promise<void> => {
    const { verdict } = await engine.evaluate(request, { remember: false });
    if (!verdict.allowed) throw new Error("the bench's Pod should be allowed");
  };
  for (let i = 0; i < warmUps; i++) await run();
  verified = 0;
  const spent: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) await run();
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / times);
  }
  spent.sort((a, b) => a - b);
  const [least = 0] = spent;
  const median = spent[Math.floor(rounds / 2)] ?? 0;
  const each = (verified / rounds / times).toFixed(1);
  process.stdout.write(
    `${title.padEnd(40)} ${median.toFixed(0).padStart(5)} µs of CPU (least ${least.toFixed(0)}), ${each} signatures verified\n`,
  );
}

for (const count of [1, 3]) {
  const asked = `3 attestations, ${count === 1 ? "1 policy" : `${count} policies`}`;
  await measure(`${asked}, new image`, count, true);
  await measure(`${asked}, known image`, count, false);
}
