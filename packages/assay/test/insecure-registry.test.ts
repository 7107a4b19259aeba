import { createKey, createRegistry, hostFetch, image, type Registry } from "@assay/testkit";
import { createAssay, type Verdict } from "assay";
import { beforeEach, describe, expect, test } from "vitest";

// `allowInsecureRegistry` is the leave of the policy that says so. What came by plain http is nobody else's answer.

const host = "plain.example";
const key = createKey();
const signed = image({ repository: "acme/app", tag: "v1" }).using({ format: "legacy" }).signedBy(key);

let registry: Registry;
let isHttpsUp: boolean;
let asked: string[];
let digest: string;

beforeEach(() => {
  registry = createRegistry({ host, referrersApi: false });
  digest = signed.pushTo(registry).digest;
  isHttpsUp = false;
  asked = [];
});

interface Told {
  readonly allows?: boolean;
  /** More entries of the same rule, by whether they allow plain http. */
  readonly others?: readonly boolean[];
}

function policyOf({ allows = false, others = [] }: Told, index: number): string {
  const attestors = [{ entries: [{ keys: { publicKeys: key.pem, rekor: { ignoreTlog: true } } }] }];
  const verifyImages = [allows, ...others].map((allowInsecureRegistry) => ({
    imageReferences: ["*"],
    attestors,
    ...(allowInsecureRegistry ? { imageRegistryCredentials: { allowInsecureRegistry } } : {}),
  }));
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  return JSON.stringify({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: `policy-${index}` },
    spec: { validationFailureAction: "Enforce", rules: [{ name: "check", match, verifyImages }] },
  });
}

async function evaluate(policies: readonly Told[], images = [`${host}/acme/app:v1`]): Promise<Verdict> {
  const fetch = hostFetch({
    [host]: async (request) => {
      const { protocol, pathname } = new URL(request.url);
      asked.push(`${protocol} ${pathname}`);
      if (protocol === "http:" || isHttpsUp) return registry.handle(request);
      throw Object.assign(new TypeError("fetch failed"), { cause: new Error("refused") });
    },
  });
  const registryOptions = { fetch, credentials: [], retry: { attempts: 1 } };
  const assay = createAssay({ policies: policies.map(policyOf), registry: registryOptions });
  const containers = images.map((name, i) => ({ name: `c${i}`, image: name }));
  const metadata = { name: "web", namespace: "default" };
  const resource = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers } };
  return assay.evaluate({ resource, mutate: true });
}

const outcomes = ({ results }: Verdict) => results.map(({ outcome, code }) => `${outcome} ${code}`);
const askedBy = (protocol: string) => asked.filter((one) => one.startsWith(protocol));

describe("a registry that has only plain http", () => {
  test("is read for policies that allow it", async () => {
    const verdict = await evaluate([{ allows: true }, { allows: true }]);
    expect(outcomes(verdict)).toEqual(["pass ok", "pass ok"]);
    expect(verdict.patches).toMatchObject([{ value: `${host}/acme/app:v1@${digest}` }]);
    expect(new Set(askedBy("http:")).size).toBe(askedBy("http:").length);
  });

  test.each([
    ["the first", [{ allows: true }, {}], ["pass ok", "error unavailable"]],
    ["the last", [{}, { allows: true }], ["error unavailable", "pass ok"]],
  ] as const)(
    "is read for %s of two policies alone, where the other does not allow it",
    async (_, policies, expected) => {
      const verdict = await evaluate(policies);
      expect(outcomes(verdict)).toEqual(expected);
      expect(verdict.allowed).toBe(false);
      expect(new Set(askedBy("http:")).size).toBe(askedBy("http:").length);
    },
  );

  test("is not read for a rule of which one entry does not allow it", async () => {
    expect(outcomes(await evaluate([{ allows: true, others: [false] }]))).toEqual(["error unavailable"]);
    expect(askedBy("http:")).toEqual([]);
  });

  test("is read for each container alike, however its image is written", async () => {
    const images = [`${host}/acme/app:v1`, `${host}/acme/app@${digest}`, `${host}/acme/app:v1@${digest}`];
    const verdict = await evaluate([{ allows: true }], images);
    expect(outcomes(verdict)).toEqual(["pass ok", "pass ok", "pass ok"]);
  });
});

test("a registry that has https is asked once for policies that allow plain http and those that do not", async () => {
  isHttpsUp = true;
  expect(outcomes(await evaluate([{}, {}]))).toEqual(["pass ok", "pass ok"]);
  const alone = asked;
  asked = [];
  expect(outcomes(await evaluate([{}, { allows: true }]))).toEqual(["pass ok", "pass ok"]);
  expect(asked.toSorted()).toEqual(alone.toSorted());
});
