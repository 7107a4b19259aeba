// Judges one Pod several times in a process of its own, so that the first time is cold, and prints the event loop's
// longest turn in each phase. Arguments: the registry's host, the public key, what to say, the images' repositories.
import { setTimeout } from "node:timers/promises";
import { createEngine, type EvidenceSource } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";
import { measureTurns } from "./turns.ts";

const [host = "", pem = "", title = "", licence = "", ...repositories] = process.argv.slice(2);
const { policies } = loadPolicies(
  JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "sbom" },
    spec: {
      validationFailureAction: "Enforce",
      webhookTimeoutSeconds: 30,
      rules: [
        {
          name: "sbom",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: ["*"],
              attestors: [{ entries: [{ keys: { publicKeys: pem, rekor: { ignoreTlog: true } } }] }],
              attestations: [
                {
                  type: "https://spdx.dev/Document",
                  conditions: [
                    {
                      all: [
                        { key: "{{ spdxVersion }}", operator: "Equals", value: "SPDX-2.3" },
                        { key: "{{ packages[].licenseConcluded }}", operator: "AllIn", value: [licence] },
                      ],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    },
  }),
);
const resource = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: {
    containers: repositories.map((name, index) => ({ name: `c${index}`, image: `${host}/${name}:v1` })),
  },
};

/** When the last answer came: what follows is judging. */
let answered = 0;
function watched(source: EvidenceSource): EvidenceSource {
  return {
    async fetch(lookup, options) {
      const answer = await source.fetch(lookup, options);
      answered = performance.now();
      return answer;
    },
  };
}

const evidence = watched(registrySource());
const engine = createEngine({ policies, sources: { evidence }, clock: () => new Date() });
for (const run of ["cold", "warm", "again"]) {
  await setTimeout(200);
  const started = performance.now();
  const turns = measureTurns();
  const { verdict, stats } = await engine.evaluate({ resource });
  const done = performance.now();
  const { cpu, wall, delay } = turns.stop();
  const phases = `read in ${Math.round(answered - started)}, judged in ${Math.round(done - answered)} ms`;
  process.stdout.write(
    `${title.padEnd(22)} ${run.padEnd(5)} ${verdict.outcome}, away ${stats.away}, ${phases}; longest turn: ` +
      `${cpu.toFixed(1)} ms of CPU, ${wall.toFixed(1)} ms by a timer, ${delay.toFixed(1)} ms event loop delay\n`,
  );
}
