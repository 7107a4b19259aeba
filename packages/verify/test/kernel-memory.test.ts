import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Attestor, KeyAttestor, KeylessAttestor } from "@assay/policy";
import {
  type Candidate,
  type KernelInput,
  type KernelMemory,
  kernelMemory,
  prepareAttestors,
  verifyAttestations,
  verifySignatures,
} from "@assay/verify";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixtureDigest, fixtureEvidence, fixtureText, fixtureTrust, type Layout } from "./fixtures.ts";
import { certificate, fixtureKey, keyless, set } from "./policy.ts";

const now = new Date("2026-11-23T18:00:00Z");
const slsa = "https://slsa.dev/provenance/v0.2";

function inputOf(name: string, layout: Layout = "tags", more: Partial<KernelInput> = {}): KernelInput {
  const evidence = fixtureEvidence(name, layout);
  return {
    digest: fixtureDigest(name, layout),
    evidence: () => evidence,
    now,
    trust: fixtureTrust(),
    ...more,
  };
}

/** The same words at another place of the policy. */
function elsewhere<A extends Attestor>(attestor: A): A {
  return { ...attestor, path: "elsewhere", source: { file: "other.yaml", line: 7, column: 1 } };
}

function signatures(attestor: Attestor, input: KernelInput, memory?: KernelMemory) {
  return verifySignatures(prepareAttestors([set([attestor])], memory), "attestors", input).trace;
}

function statements(attestor: Attestor, input: KernelInput, memory?: KernelMemory, type = slsa) {
  const rule = { type, quantifier: "all", path: "attestations[0]", source: attestor.source } as const;
  const holds = { step: "conditions", path: "", outcome: "pass", code: "ok", message: "ok" } as const;
  const check = () => ({ ...holds, children: [] });
  return verifyAttestations(rule, prepareAttestors([set([attestor])], memory), check, input).trace;
}

describe("attestors that are prepared with one memory", () => {
  const { verify } = crypto;
  let verified = 0;
  beforeAll(() => {
    crypto.verify = ((...args: Parameters<typeof verify>) => {
      verified++;
      return verify(...args);
    }) as typeof verify;
    syncBuiltinESMExports();
  });
  beforeEach(() => {
    verified = 0;
  });
  afterAll(() => {
    crypto.verify = verify;
    syncBuiltinESMExports();
  });

  test.each([
    ["a key", "key-ecdsa", fixtureKey("cosign"), signatures, 1],
    ["a key, of statements", "key-att3", fixtureKey("cosign"), statements, 1],
    ["an identity", "kl-sig", keyless(), signatures, 2],
  ] as const)("prove a signature once, where they are equal: %s", (_, name, attestor, judge, least) => {
    const input = inputOf(name);
    const memory = kernelMemory();
    expect(judge(attestor, input, memory).outcome).toBe("pass");
    const once = verified;
    expect(once).toBeGreaterThanOrEqual(least);
    expect(judge(elsewhere(attestor), input, memory).outcome).toBe("pass");
    expect(verified).toBe(once);
    judge(elsewhere(attestor), input);
    expect(verified).toBe(2 * once);
  });

  test("read a candidate once, equal or not", () => {
    let reads = 0;
    const { candidates, ...evidence } = fixtureEvidence("key-att3");
    const watched = candidates.map((candidate): Candidate => {
      if (candidate.kind !== "legacy") return candidate;
      const { payload, ...rest } = candidate;
      return {
        ...rest,
        get payload() {
          reads++;
          return payload;
        },
      };
    });
    const input = inputOf("key-att3", "tags", { evidence: () => ({ ...evidence, candidates: watched }) });
    const memory = kernelMemory();
    statements(fixtureKey("cosign"), input, memory);
    const once = reads;
    expect(once).toBeGreaterThan(0);
    for (const type of [slsa, "https://spdx.dev/Document"]) {
      for (const name of ["cosign", "other"]) statements(fixtureKey(name), input, memory, type);
    }
    expect(reads).toBe(once);
  });

  test("remember a bounded number of demands, those asked for last", () => {
    const memory = kernelMemory();
    let made = 0;
    const ask = (i: number) =>
      memory.demandsOf(keyless({ subject: `subject-${i}` }), () => {
        made++;
        return [];
      });
    for (let i = 0; i < 1000; i++) ask(i);
    ask(0);
    expect(made).toBe(1000);
    ask(1000);
    ask(0);
    expect(made).toBe(1001);
    ask(1);
    expect(made).toBe(1002);
  });

  test("tell of it where they stand", () => {
    const memory = kernelMemory();
    const input = inputOf("key-ecdsa");
    signatures(fixtureKey("cosign"), input, memory);
    expect(JSON.stringify(signatures(elsewhere(fixtureKey("cosign")), input, memory))).toBe(
      JSON.stringify(signatures(elsewhere(fixtureKey("cosign")), input)),
    );
  });
});

describe("what was proven for one attestor is not for another that demands", () => {
  const key = (more: Partial<KeyAttestor>) => fixtureKey("cosign", more);
  const identity = (more: Partial<KeylessAttestor>) => keyless(more);
  const byPattern = (subjectRegExp: string): KeylessAttestor => {
    const { subject: _, ...rest } = keyless();
    return { ...rest, subjectRegExp };
  };
  const rekor = { ignoreTlog: false, pubkey: fixtureText("trust/rekor.pub") };
  test.each<readonly [string, string, Attestor, Attestor]>([
    ["another key", "key-ecdsa", key({}), fixtureKey("other")],
    ["a log entry", "key-ecdsa", key({}), key({ rekor })],
    [
      "another log",
      "key-tlog",
      key({ rekor }),
      key({ rekor: { ...rekor, pubkey: fixtureText("keys/cosign.pub") } }),
    ],
    ["another hash", "key-ecdsa", key({}), key({ signatureAlgorithm: "sha512" })],
    ["annotations", "key-ecdsa", key({}), key({ annotations: { team: "none" } })],
    ["another subject", "kl-sig", identity({}), identity({ subject: "https://github.com/evil/*" })],
    ["a subject by pattern", "kl-sig", identity({}), byPattern("^https://evil")],
    ["another issuer", "kl-sig", identity({}), identity({ issuer: "https://accounts.google.com" })],
    [
      "an extension",
      "kl-sig",
      identity({}),
      identity({ additionalExtensions: { githubWorkflowTrigger: "none" } }),
    ],
    [
      "another CT log",
      "kl-sig",
      identity({ ctlog: { ignoreSCT: true } }),
      identity({ ctlog: { ignoreSCT: false, pubkey: fixtureText("keys/cosign.pub") } }),
    ],
  ])("%s", (_, name, lax, strict) => {
    const input = inputOf(name);
    const memory = kernelMemory();
    expect(signatures(lax, input, memory).outcome).toBe("pass");
    const trace = signatures(strict, input, memory);
    expect(trace.outcome).toBe("fail");
    expect(trace).toEqual(signatures(strict, inputOf(name)));
    expect(signatures(lax, input, memory).outcome).toBe("pass");
  });

  test("an authority of its own", () => {
    const certChain = fixtureText("trust/fulcio-chain.pem");
    const memory = kernelMemory();
    const input = inputOf("kl-sig");
    const more = { rekor: { ignoreTlog: false, pubkey: fixtureText("trust/rekor.pub") } };
    const authority = certificate({ certChain, ...more, ctlog: { ignoreSCT: true } });
    expect(signatures(authority, input, memory)).toEqual(signatures(authority, inputOf("kl-sig")));
    expect(signatures(keyless({ subject: "https://evil" }), input, memory).outcome).toBe("fail");
  });

  test("a key that is not to be had for a place is refused there, with the place", () => {
    const memory = kernelMemory();
    for (const where of [(one: KeyAttestor) => one, elsewhere<KeyAttestor>]) {
      const bad = where(key({ publicKeys: "no key" }));
      expect(() => prepareAttestors([set([bad])], memory)).toThrow(
        expect.objectContaining({ path: `${bad.path}.publicKeys` }),
      );
    }
  });
});

describe("a shared memory changes no judgement", () => {
  const sign = "https://sigstore.dev/cosign/sign/v1";
  const images: readonly (readonly [string, Layout, string])[] = [
    ["key-ecdsa", "tags", slsa],
    ["key-att3", "tags", slsa],
    ["bundle-ecdsa", "referrers", sign],
    ["bundle-att3", "referrers", slsa],
    ["kl-sig", "tags", slsa],
    ["kl-att3", "tags", slsa],
    ["klb-sig", "referrers", sign],
    ["unsigned", "tags", slsa],
  ];
  const attestors: readonly Attestor[] = [
    fixtureKey("cosign"),
    fixtureKey("other"),
    keyless(),
    // Of an attestation that is otherwise genuine this is told last, of a signature first.
    keyless({ subject: "https://github.com/evil/*" }),
    keyless({
      subject: "https://github.com/evil/*",
      rekor: { ignoreTlog: false, pubkey: fixtureText("keys/cosign.pub") },
    }),
  ];

  test.each(images)("about %s (%s), for signatures and statements, in either order", (name, layout, type) => {
    // Then both look at the same bundles.
    const more = { signaturePredicateTypes: "any" } as const;
    const ways = [
      signatures,
      (...[attestor, input, memory]: Parameters<typeof signatures>) =>
        statements(attestor, input, memory, type),
    ];
    for (const order of [ways, [...ways].reverse()]) {
      const memory = kernelMemory();
      const input = inputOf(name, layout, more);
      for (const attestor of attestors) {
        for (const judge of [...order, ...order]) {
          const alone = judge(attestor, inputOf(name, layout, more));
          expect(judge(attestor, input, memory)).toEqual(alone);
        }
      }
    }
  });
});
