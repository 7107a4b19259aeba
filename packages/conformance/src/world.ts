import {
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  type Registry,
  type Sigstore,
  type TestImage,
} from "@assay/testkit";
import { type AssayOptions, createAssay, type JsonObject, type Verdict } from "assay";

/** A registry and a Sigstore of a test's own, and everything to ask assay about them. */
export interface World {
  readonly registry: Registry;
  readonly sigstore: Sigstore;
  /** An image with a name of its own. */
  readonly image: (name?: string) => TestImage;
  /** Judges a Pod that runs these images, under one policy with this rule. */
  readonly judge: (
    rule: PolicyRule,
    images: string | readonly string[],
    options?: JudgeOptions,
  ) => Promise<Verdict>;
}

/** What goes into the one rule of a policy, and into the policy around it. */
export interface PolicyRule {
  readonly verifyImages?: readonly object[];
  readonly context?: readonly object[];
  readonly spec?: object;
  readonly metadata?: object;
}

export type JudgeOptions = Partial<AssayOptions> & {
  readonly mutate?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
};

export const HOST = "registry.example.com";

/** Time stands still at the test kit's frozen time. */
export function createWorld(): World {
  const registry = createRegistry({ host: HOST });
  const sigstore = createSigstore();
  let names = 0;
  return {
    registry,
    sigstore,
    image: (name = `acme/app-${names++}`) => image({ repository: name }).using({ format: "legacy" }),
    judge: async (rule, images, { mutate, annotations, ...options } = {}) => {
      const assay = worldAssay({ registry, sigstore }, rule, options);
      const resource = podOf(typeof images === "string" ? [images] : images, annotations);
      return await assay.evaluate({ resource, ...(mutate === undefined ? {} : { mutate }) });
    },
  };
}

/** An assay that lives on, for tests that ask it twice. */
export function worldAssay(
  { registry, sigstore }: Pick<World, "registry" | "sigstore">,
  rule: PolicyRule,
  options: Partial<AssayOptions> = {},
): ReturnType<typeof createAssay> {
  return createAssay({
    policies: policyOf(rule),
    registry: { fetch: registry.fetch, credentials: [], retry: { attempts: 1 } },
    trust: { json: sigstore.trustedRoot() },
    clock: () => new Date(FROZEN_TIME),
    ...options,
  });
}

export function policyOf({ verifyImages = [], context, spec, metadata }: PolicyRule): string {
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "policy", ...metadata },
    spec: {
      validationFailureAction: "Enforce",
      ...spec,
      rules: [
        {
          name: "rule",
          match,
          ...(context === undefined ? {} : { context }),
          verifyImages: verifyImages.map((entry) => ({ imageReferences: [`${HOST}/*`], ...entry })),
        },
      ],
    },
  });
}

/** One attestor set with one entry: this key, without a log. */
export function keyed(publicKeys: string, more: object = {}): readonly object[] {
  return [{ count: 1, entries: [{ keys: { publicKeys, rekor: { ignoreTlog: true } }, ...more }] }];
}

/** One attestor set with one entry: this identity, logged in the log of the trust root. */
export function keyless(identity: object): readonly object[] {
  return [
    { count: 1, entries: [{ keyless: { rekor: { url: "https://rekor.sigstore.dev" }, ...identity } }] },
  ];
}

/** AnyAllConditions with one condition. */
export function condition(key: string, operator: string, value: unknown): readonly object[] {
  return [{ all: [{ key, operator, value }] }];
}

export function podOf(images: readonly string[], annotations?: Readonly<Record<string, string>>): JsonObject {
  const containers = images.map((name, i) => ({ name: `c${i}`, image: name }));
  const metadata = {
    name: "pod",
    namespace: "default",
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
}

/** The codes of a verdict's results, sorted. */
export function codesOf({ results }: Verdict): readonly string[] {
  return results.map(({ code }) => code).sort();
}
