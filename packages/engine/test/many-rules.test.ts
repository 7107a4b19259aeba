import { type JsonObject, loadPolicies, type Policy, PolicyError } from "@assay/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import type { EvaluationRequest, Verdict } from "../src/verdict/verdict.ts";
import { entry, image, noon, pinned, policy } from "./build.ts";
import { fixtureSources } from "./fixture-source.ts";

/** More rules than are looked at one by one, none of which is about anything that is asked here. */
const { policies: others } = loadPolicies(
  JSON.stringify(
    policy({
      name: "others",
      rules: Array.from({ length: 40 }, (_, index) => ({
        name: `other-${index}`,
        match: { any: [{ resources: { kinds: ["ConfigMap"] } }] },
        verifyImages: [{ ...entry(), imageReferences: [`other-${index}.example/*`] }],
      })),
    }),
  ),
);

const some = <T>(...items: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...items), { minLength: 1, maxLength: 2 });
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(one, { nil: undefined, freq: 2 });

const kinds = fc.oneof(
  fc.constant(["Pod", "Deployment", "Task"]),
  some(
    ...["Pod", "v1/Pod", "*/Pod", "Po*", "*", "Pod/*", "Pod/ephemeralcontainers", "Pod.status", "*/*"],
    ...["Deployment", "apps/v1/Deployment", "apps/*/D*", "*Set", "v1/ReplicaSet", "batch/v1/CronJob", "Task"],
  ),
);
const rarely = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(one, { nil: undefined, freq: 1 }).chain((value) => fc.constantFrom(undefined, undefined, value));
const filter = fc.record({
  resources: fc.record({
    kinds,
    namespaces: rarely(some("prod", "pr*", "dev")),
    names: rarely(some("web", "w*", "api")),
    selector: rarely(fc.constant({ matchLabels: { app: "web" } })),
    operations: rarely(some("CREATE", "UPDATE")),
  }),
  subjects: rarely(fc.constant([{ kind: "User", name: "alice" }])),
  clusterRoles: rarely(fc.constant(["edit"])),
});
const match = fc
  .tuple(fc.constantFrom("any", "all"), fc.array(filter, { minLength: 1, maxLength: 2 }))
  .map(([mode, filters]) => ({ [mode]: filters }));
const references = fc.oneof(
  some("*", "127.0.0.1:500?/acme/*"),
  some(
    ...["127.0.0.1:*", "127.0.0.1:5001/acme/key-ecdsa:v1", "*:v1", "*@sha256:*", "docker.io/*", "nginx*"],
    ...["docker.io/library/nginx*", "index.docker.io/*", "LOCALHOST:5001/*", "?ocalhost:*"],
  ),
);
const anEntry = fc
  .record(
    {
      imageReferences: references,
      required: fc.boolean(),
      mutateDigest: fc.boolean(),
      verifyDigest: fc.boolean(),
    },
    { requiredKeys: ["imageReferences"] },
  )
  .chain((over) => rarely(references).map((skip = []) => entry({ ...over, skipImageReferences: skip })));
const rule = fc
  .record({
    match,
    exclude: rarely(match),
    imageExtractors: rarely(
      fc.constantFrom("Pod", "Task", "Deployment").map((kind) => ({ [kind]: [{ path: "/spec/image" }] })),
    ),
    verifyImages: fc.array(anEntry, { minLength: 1, maxLength: 2 }),
  })
  .map((parts) => JSON.parse(JSON.stringify(parts)) as JsonObject);
const document = fc
  .record({
    name: fc.constantFrom("a", "b", "c", "d"),
    namespace: rarely(fc.constantFrom("prod", "dev")),
    applyRules: maybe(fc.constantFrom("One", "All")),
    failurePolicy: fc.constantFrom("Fail", "Ignore"),
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  })
  .map(({ name, namespace, rules, ...spec }) => {
    const whole = policy({
      kind: namespace === undefined ? "ClusterPolicy" : "Policy",
      namespace: namespace ?? "",
    });
    return {
      ...whole,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      spec: { ...spec, rules: rules.map((one, index) => ({ name: `r${index}`, ...one })) },
    };
  })
  .map((one) => JSON.parse(JSON.stringify(one)) as JsonObject);

const images = fc.oneof(
  {
    weight: 2,
    arbitrary: some(image("key-ecdsa"), pinned("key-ecdsa"), image("unsigned"), image("key-two")),
  },
  some(
    ...["nginx", "index.docker.io/library/nginx:1", "LocalHost:05001/acme/key-ecdsa:v1"],
    ...["registry-1.docker.io/a/b:v1", "127.0.0.1:5001/acme/key-ecdsa", "http://no image", ""],
  ),
);
const object = fc
  .record({
    kind: fc.constantFrom("Pod", "Pod", "Pod", "Deployment", "ReplicaSet", "CronJob", "Task"),
    images,
    own: images,
  })
  .chain(({ kind, images: names, own: [image = ""] }) =>
    maybe(fc.constantFrom("prod", "dev", "")).map((namespace) => objectOf(kind, { names, image, namespace })),
  );
const apiVersions: Readonly<Record<string, string>> = {
  Pod: "v1",
  CronJob: "batch/v1",
  Task: "tekton.dev/v1",
};

function objectOf(
  kind: string,
  {
    names,
    image,
    namespace,
  }: { readonly names: readonly string[]; image: string; namespace?: string | undefined },
): JsonObject {
  const spec = { containers: names.map((name, index) => ({ name: `c${index}`, image: name })) };
  const template = { template: { spec } };
  const forms: Readonly<Record<string, JsonObject>> = {
    Pod: spec,
    CronJob: { jobTemplate: { spec: template } },
    Task: {},
  };
  const metadata = { name: "web", labels: { app: "web" }, ...(namespace === undefined ? {} : { namespace }) };
  const apiVersion = apiVersions[kind] ?? "apps/v1";
  return { apiVersion, kind, metadata, spec: { ...(forms[kind] ?? template), image } };
}

const aRequest: fc.Arbitrary<EvaluationRequest> = fc
  .record({
    resource: object,
    operation: fc.constantFrom("CREATE", "CREATE", "UPDATE", "DELETE"),
    oldResource: maybe(object),
    subresource: rarely(fc.constantFrom("ephemeralcontainers", "status", "scale")),
    userInfo: maybe(fc.constantFrom({ username: "alice" }, { username: "bob", clusterRoles: ["edit"] })),
    mutate: fc.boolean(),
  })
  .map(({ resource, oldResource, subresource, userInfo, ...rest }) => ({
    ...rest,
    resource,
    ...(oldResource?.["kind"] === resource["kind"] && rest.operation === "UPDATE" ? { oldResource } : {}),
    ...(subresource === undefined ? {} : { subresource }),
    ...(userInfo === undefined ? {} : { userInfo }),
  })) as fc.Arbitrary<EvaluationRequest>;

/** What is said of a request: all but the trace, which tells of rules that do not apply only where they are few. */
async function said(policies: readonly Policy[], request: EvaluationRequest): Promise<Verdict> {
  const engine = createEngine({ policies, sources: fixtureSources(), clock: () => noon });
  return { ...(await engine.evaluate(request)).verdict, trace: [] };
}

/** Nothing where what was made up is none that may be loaded. */
function load(documents: readonly JsonObject[]): readonly Policy[] {
  try {
    return loadPolicies(documents.map((one) => JSON.stringify(one)).join("\n---\n")).policies;
  } catch (error) {
    if (error instanceof PolicyError) return [];
    throw error;
  }
}

test("a verdict is the same however many other rules are loaded", async () => {
  const outcomes: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 2 }), aRequest, async (parts, request) => {
      const policies = load(parts);
      fc.pre(policies.length > 0);
      const few = await said(policies, request);
      expect(await said([...policies, ...others], request)).toEqual(few);
      for (const { outcome } of few.results) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }),
    { numRuns: 150, seed: 7 },
  );
  for (const outcome of ["pass", "fail"]) expect(outcomes[outcome]).toBeGreaterThan(10);
});
