import { describe, expect, test } from "vitest";
import { failureActionFor, loadPolicies, type NamespaceFacts } from "../index.ts";

const policy = (spec: string, entry = ""): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  validationFailureAction: Audit
  ${spec}
  rules:
    - name: r
      match: {any: [{resources: {kinds: [Pod]}}]}
      verifyImages:
        - imageReferences: ["*"]
          ${entry}
        - imageReferences: ["*"]
`;
const both = (first: string, second: string): string =>
  policy("", `failureAction: ${first}`).replace(
    /(\n\s+)(- imageReferences: \["\*"\])\s*$/,
    `$1$2$1  failureAction: ${second}\n`,
  );
const enforceProd = "validationFailureActionOverrides: [{action: Enforce, namespaces: ['prod*']}]";
const bySelector = (action: string) =>
  `validationFailureActionOverrides: [{action: ${action}, namespaceSelector: {matchLabels: {env: prod}}}]`;

// kyverno/pkg/engine/api/engineresponse.go
describe("failureActionFor", () => {
  test.each<[string, string, NamespaceFacts, string]>([
    ["the policy's own", policy(""), { namespace: "a" }, "Audit"],
    ["an override by namespace", policy(enforceProd), { namespace: "prod-eu" }, "Enforce"],
    ["an override for others", policy(enforceProd), { namespace: "dev" }, "Audit"],
    [
      "an entry that enforces wins over one that audits before it",
      both("Audit", "Enforce"),
      { namespace: "a" },
      "Enforce",
    ],
    [
      "any of its namespaces",
      policy("validationFailureActionOverrides: [{action: Enforce, namespaces: [dev, 'prod*']}]"),
      { namespace: "prod-eu" },
      "Enforce",
    ],
    ...(
      [
        ["both a namespace and labels", "prod", "prod", "Enforce"],
        ["labels of another namespace", "dev", "prod", "Audit"],
        ["a namespace of other labels", "prod", "dev", "Audit"],
      ] as const
    ).map(([name, namespace, env, wanted]): [string, string, NamespaceFacts, string] => [
      name,
      policy(bySelector("Enforce").replace("action: Enforce", "action: Enforce, namespaces: [prod]")),
      { namespace, namespaceLabels: { env } },
      wanted,
    ]),
    ["an entry that enforces wins", policy("", "failureAction: Enforce"), { namespace: "a" }, "Enforce"],
    [
      "an override that says no action",
      policy("validationFailureActionOverrides: [{namespaces: ['prod*']}]").replace("Audit", "Enforce"),
      { namespace: "prod" },
      "Enforce",
    ],
    [
      "an entry that audits wins over an override",
      policy(enforceProd, "failureAction: Audit"),
      { namespace: "prod" },
      "Audit",
    ],
    [
      "by labels",
      policy(bySelector("Enforce")),
      { namespace: "a", namespaceLabels: { env: "prod" } },
      "Enforce",
    ],
    [
      "by other labels",
      policy(bySelector("Enforce")),
      { namespace: "a", namespaceLabels: { env: "dev" } },
      "Audit",
    ],
    ["unknown labels strengthen", policy(bySelector("Enforce")), { namespace: "a" }, "Enforce"],
    [
      "unknown labels do not weaken",
      policy(bySelector("Audit")).replace("Action: Audit", "Action: Enforce"),
      { namespace: "a" },
      "Enforce",
    ],
  ])("%s", (_, text, where, wanted) => {
    const [loaded] = loadPolicies(text).policies;
    const [rule] = loaded?.rules ?? [];
    if (loaded === undefined || rule === undefined) throw new Error("nothing was loaded");
    expect(failureActionFor(loaded, rule, where)).toBe(wanted);
  });
});
