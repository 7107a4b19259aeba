import { describe, expect, test } from "vitest";
import { compatibilitySubjects } from "../../compatibility-rows.ts";
import { type Asked, differencesOf } from "./comparison.ts";
import { expectedDifferences, rowsOf } from "./differences.ts";
import type { Workload } from "./generate/objects.ts";
import type { KyvernoObject } from "./generate/policies.ts";
import type { Review } from "./generate/reviews.ts";
import type { Answer } from "./sides/answer.ts";

const host = "127.0.0.1:5000";
const digest = `sha256:${"1".repeat(64)}`;

function pod(image: string): Workload {
  const metadata = { name: "p", namespace: "s0" };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "c", image }] } };
}

/** A request about a Pod that both allow, but for what is said. */
function asked(
  { review = {}, kyverno = {}, assay = {}, image = `${host}/t/a:v1`, policies = [] } = {} as Parts,
): Asked {
  const object = pod(image);
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  const both: Answer = { allowed: true, failures: {}, object };
  return {
    policies,
    review: {
      ...{ uid: "1", kind, resource, requestKind: kind, requestResource: resource, namespace: "s0" },
      ...{ operation: "CREATE", object, oldObject: null, dryRun: false, options: null },
      ...{ userInfo: { username: "alice", groups: [] } },
      ...review,
    },
    kyverno: { ...both, ...kyverno },
    assay: { ...both, verified: [], ...assay },
  };
}

interface Parts {
  readonly review?: Partial<Review>;
  readonly kyverno?: Partial<Answer>;
  readonly assay?: Partial<Answer>;
  readonly image?: string;
  readonly policies?: Asked["policies"];
}

const denied = (says: string, code = "notSigned"): Partial<Answer> => ({
  allowed: false,
  deniedBy: "mutate",
  failures: { "p/r0": { hook: "mutate", says, code, blocks: true } },
});

const rows = (parts: Parts): readonly (readonly string[] | undefined)[] => {
  const one = asked(parts);
  return differencesOf(one).map((difference) => rowsOf(difference, one));
};

test("every difference that is recognised has its row in docs/compatibility.md", () => {
  const subjects = compatibilitySubjects();
  const missing = expectedDifferences.filter(({ row }) => !subjects.includes(row));
  expect(missing.map(({ row }) => row)).toEqual([]);
});

test("two that say the same do not differ", () => {
  expect(rows({})).toEqual([]);
  expect(rows({ kyverno: denied("no"), assay: denied("no") })).toEqual([]);
});

describe("what assay lets in and Kyverno denies is a finding", () => {
  const says = "failed to verify image: invalid signature";
  test.each<[string, Parts]>([
    ["an image by tag", {}],
    ["an image by tag and digest", { image: `${host}/t/a:v1@${digest}` }],
    ["an image whose signatures are artifacts beside it", { image: `${host}/t/oci-a:v1` }],
    [
      "an update that leaves it as it was",
      { review: { operation: "UPDATE", oldObject: pod(`${host}/t/a:v1`) } },
    ],
    ["a deletion", { review: { operation: "DELETE" } }],
    ["an ephemeral container", { review: { subResource: "ephemeralcontainers", operation: "UPDATE" } }],
  ])("%s", (_name, parts) => {
    expect(rows({ ...parts, kyverno: denied(says) })).toEqual([undefined]);
  });
});

test("a rule that one of them alone finds broken is a finding", () => {
  const failures = { "p/r0": { hook: "mutate", says: "denied", code: "denied", blocks: false } } as const;
  expect(rows({ kyverno: { failures } })).toEqual([undefined]);
  expect(rows({ assay: { failures } })).toEqual([undefined]);
});

describe("what policies make of each other's images", () => {
  const name = `${host}/t/a:v1`;
  const policyOf = (policy: string, failurePolicy: string, more: object = {}): KyvernoObject => ({
    ...{ apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: policy } },
    spec: {
      ...{ failurePolicy, validationFailureAction: "Enforce" },
      rules: [{ name: "r0", match: {}, verifyImages: [{ imageReferences: ["*"], ...more }] }],
    },
  });
  const unverified = denied(`unverified image ${host}/t/a@${digest}`);
  const verified = { verified: [{ rule: "p/r0", image: name }] };
  const both = [policyOf("p", "Fail"), policyOf("q", "Ignore")];
  const row = "images of an object that policies of both failure policies are about";

  test("what the other webhook has written over is no finding, where assay verified it", () => {
    const image = `${host}/t/a@${digest}`;
    expect(rows({ policies: both, image, kyverno: unverified, assay: verified })).toEqual([[row]]);
    expect(rows({ policies: both, image, kyverno: unverified })).toEqual([undefined]);
    expect(rows({ policies: [policyOf("p", "Fail")], image, kyverno: unverified, assay: verified })).toEqual([
      undefined,
    ]);
  });

  test("a digest of another rule's is no finding, where assay verified the image by its tag", () => {
    const policies = [policyOf("p", "Fail")];
    const pins = "an image that one entry verifies by tag and another one pins";
    expect(rows({ policies, kyverno: unverified, assay: verified })).toEqual([[pins]]);
    expect(rows({ policies, kyverno: unverified })).toEqual([undefined]);
  });

  test("what Kyverno's message has beside what denies decides nothing", () => {
    const policies = [policyOf("p", "Fail"), policyOf("q", "Fail", { failureAction: "Audit" })];
    const audited = { "q/r0": { hook: "validate", says: "missing digest", blocks: true } } as const;
    const kyverno = { ...unverified, failures: { ...unverified.failures, ...audited } };
    expect(rows({ policies, kyverno, assay: verified })).toHaveLength(1);
    expect(rows({ policies, kyverno, assay: verified })).not.toEqual([undefined]);
    expect(rows({ policies, kyverno: { ...unverified, failures: audited }, assay: verified })).toEqual([
      undefined,
    ]);
  });
});

test("what runs no more than before may be let in, whatever Kyverno says", () => {
  const before = { ...pod(`${host}/t/a:v1`), status: { phase: "Succeeded" } };
  const kyverno = denied("failed to verify image: no signatures found");
  expect(rows({ review: { operation: "UPDATE", oldObject: before }, kyverno })).toEqual([
    ["an update that leaves an image as it was"],
  ]);
});

test("an update that leaves one image says nothing of another one", () => {
  const review = { operation: "UPDATE", oldObject: pod(`${host}/t/b:v1`) } as const;
  expect(
    rows({ review, assay: denied(`fail notSigned (Enforce) ${host}/t/a:v1: no signatures found`) }),
  ).toEqual([undefined]);
});

test("another image that would be stored is a finding, unless only Kyverno pins what nobody verified", () => {
  const name = `${host}/t/a:v1`;
  const pinned = { object: pod(`${name}@${digest}`) };
  expect(rows({ kyverno: pinned })).toEqual([["digest patch"]]);
  expect(rows({ kyverno: pinned, assay: { verified: [{ rule: "p/r0", image: name }] } })).toEqual([
    undefined,
  ]);
  expect(rows({ assay: pinned })).toEqual([undefined]);
  expect(rows({ kyverno: pinned, assay: { object: pod(`${name}@sha256:${"2".repeat(64)}`) } })).toEqual([
    undefined,
  ]);
});

test("what the later of Kyverno's webhooks would have said is no difference", () => {
  const late = { "p/r1": { hook: "mutate", says: "by tag", code: "digestRequired", blocks: true } } as const;
  const ours = denied("no");
  expect(
    rows({ kyverno: denied("no"), assay: { ...ours, failures: { ...ours.failures, ...late } } }),
  ).toEqual([]);
});
