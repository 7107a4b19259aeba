import { createEngine, type EngineLimits, type Evaluation, type Verdict } from "@assay/engine";
import { loadPolicies, type Trace } from "@assay/policy";
import { type RegistryOptions, registrySource } from "@assay/sources/registry";
import { rekorLogs } from "@assay/sources/rekor";
import { trustRoots } from "@assay/sources/trust";
import { createRegistry, type Handler, hostFetch, type Registry } from "@assay/testkit";
import { type Judged, now, policyKey, sigstore } from "./world.ts";

/** Where the engine's cases keep their images. */
export const HOST = "registry.example.com";

/** What a case may change about the world that it is judged in. */
export interface WorldOptions {
  /** Other hosts that answer. Every other host does not exist. */
  readonly hosts?: Readonly<Record<string, Handler>>;
  readonly source?: RegistryOptions;
  /** YAML of the attestors. Default: the policy's key, no log. */
  readonly attestors?: string;
  /** Further YAML lines of the image verification, e.g. `repository: …`. */
  readonly entry?: readonly string[];
  readonly failurePolicy?: "Fail" | "Ignore";
  readonly failureAction?: "Enforce" | "Audit";
  /** Default: logs are not asked. */
  readonly logLookup?: "whenMissing";
  readonly trust?: string;
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
  readonly limits?: EngineLimits;
}

/** A judgement with everything that was asked for it. */
export interface EngineJudged extends Judged {
  readonly verdict: Verdict;
  readonly evaluation: Evaluation;
  /** `https://host/path` of every request, in order, those to hosts that do not exist too. */
  readonly asked: readonly string[];
}

/** An empty registry for the engine's cases. */
export function world(options: Parameters<typeof createRegistry>[0] = {}): Registry {
  return createRegistry({ host: HOST, ...options });
}

/** YAML of an attestor by the policy's key, without a log. */
export function keyYaml(pem: string = policyKey.pem, more = ""): string {
  return `{ keys: { publicKeys: ${JSON.stringify(pem)}, rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } }${more} }`;
}

/** The policy of these cases. */
function policyYaml({
  attestors = keyYaml(),
  entry = [],
  failurePolicy = "Fail",
  failureAction = "Enforce",
}: WorldOptions = {}): string {
  return `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: abuse }
spec:
  validationFailureAction: ${failureAction}
  failurePolicy: ${failurePolicy}
  rules:
    - name: signed
      match: { any: [{ resources: { kinds: [Pod] } }] }
      verifyImages:
        - imageReferences: ["*"]
          attestors: [{ entries: [${attestors}] }]
${entry.map((line) => `          ${line}`).join("\n")}
`;
}

/** Judges a Pod with that image by the policy, over the registry and nothing else. */
export async function judgePod(
  registry: Registry,
  images: string | readonly string[],
  options: WorldOptions = {},
): Promise<EngineJudged> {
  return await engineOf(registry, options)(images);
}

/** One engine for several judgements. */
export function engineOf(
  registry: Registry,
  options: WorldOptions = {},
): (images: string | readonly string[]) => Promise<EngineJudged> {
  const asked: string[] = [];
  const reach = hostFetch({ [registry.host]: registry.handle, ...options.hosts });
  const fetch: typeof globalThis.fetch = async (input, init) => {
    asked.push(input instanceof Request ? input.url : String(input));
    return await reach(input, init);
  };
  const engine = createEngine({
    policies: loadPolicies(policyYaml(options)).policies,
    clock: () => now,
    sources: {
      evidence: registrySource({
        fetch,
        retry: { attempts: 1 },
        resolve: async () => ["192.0.2.1"],
        ...options.source,
      }),
      trust: trustRoots({ json: options.trust ?? sigstore.trustedRoot() }),
      log: rekorLogs({ fetch, timeoutMs: 1000 }),
    },
    ...(options.logLookup && { logLookup: options.logLookup }),
    ...(options.limits && { limits: options.limits }),
  });
  const { signal, timeoutMilliseconds } = options;
  const limits = { ...(signal && { signal }), ...(timeoutMilliseconds && { timeoutMilliseconds }) };
  return async (images) => {
    asked.splice(0);
    const containers = (typeof images === "string" ? [images] : images).map((image, i) => ({
      name: `c${i}`,
      image,
    }));
    const metadata = { name: "web", namespace: "default" };
    const resource = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
    const evaluation = await engine.evaluate({ resource }, limits);
    return judged(evaluation, [...asked]);
  };
}

function judged(evaluation: Evaluation, asked: readonly string[]): EngineJudged {
  const { verdict } = evaluation;
  const nodes: Trace[] = [];
  const walk = (node: Trace): void => {
    nodes.push(node);
    node.children.forEach(walk);
  };
  verdict.trace.forEach(walk);
  const refused = verdict.outcome === "error" ? "error" : "denied";
  return {
    outcome: verdict.allowed ? "allowed" : refused,
    codes: [...verdict.results, ...nodes].map(({ code }) => code),
    messages: [...verdict.results, ...nodes].map(({ code, message }) => `${code}: ${message}`),
    statements: [],
    ...{ verdict, evaluation, asked },
  };
}
