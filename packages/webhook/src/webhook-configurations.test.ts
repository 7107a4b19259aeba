import { readFileSync } from "node:fs";
import { loadPolicies } from "@assay/policy";
import { describe, expect, test } from "vitest";
import { type WebhookConfigurationOptions, webhookConfigurations } from "./webhook-configurations.ts";
import { WebhookError } from "./webhook-error.ts";

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

  test("policies with image extractors need every kind, the others those that hold Pods", () => {
    const groups = (texts: readonly string[]) => hooks(texts)[0]?.rules.flatMap(({ apiGroups }) => apiGroups);
    expect(groups([policy("a", {})])).toEqual(["", "apps", "batch"]);
    const imageExtractors = { Task: [{ path: "/spec/steps/*/image" }] };
    const match = { any: [{ resources: { kinds: ["Task"] } }] };
    expect(groups([policy("a", {}, { imageExtractors, match })])).toEqual(["", "apps", "batch", "*"]);
    expect(hooks([policy("a", {})])[0]?.rules[0]?.resources).toContain("pods/ephemeralcontainers");
  });
});
