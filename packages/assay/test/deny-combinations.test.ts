import { createKey, createRegistry, image, predicate } from "@assay/testkit";
import { expect, test } from "vitest";
import { createAssay } from "../src/index.ts";

const key = createKey();
const registry = createRegistry();
const [left, right] = ["https://acme.example/left", "https://acme.example/right"];

/** An image with so many statements on either side, the last of which say `last`. */
function attested(tag: string, count: { readonly left: number; readonly right: number }): string {
  const statements = (type: string, many: number) =>
    Array.from({ length: many }, (_, i) => predicate(type, { n: i === many - 1 ? "last" : String(i) }));
  return image({ repository: "app", tag })
    .attestedBy(key, ...statements(left, count.left), ...statements(right, count.right))
    .pushTo(registry).reference;
}

/** Denies where both sides say this. */
function denying(value: string) {
  const attestors = [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }];
  const attestations = [
    { name: "left", type: left, attestors },
    { name: "right", type: right, attestors },
  ];
  const all = [
    { key: "{{ left.n }}", operator: "Equals", value },
    { key: "{{ right.n }}", operator: "Equals", value },
  ];
  const validate = { message: "both", deny: { conditions: { all } } };
  const rule = {
    name: "r",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    verifyImages: [{ imageReferences: ["*"], attestations, validate }],
  };
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: { validationFailureAction: "Enforce", rules: [rule] },
  };
  return createAssay({
    policies: JSON.stringify(policy),
    registry: { fetch: registry.fetch, credentials: [] },
  });
}

test.each([
  ["of which none is meant", { left: 3, right: 3 }, "nobody", "ok"],
  ["of which the last two are meant", { left: 3, right: 4 }, "last", "denied"],
  ["256 of them", { left: 16, right: 16 }, "nobody", "ok"],
  ["more than 256", { left: 16, right: 17 }, "nobody", "tooMany"],
] as const)("`deny` of combinations of statements, %s", async (_name, count, value, code) => {
  const reference = attested(`t${count.left}-${count.right}`, count);
  const spec = { containers: [{ name: "app", image: reference }] };
  const resource = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, spec };
  const { allowed, results } = await denying(value).evaluate({ resource });
  expect(results.map((result) => result.code)).toEqual([code]);
  expect(allowed).toBe(code === "ok");
});
