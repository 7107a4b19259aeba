import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { parseDigest } from "@assay/image";
import type { Trace } from "@assay/policy";
import {
  type AttestationJudgement,
  type Candidate,
  type Evidence,
  prepareAttestors,
  type ResolvedSet,
  type VerifiedAttestation,
  verifyAttestations,
} from "@assay/verify";
import { describe, expect, test } from "vitest";
import { fixtureDigest, fixtureEvidence, fixtureTrust, type Layout } from "./fixtures.ts";
import { fixtureKey, key, keyless, set } from "./policy.ts";

const now = new Date("2026-11-23T18:00:00Z");
const source = { file: "policy.yaml", line: 1, column: 1 };
const slsa = "https://slsa.dev/provenance/v0.2";
const spdx = "https://spdx.dev/Document";
const vuln = "https://cosign.sigstore.dev/attestation/vuln/v1";

interface Asked {
  readonly name: string;
  readonly type: string;
  readonly sets: readonly ResolvedSet[];
  readonly layout?: Layout;
  readonly quantifier?: "all" | "any" | "latest";
  readonly check?: (attestation: VerifiedAttestation) => boolean;
  readonly evidence?: (evidence: Evidence) => Evidence;
  readonly format?: "Cosign" | "SigstoreBundle";
}

function judge(asked: Asked): AttestationJudgement {
  const { name, type, sets, layout = "tags", quantifier = "all", check = () => true, format } = asked;
  const evidence = (asked.evidence ?? ((same) => same))(fixtureEvidence(name, layout));
  const digest = fixtureDigest(name, layout);
  const input = {
    digest,
    evidence: () => evidence,
    now,
    trust: fixtureTrust(),
    ...(format ? { format } : {}),
  };
  return verifyAttestations(
    { type, quantifier, path: "attestations[0]", source },
    prepareAttestors(sets),
    (attestation) => conditions(check(attestation)),
    input,
  );
}

function conditions(holds: boolean): Trace {
  const outcome = holds ? "pass" : "fail";
  const code = holds ? "ok" : "conditionFalse";
  return {
    step: "conditions",
    path: "",
    outcome,
    code,
    message: holds ? "ok" : "condition is false",
    children: [],
  };
}

test.each([
  ["key-att3", slsa, set([fixtureKey("cosign")]), "ok"],
  ["key-att3", spdx, set([fixtureKey("cosign")]), "ok"],
  ["key-att3", vuln, set([fixtureKey("cosign")]), "ok"],
  ["key-att3", "https://slsa.dev/provenance/v0.2/", set([fixtureKey("cosign")]), "predicateTypeMissing"],
  ["key-att3", "https://slsa.dev/provenance/v1", set([fixtureKey("cosign")]), "predicateTypeMissing"],
  ["key-att3", slsa, set([fixtureKey("other")]), "untrustedSigner"],
  ["key-att-only", slsa, set([fixtureKey("cosign")]), "ok"],
  ["key-att-other", slsa, set([fixtureKey("cosign")]), "untrustedSigner"],
  ["key-ecdsa", slsa, set([fixtureKey("cosign")]), "notSigned"],
  ["bundle-att3", slsa, set([fixtureKey("cosign")]), "ok"],
  ["bundle-att3", vuln, set([fixtureKey("cosign")]), "ok"],
  ["kl-att3", slsa, set([keyless()]), "ok"],
  ["kl-att3", slsa, set([keyless({ subject: "https://github.com/evil/*" })]), "identityMismatch"],
  ["kl-att3", slsa, set([fixtureKey("cosign")]), "untrustedSigner"],
] as const)("%s, %s", (name, type, attestors, code) => {
  for (const layout of ["tags", "referrers"] as const) {
    const judged = judge({ name, type, sets: [attestors], layout });
    expect([judged.trace.code, judged.trace.message]).toEqual([code, expect.any(String)]);
    expect(judged.verified.length).toBe(code === "ok" ? 1 : 0);
  }
});

test("the predicate is that of the verified payload", () => {
  const [attestation] = judge({ name: "key-att3", type: slsa, sets: [set([fixtureKey("cosign")])] }).verified;
  expect(attestation?.predicate).toMatchObject({ buildType: expect.any(String) });
  expect(attestation?.statementType).toBe("https://in-toto.io/Statement/v0.1");
});

const twoScans = { name: "key-attall", type: vuln, sets: [set([fixtureKey("cosign")])] } as const;
const isNew = ({ predicate }: VerifiedAttestation): boolean => JSON.stringify(predicate).includes("2026-11");

test("of several attestations of a type all must hold", () => {
  expect(judge({ ...twoScans, check: isNew }).trace.code).toBe("conditionFalse");
  expect(judge({ ...twoScans }).verified.length).toBe(2);
});

test("quantifier any is content with one", () => {
  expect(judge({ ...twoScans, check: isNew, quantifier: "any" }).trace.outcome).toBe("pass");
  expect(judge({ ...twoScans, check: () => false, quantifier: "any" }).trace.code).toBe("conditionFalse");
});

test("quantifier latest needs verified times", () => {
  expect(judge({ ...twoScans, check: isNew, quantifier: "latest" }).trace.code).toBe("noTrustedTime");
  expect(
    judge({ name: "kl-att3", type: slsa, sets: [set([keyless()])], quantifier: "latest" }).trace.code,
  ).toBe("ok");
});

test("format narrows", () => {
  const asked = { name: "bundle-att3", type: slsa, sets: [set([fixtureKey("cosign")])] };
  expect(judge({ ...asked, format: "Cosign" }).trace.code).toBe("notSigned");
  expect(judge({ ...asked, format: "SigstoreBundle" }).trace.code).toBe("ok");
});

test("with a gap one attestation may do, but not all hold", () => {
  const gap = { shelf: "referrers", code: "unavailable", message: "referrers answered 500" } as const;
  const evidence = (found: Evidence): Evidence => ({ ...found, gaps: [gap] });
  const asked = { name: "key-att3", type: slsa, sets: [set([fixtureKey("cosign")])], evidence };
  expect(judge({ ...asked }).trace).toMatchObject({ outcome: "error", code: "unavailable" });
  expect(judge({ ...asked, quantifier: "any" }).trace.outcome).toBe("pass");
  const pending = judge({
    ...asked,
    evidence: (found) => ({ ...found, gaps: [{ ...gap, code: "pending" }] }),
  });
  expect([pending.trace.outcome, pending.needsEvidence]).toEqual(["error", true]);
});

describe("statements that cannot be read", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const digest = parseDigest(`sha256:${"ab".repeat(32)}`);
  const subject = [{ name: "app", digest: { sha256: "ab".repeat(32) } }];
  const good = { _type: "https://in-toto.io/Statement/v1", predicateType: slsa, subject, predicate: {} };
  const payloadType = "application/vnd.in-toto+json";

  function layer(statement: string, by: KeyObject = privateKey): Candidate {
    const payload = Buffer.from(statement);
    const pae = Buffer.concat([
      Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
      payload,
    ]);
    const sig = sign("sha256", pae, by).toString("base64");
    const envelope = { payloadType, payload: payload.toString("base64"), signatures: [{ sig }] };
    const origin = { shelf: "attestationTag", repository: "acme/app" } as const;
    return {
      kind: "legacy",
      holds: "attestation",
      payload: Buffer.from(JSON.stringify(envelope)),
      annotations: {},
      origin,
    };
  }

  function judgeAll(candidates: readonly Candidate[], quantifier: "all" | "any" = "all"): string {
    const rule = { type: slsa, quantifier, path: "", source };
    const input = { digest, evidence: () => ({ digest, candidates, gaps: [] }), now };
    return verifyAttestations(rule, prepareAttestors([set([key(pem)])]), () => conditions(true), input).trace
      .code;
  }

  const twice = JSON.stringify(good).replace('"subject"', '"predicateType":"x","subject"');
  const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

  test.each([
    ["one good statement", [layer(JSON.stringify(good))], "ok"],
    ["one with a key twice", [layer(twice)], "malformed"],
    ["one that is no JSON", [layer("not json")], "malformed"],
    [
      "a good one beside one of the same signer that nobody can read",
      [layer(JSON.stringify(good)), layer(twice)],
      "malformed",
    ],
    [
      "a good one beside a predicate that is no JSON",
      [layer(JSON.stringify(good)), layer(JSON.stringify(good).replace("{}}", "[}}"))],
      "malformed",
    ],
    [
      "a good one beside a stranger's that nobody can read",
      [layer(JSON.stringify(good)), layer(twice, stranger)],
      "ok",
    ],
    [
      "a good one beside one about another image",
      [layer(JSON.stringify(good)), layer(JSON.stringify(good).replace("abab", "cdcd"))],
      "ok",
    ],
  ])("%s: %s", (_, candidates, code) => {
    expect(judgeAll(candidates)).toBe(code);
  });

  test("any is content with the one that can be read", () => {
    expect(judgeAll([layer(twice), layer(JSON.stringify(good))], "any")).toBe("ok");
  });
});
