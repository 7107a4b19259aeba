import { expect, test } from "vitest";
import { unsentPolicies } from "../src/serve/unsent-policies.ts";

function policy(name: string, resources: object): { readonly metadata: { readonly name: string } } {
  const attestors = [{ entries: [{ keys: { secret: { name: "a", namespace: "b" } } }] }];
  const rule = {
    name: "r",
    match: { any: [{ resources }] },
    imageExtractors: { Task: [{ path: "/spec/steps/*/image" }] },
    verifyImages: [{ imageReferences: ["*"], attestors }],
  };
  const metadata = { name };
  return {
    ...{ apiVersion: "kyverno.io/v1", kind: "ClusterPolicy" },
    metadata,
    spec: { rules: [rule] },
  } as never;
}

test("a policy about what the shipped webhooks do not send is told of in the log, once", () => {
  const told: unknown[] = [];
  const logger = { info: () => {}, error: () => {}, warn: (fields: object) => void told.push(fields) };
  const tell = unsentPolicies(logger, ({ metadata }) => (metadata as { readonly name: string }).name);
  const pods = policy("pods", { kinds: ["Pod", "apps/v1/Deployment"] });
  const tasks = policy("tasks", { kinds: ["Task"] });
  const deletions = policy("deletions", { kinds: ["Pod"], operations: ["DELETE"] });
  tell([pods, tasks] as never);
  tell([pods, tasks, deletions] as never);
  expect(told).toEqual([{ policy: "tasks" }, { policy: "deletions" }]);
  tell([pods] as never);
  tell([tasks] as never);
  expect(told).toHaveLength(3);
});
