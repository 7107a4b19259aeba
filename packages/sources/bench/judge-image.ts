import { createEngine, type EvidenceSource } from "@assay/engine";
import { loadPolicies } from "@assay/policy";
import { registrySource } from "@assay/sources/registry";

/** Where the images are, and whose signatures count. */
export interface Fleet {
  readonly host: string;
  readonly pem: string;
}

/** Says of one image whether it may run, by one key and without logs: what a scan does 10,000 times. */
export function imageJudge(
  { host, pem }: Fleet,
  evidence: EvidenceSource = registrySource(),
): (image: string, options: { signal: AbortSignal }) => Promise<boolean> {
  const keys = { publicKeys: pem, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "signed" },
    spec: {
      rules: [
        {
          name: "signed",
          match: { any: [{ resources: { kinds: ["Pod"] } }] },
          verifyImages: [
            {
              imageReferences: [`${host}/*`],
              failureAction: "Enforce",
              attestors: [{ entries: [{ keys }] }],
            },
          ],
        },
      ],
    },
  };
  const { policies } = loadPolicies([{ file: "signed.yaml", text: JSON.stringify(policy) }]);
  const engine = createEngine({ policies, sources: { evidence }, clock: () => new Date() });
  return async (image, { signal }) => {
    const resource = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "x" },
      spec: { containers: [{ name: "x", image }] },
    };
    const { verdict } = await engine.evaluate({ resource }, { signal });
    if (verdict.outcome === "error") throw new Error(verdict.results[0]?.message ?? "could not be decided");
    return verdict.allowed;
  };
}
