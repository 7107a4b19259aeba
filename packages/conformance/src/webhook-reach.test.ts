import { webhookConfigurations } from "@assay/webhook";
import { createAssay } from "assay";
import fc from "fast-check";
import { expect, test } from "vitest";

// What the API server does not send is let in unjudged: whatever a policy says of an object, its configuration must fetch.

interface Resource {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly versions: readonly string[];
  readonly subresources?: readonly string[];
}
const cluster: readonly Resource[] = [
  {
    ...{ group: "", plural: "pods", kind: "Pod", versions: ["v1"] },
    subresources: ["ephemeralcontainers", "status"],
  },
  { group: "", plural: "replicationcontrollers", kind: "ReplicationController", versions: ["v1"] },
  { group: "apps", plural: "deployments", kind: "Deployment", versions: ["v1"], subresources: ["status"] },
  { group: "apps", plural: "statefulsets", kind: "StatefulSet", versions: ["v1"] },
  { group: "apps.kruise.io", plural: "statefulsets", kind: "StatefulSet", versions: ["v1alpha1", "v1beta1"] },
  { group: "batch", plural: "cronjobs", kind: "CronJob", versions: ["v1"] },
  { group: "batch", plural: "jobs", kind: "Job", versions: ["v1"] },
  { group: "batch.volcano.sh", plural: "jobs", kind: "Job", versions: ["v1alpha1"] },
  {
    group: "tekton.dev",
    plural: "tasks",
    kind: "Task",
    versions: ["v1beta1", "v1"],
    subresources: ["status"],
  },
  { group: "example.com", plural: "tasks", kind: "Task", versions: ["v1"] },
  { group: "example.com", plural: "widgets", kind: "Widget", versions: ["v1", "v2alpha1"] },
];

const kindText = fc
  .record({
    group: fc.constantFrom(undefined, "*", "*.dev", ...cluster.map(({ group }) => group || "apps")),
    version: fc.constantFrom(undefined, "*", "v1", "v1beta1", "v1alpha1", "v2alpha1", "V1"),
    kind: fc.constantFrom("Pod", "Pod", "Dep*", "*Set", "T?sk", ...cluster.map(({ kind }) => kind)),
    subresource: fc.constantFrom("", "", "", "/status", ".status", "/ephemeralcontainers", "/*"),
  })
  .map(({ group, version, kind, subresource }) => {
    if (group !== undefined) return `${group}/${version ?? "*"}/${kind}${subresource}`;
    return `${version === undefined ? "" : `${version}/`}${kind}${subresource}`;
  });
const filter = fc
  .record({
    kinds: fc.option(fc.array(kindText, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 8 }),
    operations: fc.option(fc.subarray(["CREATE", "UPDATE", "DELETE", "CONNECT"], { minLength: 1 }), {
      nil: undefined,
    }),
  })
  .map((resources) => ({ resources: { namespaces: ["*"], ...JSON.parse(JSON.stringify(resources)) } }));
const extractor = [{ path: "/spec/steps/*/image" }];
const aPolicy = fc.record({
  failurePolicy: fc.constantFrom("Fail", "Ignore"),
  autogen: fc.constantFrom(
    undefined,
    "none",
    "Deployment,Job",
    "StatefulSet",
    "apps.kruise.io/v1beta1/StatefulSet",
  ),
  mode: fc.constantFrom("any", "all"),
  filters: fc.array(filter, { minLength: 1, maxLength: 2 }),
  extracts: fc.subarray(["Task", "Widget", "Pod", "StatefulSet"]),
});

const isWithoutKinds = ({
  filters,
}: {
  readonly filters: readonly { readonly resources: object }[];
}): boolean => filters.some(({ resources }) => !("kinds" in resources));

const verifyImages = [
  {
    imageReferences: ["*"],
    mutateDigest: false,
    attestors: [{ entries: [{ keys: { secret: { name: "a", namespace: "b" } } }] }],
  },
];

function policyOf(given: typeof aPolicy extends fc.Arbitrary<infer T> ? T : never, index: number): string {
  const { failurePolicy, autogen, mode, filters, extracts } = given;
  const annotations = autogen && { "pod-policies.kyverno.io/autogen-controllers": autogen };
  const imageExtractors = Object.fromEntries(extracts.map((kind) => [kind, extractor]));
  const rules = [{ name: "r", match: { [mode]: filters }, imageExtractors, verifyImages }];
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: `p${index}`, ...(annotations && { annotations }) },
    spec: { failurePolicy, rules },
  });
}

const images = [{ name: "a", image: "registry.example.com/a:1" }];
function objectOf({ group, kind }: Resource, version: string): Record<string, never> {
  const pod = { containers: images };
  const template = { template: { spec: pod } };
  return {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: { name: "a", namespace: "default" },
    spec: { ...pod, ...template, jobTemplate: { spec: template }, steps: images },
  } as never;
}

interface Hook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly rules: readonly Readonly<
    Record<"apiGroups" | "apiVersions" | "operations" | "resources", readonly string[]>
  >[];
}
interface Call {
  readonly resource: Resource;
  readonly version: string;
  readonly operation: string;
  readonly subresource: string;
}

/** k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules.Matcher */
function takes(rule: Hook["rules"][number], { resource, version, operation, subresource }: Call): boolean {
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  return (
    has(rule.apiGroups, resource.group) &&
    has(rule.apiVersions, version) &&
    has(rule.operations, operation) &&
    rule.resources.some((text) => {
      const [name, sub = ""] = text.split("/");
      return (name === "*" || name === resource.plural) && (sub === "*" || sub === subresource);
    })
  );
}

/** The version in which a webhook of `matchPolicy: Equivalent` gets a call; undefined: not at all. */
function sentIn({ rules }: Hook, call: Call): string | undefined {
  const others = call.resource.versions.filter((version) => version !== call.version);
  return [call.version, ...others].find((version) => rules.some((rule) => takes(rule, { ...call, version })));
}

test("all that a policy judges is sent, in a version that it judges, by the webhook of its failurePolicy", () => {
  let judged = 0;
  fc.assert(
    fc.property(fc.array(aPolicy, { minLength: 1, maxLength: 3 }), (given) => {
      const policies = given.map(policyOf).join("\n---\n");
      const assay = createAssay({ policies, registry: { fetch: () => Promise.reject(new Error("none")) } });
      const options = { client: { url: "https://10.0.0.5" }, caBundle: "PEM" };
      const [mutating, validating] = webhookConfigurations(assay.policies, options);
      const known = new Map<string, readonly string[]>();
      const rulesOf = (call: Call): readonly string[] => {
        const key = JSON.stringify(call);
        const { resource, operation, subresource } = call;
        const rules =
          known.get(key) ??
          assay
            .plan({
              ...{ resource: objectOf(resource, call.version), subresource },
              operation: operation as "CREATE",
            })
            .rules.map(({ policy, rule }) => `${policy} ${rule}`);
        known.set(key, rules);
        return rules;
      };
      for (const resource of cluster)
        for (const version of resource.versions)
          for (const subresource of ["", ...(resource.subresources ?? [])])
            for (const operation of ["CREATE", "UPDATE", "DELETE"]) {
              const call = { resource, version, operation, subresource };
              if (operation === "DELETE" && subresource !== "") continue;
              // A rule without kinds is about no subresource by name, and by another one no image gets into an object.
              if (subresource === "status" && given.some(isWithoutKinds)) continue;
              const wanted = resource.versions.flatMap((one) => rulesOf({ ...call, version: one }));
              for (const { webhooks } of [mutating, validating].filter((one) => one !== undefined))
                for (const [index, { failurePolicy }] of given.entries()) {
                  const got = (webhooks as readonly Hook[])
                    .filter((hook) => hook.failurePolicy === failurePolicy)
                    .flatMap((hook) => sentIn(hook, call) ?? [])
                    .flatMap((one) => rulesOf({ ...call, version: one }));
                  const mine = wanted.filter((rule) => rule.startsWith(`p${index} `));
                  judged += mine.length;
                  expect(got, JSON.stringify(call)).toEqual(expect.arrayContaining(mine));
                }
            }
    }),
    { numRuns: 80, seed: 1 },
  );
  expect(judged).toBeGreaterThan(1000);
});
