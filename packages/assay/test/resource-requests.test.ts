import type { JsonObject } from "@assay/policy";
import { expect, test } from "vitest";
import { requestsFor } from "../src/inputs/resource-requests.ts";
import { runHere } from "./run-here.ts";

function object(kind: string, metadata: JsonObject): JsonObject {
  return { apiVersion: "v1", kind, metadata };
}

test.each([
  ["Pod", undefined, "default"],
  ["Pod", "shop", "shop"],
  ["Widget", undefined, "default"],
  ["Namespace", undefined, undefined],
  ["ClusterRole", undefined, undefined],
])("a %s in namespace %s is judged in %s, as kubectl creates it", (kind, given, expected) => {
  const metadata = given === undefined ? { name: "x" } : { name: "x", namespace: given };
  const [request] = requestsFor([object(kind, metadata)], { mutate: true });
  expect(request?.resource["metadata"]).toEqual(
    expected === undefined ? { name: "x" } : { name: "x", namespace: expected },
  );
});

test("labels of a namespace are told where the namespace is among the objects, and only there", () => {
  const objects = [
    object("Namespace", { name: "shop", labels: { env: "prod" } }),
    object("Pod", { name: "a", namespace: "shop" }),
    object("Pod", { name: "b", namespace: "other" }),
  ];
  const [, a, b] = requestsFor(objects, { mutate: false });
  expect(a).toMatchObject({ namespaceLabels: { env: "prod" }, mutate: false });
  expect(b).not.toHaveProperty("namespaceLabels");
});

const POLICY = JSON.stringify({
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "prod-only" },
  spec: {
    validationFailureAction: "Enforce",
    rules: [
      {
        name: "r",
        match: {
          any: [{ resources: { kinds: ["Pod"], namespaceSelector: { matchLabels: { env: "prod" } } } }],
        },
        verifyImages: [
          {
            imageReferences: ["*"],
            attestors: [
              {
                entries: [
                  { keyless: { subject: "a", issuer: "b", rekor: { url: "https://rekor.example" } } },
                ],
              },
            ],
          },
        ],
      },
    ],
  },
});

test.each([
  ["prod", 1],
  ["dev", 0],
])(
  "a policy for namespaces by label sees the %s namespace in the same file: exit %d",
  async (env, expected) => {
    const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const cwd = await mkdtemp(join(tmpdir(), "assay-labels-"));
    try {
      await writeFile(join(cwd, "policy.json"), POLICY);
      const spec = { containers: [{ name: "a", image: "registry.example.com/acme/unsigned:v1" }] };
      const pod = { ...object("Pod", { name: "web", namespace: "shop" }), spec };
      const stdin = [object("Namespace", { name: "shop", labels: { env } }), pod]
        .map((one) => JSON.stringify(one))
        .join("\n---\n");
      const layout = new URL("../../../examples/testdata/cosign-images", import.meta.url).pathname;
      const { status } = await runHere(["apply", "policy.json", "-r", "-", "--layout", layout], {
        cwd,
        stdin,
      });
      expect(status).toBe(expected);
    } finally {
      await rm(cwd, { recursive: true });
    }
  },
);
