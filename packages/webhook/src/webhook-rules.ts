import { type ImageKind, imageKinds, type Policy, type Rule } from "@assay/policy";

/** `admissionregistration.k8s.io/v1 RuleWithOperations`. */
export interface WebhookRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly operations: readonly string[];
  readonly resources: readonly string[];
  readonly scope?: "*";
}

/** What one webhook is sent. */
export interface WebhookRules {
  /**
   * Absent: objects in the version that they come in. Present: converted to this one, which some policies name. It takes a
   * webhook of its own, because the API server converts only where no rule of the webhook takes the object as it came.
   */
  readonly version?: string;
  readonly rules: readonly WebhookRule[];
}

/** Where the kinds that hold Pods are at home, and their names in paths. Extensions call theirs the same (OpenKruise, Volcano). */
const homes: Readonly<Record<string, readonly [group: string, resource: string]>> = {
  Pod: ["", "pods"],
  ReplicationController: ["", "replicationcontrollers"],
  Deployment: ["apps", "deployments"],
  StatefulSet: ["apps", "statefulsets"],
  DaemonSet: ["apps", "daemonsets"],
  ReplicaSet: ["apps", "replicasets"],
  Job: ["batch", "jobs"],
  CronJob: ["batch", "cronjobs"],
};
const ephemeral = "ephemeralcontainers";

/** What is sent whatever the policies are: they may change while the configuration stays. */
const always: WebhookRule = {
  apiGroups: ["*"],
  apiVersions: ["*"],
  operations: ["CREATE", "UPDATE"],
  resources: [...Object.values(homes).map(([, resource]) => resource), `pods/${ephemeral}`],
};

/** All that the policies can match and find images in, by the version that it has to be sent in. */
export function webhookRules(policies: readonly Pick<Policy, "rules">[]): readonly WebhookRules[] {
  const found = policies.flatMap(({ rules }) => rules.flatMap(rulesOf));
  const versions = new Map<string | undefined, Map<string, WebhookRule>>([
    [undefined, new Map([["always", always]])],
  ]);
  for (const { version, rule } of found) {
    const rules = versions.get(version) ?? new Map<string, WebhookRule>();
    versions.set(version, rules.set(JSON.stringify(rule), rule));
  }
  return [...versions].map(([version, rules]) => ({
    ...(version === undefined ? {} : { version }),
    rules: [...rules.values()],
  }));
}

/**
 * Whether the configurations that are made without policies (those of `deploy/base`) have everything sent that these judge.
 * What is not sent is let in, whatever the policy says.
 */
export function isSentAnyway(policies: readonly Pick<Policy, "rules">[]): boolean {
  return policies.every(({ rules }) => rules.every((rule) => rulesOf(rule).length === 0));
}

interface Needed {
  readonly version: string | undefined;
  readonly rule: WebhookRule;
}

function rulesOf(rule: Rule): readonly Needed[] {
  const named = (["DELETE", "CONNECT"] as const).filter((operation) =>
    rule.match.filters.some(({ operations }) => operations?.includes(operation)),
  );
  return imageKinds(rule).flatMap((kind) => {
    const operations = isAlwaysSent(kind) ? named : [...always.operations, ...named];
    return operations.length === 0 ? [] : needed(kind, operations);
  });
}

/** A group or version with wildcards may be any: what is sent too much is not judged, what is not sent is let in. */
function needed(kind: ImageKind, operations: readonly string[]): readonly Needed[] {
  const version = exact(kind.version);
  // No version is called otherwise, so nothing matches.
  if (version !== undefined && !/^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(version)) return [];
  const isHome = isAtHome(kind);
  const resource = (mayBeHome(kind) ? homes[kind.kind]?.[1] : undefined) ?? "*";
  const subresource = exact(kind.subresource) ?? "*";
  const path = subresource === "" ? resource : `${resource}/${subresource}`;
  const converted = isHome ? undefined : version;
  return [
    {
      version: converted,
      rule: {
        apiGroups: [exact(kind.group) ?? "*"],
        apiVersions: [converted ?? "*"],
        operations,
        resources: [path],
        scope: "*",
      },
    },
  ];
}

function isAlwaysSent(kind: ImageKind): boolean {
  const { subresource } = kind;
  return isAtHome(kind) && (subresource === "" || (kind.kind === "Pod" && subresource === ephemeral));
}

/** A kind that holds Pods, in the one version that it has at home. */
function isAtHome(kind: ImageKind): boolean {
  return mayBeHome(kind) && ["v1", undefined].includes(exact(kind.version));
}

/** Unless it is another group's by name. */
function mayBeHome({ kind, group }: ImageKind): boolean {
  if (!Object.hasOwn(homes, kind)) return false;
  const name = exact(group);
  return name === undefined || name === homes[kind]?.[0];
}

/** Undefined: the pattern has wildcards. */
function exact(pattern: string): string | undefined {
  return /[*?]/.test(pattern) ? undefined : pattern;
}
