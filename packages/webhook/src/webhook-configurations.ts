import type { Policy } from "@assay/policy";
import { WebhookError } from "./webhook-error.ts";
import { type WebhookRules, webhookRules } from "./webhook-rules.ts";

/** How the API server reaches the webhook: a Service in the cluster, or a URL outside it. */
export type WebhookClient =
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port?: number } }
  | { readonly url: string };

export interface WebhookConfigurationOptions {
  readonly client: WebhookClient;
  /** PEM text of the certificate authority that signed the webhook's certificate. */
  readonly caBundle: string;
  /** Default `assay`. */
  readonly name?: string;
  /**
   * Namespaces whose objects are not sent: the webhook's own and `kube-system`, as a rule, because a webhook that does
   * not answer keeps them from starting, and itself. Nothing in them is judged. Default none.
   */
  readonly exemptNamespaces?: readonly string[];
}

/** What the API server has to know of a policy. */
export type WebhookPolicy = Pick<Policy, "failurePolicy" | "webhookTimeoutSeconds" | "rules">;

/** What `webhookConfigurations` returns: objects for `kubectl apply`. */
export interface WebhookConfiguration {
  readonly apiVersion: "admissionregistration.k8s.io/v1";
  readonly kind: "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration";
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly webhooks: readonly object[];
}

/**
 * The two configurations that the given policies need. Mutating pins digests and judges; validating judges what other
 * webhooks changed afterwards. A webhook each for `failurePolicy` Fail and Ignore, because that is how the API server
 * must behave when we don't answer at all, and further ones for versions that policies name (of kinds that have others,
 * which the API server converts). `timeoutSeconds` is the largest of the policies, so that each can use its own.
 * Throws `WebhookError` `badOptions` for an address that the API server would refuse, and for a private key among the certificates.
 */
export function webhookConfigurations(
  policies: readonly WebhookPolicy[],
  options: WebhookConfigurationOptions,
): readonly WebhookConfiguration[] {
  // A file with the certificate and its key is a common thing, and what is made here ends up in the cluster and in a repository.
  if (options.caBundle.includes("PRIVATE KEY-----"))
    throw new WebhookError(
      "badOptions",
      "caBundle",
      "`caBundle` holds a private key: give the certificates alone",
    );
  const name = options.name ?? "assay";
  const metadata = { name, labels: { "app.kubernetes.io/name": "assay" } };
  const webhooks = (step: "mutate" | "validate"): object[] =>
    (["Fail", "Ignore"] as const)
      .map((failurePolicy) => policies.filter((policy) => policy.failurePolicy === failurePolicy))
      .filter((mine) => mine.length > 0)
      .flatMap((mine) => webhookRules(mine).map((sent) => webhook(step, mine, sent, options)));
  return [
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata,
      webhooks: webhooks("mutate").map((hook) => ({ ...hook, reinvocationPolicy: "IfNeeded" })),
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata,
      webhooks: webhooks("validate"),
    },
  ];
}

function webhook(
  step: "mutate" | "validate",
  policies: readonly WebhookPolicy[],
  { version, rules }: WebhookRules,
  options: WebhookConfigurationOptions,
): object {
  const failurePolicy = policies[0]?.failurePolicy ?? "Fail";
  const name = [step, failurePolicy.toLowerCase(), ...(version === undefined ? [] : [version])].join("-");
  return {
    name: `${name}.assay.dev`,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    failurePolicy,
    matchPolicy: "Equivalent",
    timeoutSeconds: Math.max(...policies.map((policy) => policy.webhookTimeoutSeconds)),
    clientConfig: clientConfig(step, options),
    ...namespaceSelector(options.exemptNamespaces ?? []),
    rules,
  };
}

/** By the label that the API server itself puts on every namespace: nobody can take it off or give it to another. */
function namespaceSelector(exempt: readonly string[]): object {
  if (exempt.length === 0) return {};
  const expression = { key: "kubernetes.io/metadata.name", operator: "NotIn", values: exempt };
  return { namespaceSelector: { matchExpressions: [expression] } };
}

function clientConfig(step: string, { client, caBundle }: WebhookConfigurationOptions): object {
  const bundle = Buffer.from(caBundle, "utf8").toString("base64");
  const path = `/${step}`;
  if ("url" in client) return { url: `${callable(client.url).replace(/\/+$/, "")}${path}`, caBundle: bundle };
  return { service: { port: 443, ...client.service, path }, caBundle: bundle };
}

/** An address as the API server demands it; it refuses the whole object otherwise, some of them only when it calls. */
function callable(url: string): string {
  const shown = url.replace(/\/\/[^/]*@/, "//…@");
  const refuse = (why: string): WebhookError =>
    new WebhookError("badOptions", "client.url", `the API server does not call \`${shown}\`: ${why}`);
  if (!URL.canParse(url)) throw refuse("it is no URL");
  const { protocol, username, password } = new URL(url);
  if (protocol !== "https:") throw refuse("webhooks are called by `https://` only");
  if (username !== "" || password !== "") throw refuse("user info is not allowed in it");
  if (/[?#]/.test(url)) throw refuse("neither a query nor a fragment is allowed in it");
  return url;
}
