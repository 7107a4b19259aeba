import { createKey, createRegistry, image, type Registry } from "@assay/testkit";
import { createAssay, type Verdict } from "assay";
import { beforeEach, describe, expect, test } from "vitest";

// What an `imageRegistry` context entry says of a tag is said of the digest that the verdict is about, though the tag moves
// between two requests.

const host = "registry.test";
const name = `${host}/acme/app:v1`;
const key = createKey();
const made = (content: string) =>
  image({ repository: "acme/app", tag: "v1", content }).using({ format: "legacy" }).signedBy(key);

let registry: Registry;
let before: string;
let after: string;

beforeEach(() => {
  registry = createRegistry({ host, referrersApi: false });
  after = made("two").pushTo(registry).digest;
  before = made("one").pushTo(registry).digest;
});

const resolved = "{{ data.resolvedImage }}";
const isRead = (operator: string) => ({
  all: [{ key: resolved, operator, value: `${host}/acme/app@${before}` }],
});

interface Told {
  /** Where the entry `data` has to be about the digest that was there before. */
  readonly reads?: "inPreconditions" | "inDeny";
  readonly imageRegistryCredentials?: object;
}

/** A policy that wants the images signed. */
function policyOf({ reads, ...more }: Told, index: number): string {
  const attestors = [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }];
  const deny = { validate: { message: "moved", deny: { conditions: isRead("NotEquals") } } };
  const verifyImages = [{ imageReferences: ["*"], attestors, ...(reads === "inDeny" ? deny : {}), ...more }];
  const rule = {
    name: "check",
    match: { any: [{ resources: { kinds: ["Pod"] } }] },
    context: [{ name: "data", imageRegistry: { reference: name } }],
    ...(reads === "inPreconditions" ? { preconditions: isRead("Equals") } : {}),
    verifyImages,
  };
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: `policy-${index}` },
    spec: { validationFailureAction: "Enforce", rules: [rule] },
  });
}

function evaluate(policies: readonly Told[]): Promise<Verdict> {
  const assay = createAssay({
    policies: policies.map(policyOf),
    registry: { fetch: registry.fetch, credentials: [], retry: { attempts: 1 } },
  });
  const metadata = { name: "web", namespace: "default" };
  const spec = { containers: [{ name: "app", image: name }] };
  return assay.evaluate({ resource: { apiVersion: "v1", kind: "Pod", metadata, spec }, mutate: true });
}

/** From now on the tag points to the other image as soon as it was asked for. */
function moveTag(): void {
  let turn: Promise<unknown> = Promise.resolve();
  const answer = (_: Request, next: () => Promise<Response>): Promise<Response> => {
    const told = turn.then(next).finally(() => registry.tag("acme/app", "v1", after));
    turn = told;
    return told;
  };
  registry.inject({ path: "/acme/app/manifests/v1", effect: { kind: "answer", answer } });
}

const requestsFor = (path: string) => registry.requests.filter((one) => one.path.includes(path)).length;

describe("a tag that moves is one digest for one evaluation", () => {
  test.each([
    ["read by preconditions", [{ reads: "inPreconditions" }]],
    ["read once the signature was verified", [{ reads: "inDeny" }]],
    ["read by the first of two policies", [{ reads: "inPreconditions" }, {}]],
    ["read by the last of two policies", [{}, { reads: "inPreconditions" }]],
  ] as const)("%s", async (_, policies) => {
    moveTag();
    const { allowed, patches, results } = await evaluate(policies);
    expect(results.map(({ outcome }) => outcome)).toEqual(policies.map(() => "pass"));
    expect(allowed).toBe(true);
    expect(patches.map(({ value }) => value)).toEqual([`${name}@${before}`]);
    expect(requestsFor("/acme/app/manifests/v1")).toBe(1);
  });

  test("though it is asked for with and without credentials", async () => {
    moveTag();
    const { patches, results } = await evaluate([
      { imageRegistryCredentials: { secrets: ["pull"] } },
      { reads: "inPreconditions" },
    ]);
    const verified = String(patches[0]?.value).replace(/^.*@/, "");
    expect(results.map(({ outcome }) => outcome)).toEqual(["pass", verified === before ? "pass" : "skip"]);
    expect(requestsFor("/acme/app/manifests/v1")).toBe(2);
  });
});

test("a tag whose image data are read costs its manifest and its config", async () => {
  await evaluate([{ reads: "inDeny" }]);
  expect(requestsFor("/manifests/v1")).toBe(1);
  expect(requestsFor(`/manifests/${before}`)).toBe(0);
  expect(requestsFor("/blobs/")).toBe(2);
});
