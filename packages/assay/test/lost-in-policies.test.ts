import { lintPolicies } from "@assay/policy/lint";
import { createKey, createRegistry, createSigstore, FROZEN_TIME, image, predicate } from "@assay/testkit";
import { type Assay, createAssay, type EvaluationRequest, type JsonObject, registrySource } from "assay";
import { describe, expect, test } from "vitest";
import { losses } from "./losses.ts";

// Whatever gets lost, misspelt or mistyped in a policy on its way, what was denied stays denied; or it is an error, or told
// by a warning, a lint finding or the verdict. What every reader takes it for is listed below.

const registry = createRegistry({ host: "registry.test" });
const sigstore = createSigstore();
const [ours, theirs] = [createKey(), createKey()];
const subject = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const issuer = "https://token.actions.githubusercontent.com";
const scan = "https://example.com/scan/v1";
const images = {
  unsigned: image({ repository: "acme/unsigned" }),
  theirs: image({ repository: "acme/theirs" }).signedBy(theirs),
  plain: image({ repository: "acme/plain" })
    .signedBy(ours)
    .attested(predicate(scan, { score: 1 })),
  otherIssuer: image({ repository: "acme/other" }).signedBy(
    sigstore.identity({ subject, issuer: "https://accounts.google.com" }),
  ),
  noTrigger: image({ repository: "acme/trigger" }).signedBy(sigstore.identity({ subject, issuer })),
};
const requests = Object.values(images).flatMap((made): readonly EvaluationRequest[] => {
  const { reference } = made.pushTo(registry);
  const spec = { containers: [{ name: "a", image: reference }] };
  const metadata = { name: "web", namespace: "prod", labels: { app: "web" } };
  const pod = { apiVersion: "v1", kind: "Pod", metadata, spec };
  return [
    { resource: pod },
    { resource: pod, userInfo: { username: "eve", groups: ["dev"] }, namespaceLabels: { env: "prod" } },
  ];
});
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "prod" },
  spec: { template: { spec: { containers: [{ name: "a", image: "registry.test/acme/unsigned:v1" }] } } },
};

const rekor = { ignoreTlog: true };
const keys = { publicKeys: ours.pem, rekor };
const attestors = [{ count: 1, entries: [{ keys }] }];
const match = { any: [{ resources: { kinds: ["Pod"] } }] };
const entry = { imageReferences: ["registry.test/acme/*"], attestors };

function policy(rule: object, spec: object = {}): JsonObject {
  const rules = [{ name: "r", match, verifyImages: [entry], ...rule }];
  const metadata = {
    name: "p",
    annotations: { "pod-policies.kyverno.io/autogen-controllers": "Deployment" },
  };
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata,
    spec: { validationFailureAction: "Enforce", background: false, ...spec, rules },
  } as JsonObject;
}

function exception(spec: object): JsonObject {
  const exceptions = [{ policyName: "p", ruleNames: ["r"] }];
  return {
    apiVersion: "kyverno.io/v2",
    kind: "PolicyException",
    metadata: { name: "e", namespace: "kyverno" },
    spec: { background: false, match, exceptions, ...spec },
  } as JsonObject;
}

const byIdentity = {
  keyless: {
    ...{ subject: "https://github.com/acme/*", issuer },
    rekor: { url: "https://rekor.sigstore.dev" },
    additionalExtensions: { githubWorkflowTrigger: "push" },
  },
};
const cases: Readonly<Record<string, readonly JsonObject[]>> = {
  identity: [policy({ verifyImages: [{ ...entry, attestors: [{ entries: [byIdentity] }] }] })],
  annotations: [
    policy({
      verifyImages: [
        {
          ...entry,
          repository: "registry.test/signatures",
          attestors: [{ count: 1, entries: [{ keys, annotations: { team: "a" } }] }],
        },
      ],
    }),
  ],
  attestations: [
    policy({
      verifyImages: [
        {
          ...entry,
          attestations: [
            {
              name: "scan",
              type: scan,
              attestors,
              conditions: [{ all: [{ key: "{{ score }}", operator: "GreaterThan", value: 5 }] }],
            },
          ],
          validate: {
            deny: { conditions: { any: [{ key: "{{ scan.score }}", operator: "LessThan", value: 5 }] } },
          },
        },
      ],
    }),
  ],
  exclude: [
    policy({
      exclude: {
        any: [
          { resources: { kinds: ["Pod"], names: ["x"], namespaces: ["kube-*"], operations: ["UPDATE"] } },
          { resources: { kinds: ["Pod"], selector: { matchLabels: { skip: "yes" } } } },
          {
            resources: { kinds: ["Pod"], namespaceSelector: { matchLabels: { env: "dev" } } },
            clusterRoles: ["admin"],
          },
          { resources: { kinds: ["Pod"] }, subjects: [{ kind: "User", name: "root" }] },
        ],
      },
    }),
  ],
  preconditions: [
    policy({
      preconditions: {
        all: [{ key: "{{ request.namespace }}", operator: "AnyIn", value: ["prod"] }],
        any: [{ key: "{{ request.operation }}", operator: "NotEquals", value: "DELETE" }],
      },
    }),
  ],
  overrides: [
    policy(
      {},
      {
        validationFailureAction: "Audit",
        validationFailureActionOverrides: [{ action: "Enforce", namespaces: ["prod"] }],
        webhookConfiguration: { failurePolicy: "Fail", timeoutSeconds: 10 },
      },
    ),
  ],
  skip: [
    policy({
      verifyImages: [
        {
          ...entry,
          skipImageReferences: ["registry.test/acme/none:*"],
          required: true,
          failureAction: "Enforce",
        },
      ],
    }),
  ],
  exceptionByLabels: [
    policy({}),
    exception({
      match: { any: [{ resources: { kinds: ["Pod"], selector: { matchLabels: { skip: "yes" } } } }] },
    }),
  ],
  exceptionByNames: [
    policy({}),
    exception({
      match: {
        any: [{ resources: { kinds: ["Pod"], names: ["x"], namespaces: ["dev"] }, clusterRoles: ["admin"] }],
      },
    }),
  ],
  exceptionByConditions: [
    policy({}),
    exception({
      conditions: { all: [{ key: "{{ request.operation }}", operator: "Equals", value: "UPDATE" }] },
    }),
  ],
  exceptionOfImages: [
    policy({}),
    exception({ imageReferences: ["registry.test/acme/none:*"], expires: "2020-01-01T00:00:00Z" }),
  ],
};

/** What the text says is another thing, and whoever reads it sees that. */
const meant: readonly RegExp[] = [
  // A condition compares with what it says, be it nothing.
  /^(preconditions|exceptionByConditions) .*\.(value|value\.\d) (empty|blank|a number|a flag|in a list|in a map)$/,
  /^preconditions .*\.key (blank|in a map)$/,
  // A name of something else.
  /^\w+ .*\.names(paces)?\.\d (blank)$/,
];

/** Every so manieth loss is tried, so that it takes a few seconds; 1 tries all. */
const share = 5;

/** Shared, so that a changed policy asks for nothing anew. */
const source = registrySource({
  fetch: registry.fetch,
  retry: { attempts: 1 },
  listingTtlMs: 3_600_000,
});

function load(texts: readonly string[]): Pick<Assay, "evaluate"> & { readonly told: readonly string[] } {
  const trust = { json: sigstore.trustedRoot() };
  const { warnings, evaluate } = createAssay({
    policies: texts,
    source,
    trust,
    clock: () => new Date(FROZEN_TIME),
  });
  return { evaluate, told: warnings.map(({ message }) => message) };
}

function found(texts: readonly string[]): readonly string[] {
  return lintPolicies(texts).findings.map(({ id, message }) => `${id}: ${message}`);
}

/** Whether one of the requests that were denied is allowed, and its verdict says no more than it did. */
async function opens(texts: readonly string[], denied: readonly Denied[]): Promise<boolean> {
  const { evaluate } = load(texts);
  for (const { request, warnings } of denied) {
    const verdict = await evaluate(request);
    if (verdict.allowed && verdict.warnings.length <= warnings) return true;
  }
  return false;
}

interface Denied {
  readonly request: EvaluationRequest;
  readonly warnings: number;
}

async function deniedBy(texts: readonly string[]): Promise<readonly Denied[]> {
  const { evaluate } = load(texts);
  const all = await Promise.all(
    [...requests, { resource: deployment }].map(async (request) => ({
      request,
      verdict: await evaluate(request),
    })),
  );
  return all.flatMap(({ request, verdict: { allowed, warnings } }) =>
    allowed ? [] : [{ request, warnings: warnings.length }],
  );
}

/** What is said of the policies: undefined where they are refused, as `PolicyError` says. */
function said(texts: readonly string[]): readonly string[] | undefined {
  try {
    return [...load(texts).told, ...found(texts)];
  } catch (error) {
    expect(error).toHaveProperty("code", "invalidPolicy");
    return undefined;
  }
}

describe("nothing that gets lost in a policy on its way lets more through without a word", () => {
  test.each(Object.entries(cases))("%s", { timeout: 60_000 }, async (name, documents) => {
    const texts = documents.map((document) => JSON.stringify(document));
    const denied = await deniedBy(texts);
    expect(denied).not.toEqual([]);
    const before = said(texts) ?? [];
    const silent: string[] = [];
    const all = [...losses(documents.at(-1))];
    for (const { how, path, text } of all.filter((_, i) => i % share === 0)) {
      const changed = [...texts.slice(0, -1), text];
      const after = said(changed);
      if (after === undefined || after.some((one) => !before.includes(one))) continue;
      const what = `${name} ${path.join(".")} ${how}`;
      if (!meant.some((one) => one.test(what)) && (await opens(changed, denied))) silent.push(what);
    }
    expect(silent).toEqual([]);
  });
});
