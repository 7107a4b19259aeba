import { describe, expect, test } from "vitest";
import { lintPolicies } from "../lint.ts";
import { loadPolicies } from "../load-policies.ts";

// What a template leaves that lost a value, or that somebody pasted with a character that nobody sees. Kyverno says nothing.

const policy = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: signed
  annotations: { pod-policies.kyverno.io/autogen-controllers: "Deployment,CronJob" }
spec:
  validationFailureAction: Enforce
  background: false
  validationFailureActionOverrides: [{ action: Enforce, namespaces: [prod] }]
  rules:
    - name: by-us
      match: { any: [{ resources: { kinds: [Pod], namespaces: ["prod-*"] } }] }
      exclude:
        any:
          - resources:
              kinds: [Pod]
              selector: { matchLabels: { skip: "yes" }, matchExpressions: [{ key: tier, operator: Exists }] }
              annotations: { skip: "yes" }
            clusterRoles: [admin]
      preconditions:
        all: [{ key: "{{ request.operation }}", operator: NotEquals, value: DELETE }]
        any: [{ key: "{{ request.operation }}", operator: AnyIn, value: [CREATE] }]
      verifyImages:
        - imageReferences: ["registry.example.com/acme/*"]
          repository: registry.example.com/signatures
          attestors:
            - entries:
                - keyless:
                    subject: https://github.com/acme/*
                    issuer: https://token.actions.githubusercontent.com
                    rekor: { url: https://rekor.sigstore.dev }
                    additionalExtensions: { githubWorkflowTrigger: push }
                  annotations: { team: a }
                  repository: registry.example.com/other
          attestations:
            - type: https://example.com/scan/v1
              attestors: [{ entries: [{ keys: { publicKeys: "{{ KEY }}" } }] }]
              conditions: [{ all: [{ key: "{{ score }}", operator: GreaterThan, value: 5 }] }]
          validate: { deny: { conditions: { any: [{ key: "{{ score }}", operator: LessThan, value: 5 }] } } }
`;
const exception = `
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: { name: legacy, namespace: kyverno }
spec:
  background: false
  match:
    any:
      - resources: { kinds: [Pod], names: [legacy], namespaces: [old], selector: { matchLabels: { skip: "yes" } } }
        clusterRoles: [admin]
  conditions: { all: [{ key: "{{ request.operation }}", operator: Equals, value: CREATE }] }
  exceptions: [{ policyName: signed, ruleNames: [by-us] }]
`;

function told(text: string): readonly string[] {
  const findings = lintPolicies(text).findings.map(({ id }) => id);
  return [...loadPolicies(text).diagnostics.map(({ message }) => message), ...findings];
}

/** What is said of the text when this is changed in it, and was not said before. */
function news(text: string, from: string, to: string): readonly string[] {
  const changed = text.replace(from, () => to);
  expect(changed, `\`${from}\` is in the text`).not.toBe(text);
  const before = told(text);
  return told(changed).filter((one) => !before.includes(one));
}

test("nothing is told of what lost nothing", () => {
  expect(loadPolicies([policy, exception]).diagnostics).toEqual([]);
});

describe("a policy tells of what got lost", () => {
  test.each<[string, string, string]>([
    [
      "additionalExtensions: { githubWorkflowTrigger: push }",
      "additionalExtensions: {}",
      "additionalExtensions` is empty",
    ],
    ["annotations: { team: a }", "annotations: {}", "annotations` is empty"],
    ["repository: registry.example.com/signatures", 'repository: ""', "repository` is empty"],
    ["repository: registry.example.com/other", 'repository: ""', "repository` is empty"],
    ['matchLabels: { skip: "yes" }', "matchLabels: {}", "matchLabels` is empty"],
    [
      "matchExpressions: [{ key: tier, operator: Exists }]",
      "matchExpressions: []",
      "matchExpressions` is empty",
    ],
    ['annotations: { skip: "yes" }', "annotations: {}", "annotations` is empty"],
    ["clusterRoles: [admin]", "clusterRoles: []", "clusterRoles` is empty"],
    [
      'any: [{ key: "{{ request.operation }}", operator: AnyIn, value: [CREATE] }]',
      "any: []",
      "the rule never applies",
    ],
    [
      'key: "{{ request.operation }}", operator: NotEquals',
      "key: , operator: NotEquals",
      "`key` holds no `{{ variable }}`",
    ],
    [
      'key: "{{ request.operation }}", operator: AnyIn',
      "key: prod, operator: AnyIn",
      "`key` holds no `{{ variable }}`",
    ],
    ["value: DELETE", "value: ", "compares with nothing"],
    ["value: [CREATE]", "value: []", "compares with nothing"],
    [
      'key: "{{ score }}", operator: GreaterThan, value: 5',
      'key: "{{ score }}", operator: GreaterThan',
      "compares with nothing",
    ],
    [
      'key: "{{ score }}", operator: LessThan',
      'key: "score", operator: LessThan',
      "`key` holds no `{{ variable }}`",
    ],
    ['any: [{ key: "{{ score }}", operator: LessThan, value: 5 }]', "any: []", "so nothing is denied"],
    [
      '{ deny: { conditions: { any: [{ key: "{{ score }}", operator: LessThan, value: 5 }] } } }',
      "{}",
      "`validate` without `deny` denies nothing",
    ],
    [
      'conditions: [{ all: [{ key: "{{ score }}", operator: GreaterThan, value: 5 }] }]',
      "conditions: []",
      "conditions` is empty",
    ],
    ["operator: LessThan", "operator: lessThan", "`lessThan` may never hold"],
    [
      'key: "{{ score }}", operator: LessThan',
      'key: "{{ score }}\\n", operator: LessThan',
      "spaces beside the variable",
    ],
    ['namespaces: ["prod-*"]', 'namespaces: ["Prod-*"]', "no namespace is called `Prod-*`"],
    ['namespaces: ["prod-*"]', 'namespaces: ["prod-* "]', "no namespace is called `prod-* `"],
    ["namespaces: [prod]", 'namespaces: [""]', "no namespace is called ``"],
    ["value: DELETE", 'value: "DELETE\\u200b"', "a character that nobody sees: U+200B"],
    ["value: DELETE", 'value: "DELETE\\u00a0"', "a character that nobody sees: U+00A0"],
    ["registry.example.com/acme/*", "registry.example.com/аcme/*", "reference-never-matches"],
    ["registry.example.com/acme/*", "Registry.example.com/acme/*", "reference-never-matches"],
    ['"Deployment,CronJob"', "", "nothing is no Pod controller"],
    ['"Deployment,CronJob"', '"Deploymant,CronJob"', "`Deploymant` is no Pod controller"],
  ])("%s → %s", (from, to, said) => {
    expect(news(policy, from, to)).toContainEqual(expect.stringContaining(said));
  });

  test("a Policy without a namespace is one of `default`, as to kubectl, and says so", () => {
    const text = policy
      .replace("kind: ClusterPolicy", "kind: Policy")
      .replaceAll(/, namespaces: \[.*?\]/g, "");
    const namespaced = text
      .replace("name: signed", 'name: signed\n  namespace: ""')
      .replace(/ {2}validationFailureActionOverrides.*\n/, "");
    const { policies, diagnostics } = loadPolicies(namespaced);
    expect(policies[0]?.namespace).toBe("default");
    expect(diagnostics.map(({ message }) => message)).toContain(
      "a Policy without a namespace is one of `default`",
    );
    const odd = namespaced.replace('namespace: ""', "namespace: Prod");
    expect(() => loadPolicies(odd)).toThrow("no namespace is called `Prod`");
  });
});

describe("an exception tells of what got lost", () => {
  test.each<[string, string, string]>([
    ['matchLabels: { skip: "yes" }', "matchLabels: {}", "matchLabels` is empty"],
    ['selector: { matchLabels: { skip: "yes" } }', "selector: {}", "selector` is empty"],
    ["names: [legacy]", "names: []", "names` is empty"],
    ["namespaces: [old]", "namespaces: []", "namespaces` is empty"],
    ["clusterRoles: [admin]", "clusterRoles: []", "clusterRoles` is empty"],
    [
      'all: [{ key: "{{ request.operation }}", operator: Equals, value: CREATE }]',
      "all: []",
      "they hold for every object",
    ],
    [
      '{ all: [{ key: "{{ request.operation }}", operator: Equals, value: CREATE }] }',
      "{}",
      "they hold for every object",
    ],
    ['"{{ request.operation }}"', "CREATE", "`key` holds no `{{ variable }}`"],
  ])("%s → %s", (from, to, said) => {
    expect(news(exception, from, to)).toContainEqual(expect.stringContaining(said));
  });
});
