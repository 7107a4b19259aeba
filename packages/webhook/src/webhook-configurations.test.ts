import { readFileSync } from "node:fs";
import { loadPolicies } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { type WebhookConfigurationOptions, webhookConfigurations } from "./webhook-configurations.ts";
import { WebhookError } from "./webhook-error.ts";
import { isSentAnyway } from "./webhook-rules.ts";

interface Hook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly reinvocationPolicy?: string;
  readonly clientConfig: object;
  readonly namespaceSelector?: object;
  readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[];
}

const url = { client: { url: "https://10.0.0.5:8443/" }, caBundle: "PEM" };

function policy(name: string, spec: object, rule: object = {}): string {
  const verifyImages = [{ imageReferences: ["*"], attestors: [{ entries: [{ keyless }] }] }];
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name },
    spec: { ...spec, rules: [{ name: "r", match, verifyImages, ...rule }] },
  });
}
const keyless = {
  subject: "a@example.com",
  issuer: "https://accounts.example.com",
  rekor: { url: "https://rekor.sigstore.dev" },
};

function hooks(texts: readonly string[], options: WebhookConfigurationOptions = url): readonly Hook[] {
  const { policies } = loadPolicies(texts.map((text, i) => ({ text, file: `${i}.json` })));
  return webhookConfigurations(policies, options).flatMap(({ webhooks }) => webhooks as readonly Hook[]);
}

describe("the WebhookConfigurations of policies", () => {
  test("mutate and validate, each with a webhook for Fail and one for Ignore, with their policies' longest timeout", () => {
    const texts = [
      policy("a", { failurePolicy: "Fail", webhookTimeoutSeconds: 5 }),
      policy("b", { failurePolicy: "Fail", webhookTimeoutSeconds: 20 }),
      policy("c", { failurePolicy: "Ignore", webhookTimeoutSeconds: 7 }),
    ];
    expect(
      hooks(texts).map(({ name, failurePolicy, timeoutSeconds, reinvocationPolicy }) =>
        [name, failurePolicy, timeoutSeconds, reinvocationPolicy].join(" "),
      ),
    ).toEqual([
      "mutate-fail.assay.dev Fail 20 IfNeeded",
      "mutate-ignore.assay.dev Ignore 7 IfNeeded",
      "validate-fail.assay.dev Fail 20 ",
      "validate-ignore.assay.dev Ignore 7 ",
    ]);
  });

  test("the API server reaches it by URL, or by a Service, and trusts the given authority", () => {
    expect(hooks([policy("a", {})])[0]?.clientConfig).toEqual({
      url: "https://10.0.0.5:8443/mutate",
      caBundle: "UEVN",
    });
    const service = { namespace: "assay", name: "assay" };
    expect(hooks([policy("a", {})], { client: { service }, caBundle: "PEM" })[1]?.clientConfig).toEqual({
      service: { ...service, port: 443, path: "/validate" },
      caBundle: "UEVN",
    });
  });

  test.each([
    ["http://10.0.0.5:8443", "webhooks are called by `https://` only"],
    ["10.0.0.5:8443", "it is no URL"],
    ["https://user:secret@10.0.0.5:8443", "user info is not allowed in it"],
    ["https://user@10.0.0.5:8443", "user info is not allowed in it"],
    ["https://:secret@10.0.0.5:8443", "user info is not allowed in it"],
    ["https://10.0.0.5:8443/?tenant=a", "neither a query nor a fragment is allowed in it"],
  ])("%s is refused, since the API server would not call it", (address, why) => {
    const attempt = () => hooks([policy("a", {})], { client: { url: address }, caBundle: "PEM" });
    expect(attempt).toThrow(WebhookError);
    expect(attempt).toThrow(why);
  });

  test("a private key is never published with the certificate that it belongs to", () => {
    const caBundle = ["first.crt", "first.key"]
      .map((name) => readFileSync(new URL(`../testdata/${name}`, import.meta.url), "utf8"))
      .join("");
    const attempt = () => hooks([policy("a", {})], { ...url, caBundle });
    expect(attempt).toThrow("`caBundle` holds a private key: give the certificates alone");
  });

  test("no namespace is exempt but those that are named", () => {
    expect(hooks([policy("a", {})])[0]).not.toHaveProperty("namespaceSelector");
    const values = ["kube-system", "assay"];
    expect(hooks([policy("a", {})], { ...url, exemptNamespaces: values })[1]?.namespaceSelector).toEqual({
      matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values }],
    });
  });

  test("what holds Pods is sent of every group: OpenKruise's StatefulSets are StatefulSets, too", () => {
    expect(hooks([policy("a", {})])[0]?.rules).toEqual([
      {
        apiGroups: ["*"],
        apiVersions: ["*"],
        operations: ["CREATE", "UPDATE"],
        resources: [
          ...["pods", "replicationcontrollers", "deployments", "statefulsets", "daemonsets", "replicasets"],
          ...["jobs", "cronjobs", "pods/ephemeralcontainers"],
        ],
      },
    ]);
  });

  const operations = ["CREATE", "UPDATE"];
  const imageExtractors = { Task: [{ path: "/spec/steps/*/image" }] };
  const matching = (resources: object) => ({ match: { any: [{ resources }] }, imageExtractors });

  test.each<[string, object, object[]]>([
    [
      "of a kind with image extractors, whose plural only the cluster knows, the whole group",
      { kinds: ["tekton.dev/*/Task"] },
      [{ apiGroups: ["tekton.dev"], apiVersions: ["*"], operations, resources: ["*"], scope: "*" }],
    ],
    [
      "of one whose group is not said, everything",
      { kinds: ["Task"] },
      [{ apiGroups: ["*"], apiVersions: ["*"], operations, resources: ["*"], scope: "*" }],
    ],
    ["of a kind without images, nothing", { kinds: ["ConfigMap", "tekton.dev/v1/Pipeline"] }, []],
    [
      "a subresource that is named",
      { kinds: ["tekton.dev/*/Task/run"] },
      [{ apiGroups: ["tekton.dev"], apiVersions: ["*"], operations, resources: ["*/run"], scope: "*" }],
    ],
    [
      "deletions where a policy speaks of them, and no others",
      { kinds: ["apps/v1/Deployment"], operations: ["CREATE", "DELETE"] },
      [
        {
          ...{ apiGroups: ["apps"], apiVersions: ["*"], operations: ["DELETE"] },
          ...{ resources: ["deployments"], scope: "*" },
        },
      ],
    ],
  ])("%s", (_name, resources, more) => {
    const [hook] = hooks([policy("a", {}, matching(resources))]);
    expect(hook?.rules.slice(1)).toEqual(more);
  });

  test.each<[string, readonly object[], boolean]>([
    ["no policies", [], true],
    ["Pods and their controllers", [{ kinds: ["Pod", "apps/v1/Deployment", "CronJob"] }], true],
    ["a kind with image extractors", [{ kinds: ["Task"] }], false],
    ["deletions", [{ kinds: ["Pod"], operations: ["DELETE"] }], false],
    ["one kind too many", [{ kinds: ["Pod"] }, { kinds: ["Task"] }], false],
  ])("what is sent without policies is enough for %s", (_, kinds, wanted) => {
    const texts = kinds.map((resources, i) => policy(`p${i}`, {}, matching(resources)));
    const { policies } = loadPolicies(texts.map((text, i) => ({ text, file: `${i}.json` })));
    expect(isSentAnyway(policies)).toBe(wanted);
  });

  test("a version that a policy names is asked for by a webhook of its own, for objects that come in another", () => {
    const texts = ["tekton.dev/v1beta1/Task", "tekton.dev/v1/Task"].map((kind, i) =>
      policy(`p${i}`, {}, matching({ kinds: [kind] })),
    );
    const sent = hooks(texts).map(({ name, rules }) => [name, ...rules.slice(-1)]);
    const rule = (version: string) => ({
      ...{ apiGroups: ["tekton.dev"], apiVersions: [version], operations },
      ...{ resources: ["*"], scope: "*" },
    });
    expect(sent.slice(1, 3)).toEqual([
      ["mutate-fail-v1beta1.assay.dev", rule("v1beta1")],
      ["mutate-fail-v1.assay.dev", rule("v1")],
    ]);
  });
});
