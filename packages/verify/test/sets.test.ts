import type { EvidenceGap, UnavailableAttestor } from "@assay/verify";
import { prepareAttestors, type ResolvedSet, type SignatureJudgement, verifySignatures } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { fixtureEvidence, fixtureText } from "./fixtures.ts";
import { certificate, fixtureKey, keyless, keylessByTrust, nested, set } from "./policy.ts";

const now = new Date("2026-11-23T18:00:00Z");
const [cosign, other, rsa] = [fixtureKey("cosign"), fixtureKey("other"), fixtureKey("rsa")];
const place = { path: "attestors[0].entries[1]", source: cosign.source };
const missing: UnavailableAttestor = {
  ...place,
  kind: "unavailable",
  code: "keyUnavailable",
  message: "vault did not answer",
};

function judge(
  image: string,
  sets: readonly ResolvedSet[],
  gaps: readonly EvidenceGap[] = [],
): SignatureJudgement {
  const evidence = { ...fixtureEvidence(image), gaps };
  return verifySignatures(prepareAttestors(sets), "attestors", {
    digest: evidence.digest,
    evidence: () => evidence,
    now,
  });
}

describe("counts", () => {
  // `key-two` is signed by cosign and other, `key-ecdsa` by cosign alone.
  test.each([
    ["key-two", [set([cosign, other])], "pass"],
    ["key-two", [set([cosign, other, rsa])], "fail"],
    ["key-two", [set([cosign, other, rsa], 2)], "pass"],
    ["key-two", [set([rsa, cosign, other], 2)], "pass"],
    ["key-ecdsa", [set([cosign, other], 1)], "pass"],
    ["key-ecdsa", [set([cosign, other], 2)], "fail"],
    ["key-ecdsa", [set([cosign]), set([other])], "fail"],
    ["key-two", [set([cosign]), set([other])], "pass"],
    ["key-ecdsa", [set([nested([cosign, other], 1)])], "pass"],
    ["key-ecdsa", [set([nested([cosign, other])])], "fail"],
    ["key-two", [set([nested([rsa, other], 1), cosign], 2)], "pass"],
  ] as const)("%s %#: %s", (image, sets, outcome) => {
    expect(judge(image, [...sets]).trace.outcome).toBe(outcome);
  });

  test.each([
    ["the same key twice", [set([cosign, cosign], 2)]],
    ["the same key again in a nested set", [set([cosign, nested([cosign, rsa], 1)], 2)]],
    ["the same key with other annotations", [set([cosign, fixtureKey("cosign", { annotations: {} })], 2)]],
  ] as const)("%s is one signer", (_, sets) => {
    const { trace } = judge("key-ecdsa", sets);
    expect([trace.code, trace.message]).toEqual([
      "notEnoughAttestors",
      expect.stringMatching(/by distinct signers/),
    ]);
  });

  test("without a count every entry must hold by itself: the same key twice does", () => {
    expect(judge("key-ecdsa", [set([cosign, cosign])]).trace.outcome).toBe("pass");
  });

  test("what is not needed any more is not judged", () => {
    const [attestors] = judge("key-ecdsa", [set([cosign, other], 1)]).trace.children;
    expect(attestors?.children.map(({ outcome, code }) => [outcome, code])).toEqual([
      ["pass", "ok"],
      ["skip", "notEvaluated"],
    ]);
  });
});

describe("what could not be had", () => {
  test.each([
    ["a key that is needed", [set([cosign, missing])], "error", "keyUnavailable"],
    ["a key that is not needed", [set([cosign, missing], 1)], "pass", "ok"],
    ["a key beside one that fails", [set([other, missing])], "fail", "notEnoughAttestors"],
    ["a key in a set beside one that fails", [set([other]), set([missing])], "fail", "untrustedSigner"],
  ] as const)("%s", (_, sets, outcome, code) => {
    const { trace } = judge("key-ecdsa", sets);
    expect([trace.outcome, trace.code]).toEqual([outcome, code]);
  });

  const gap = (code: EvidenceGap["code"], shelf: EvidenceGap["shelf"] = "referrers"): EvidenceGap => ({
    shelf,
    code,
    message: "gap",
  });

  test.each([
    ["one signature suffices", "key-ecdsa", gap("unavailable"), "pass", "ok", false],
    ["no signature was found", "unsigned", gap("unavailable"), "error", "unavailable", false],
    ["none fits", "key-other", gap("unauthorized"), "error", "unauthorized", false],
    ["a shelf was not asked yet", "unsigned", gap("pending"), "error", "unavailable", true],
    [
      "a shelf that holds no signatures",
      "unsigned",
      gap("unavailable", "attestationTag"),
      "fail",
      "notSigned",
      false,
    ],
    ["too many to read", "unsigned", gap("tooMany"), "fail", "tooMany", false],
  ] as const)("a gap, and %s", (_, image, missed, outcome, code, needsEvidence) => {
    const judged = judge(image, [set([cosign])], [missed]);
    expect([judged.trace.outcome, judged.trace.code, judged.needsEvidence]).toEqual([
      outcome,
      code,
      needsEvidence,
    ]);
  });

  test("the trust root is asked for only where it decides", () => {
    const needs = (image: string, sets: readonly ResolvedSet[]): boolean => judge(image, sets).needsTrust;
    expect(needs("kl-sig", [set([keylessByTrust()])])).toBe(true);
    expect(needs("kl-evil", [set([keylessByTrust()])])).toBe(false);
    expect(needs("key-ecdsa", [set([keylessByTrust()])])).toBe(false);
    expect(needs("kl-sig", [set([keylessByTrust()]), set([cosign])])).toBe(false);
    expect(needs("key-ecdsa", [set([keylessByTrust(), cosign], 1)])).toBe(false);
    const { rekor, ...logged } = cosign;
    expect(rekor).toBeDefined();
    expect(needs("key-tlog", [set([logged])])).toBe(true);
    expect(needs("key-ecdsa", [set([logged])])).toBe(false);
    expect(needs("key-other", [set([logged])])).toBe(false);
  });
});

test("a candidate that could not be read is a reason, never a way in", () => {
  const evidence = fixtureEvidence("unsigned");
  const origin = { shelf: "signatureTag", repository: "acme/unsigned" } as const;
  const candidates = [{ kind: "unreadable", code: "tooLarge", message: "layer of 5 GB", origin }] as const;
  const input = { digest: evidence.digest, evidence: () => ({ ...evidence, candidates }), now };
  const { trace } = verifySignatures(prepareAttestors([set([cosign])]), "attestors", input);
  expect([trace.outcome, trace.code, trace.message]).toEqual([
    "fail",
    "tooLarge",
    "failed to verify signature: no matching signatures: layer of 5 GB",
  ]);
});

describe("each weakening of the policy shows in the trace", () => {
  const ctlog = { ignoreSCT: true };
  const cert = certificateOf("kl-sig");
  const certChain = fixtureText("trust/fulcio-chain.pem");
  test.each([
    ["a key without log", "key-ecdsa", cosign, { tlog: "ignored" }],
    ["a keyless signer without CT log", "kl-sig", keyless({ ctlog }), { sct: "ignored" }],
    ["an authority without CT log", "kl-sig", certificate({ certChain, ctlog }), { sct: "ignored" }],
    [
      "an issued certificate without CT log",
      "kl-sig",
      certificate({ cert, certChain, ctlog }),
      { sct: "ignored" },
    ],
  ] as const)("%s", (_, image, attestor, weakening) => {
    const candidate = judge(image, [set([attestor])]).trace.children[0]?.children[0]?.children[0];
    expect(candidate?.facts).toMatchObject({ ...weakening, shelf: "signatureTag", format: "legacy" });
  });

  test("which a pinned certificate without authority has not: no CT log was ever asked for", () => {
    const { trace } = judge("kl-sig", [set([certificate({ cert, ctlog })])]);
    expect(trace.children[0]?.children[0]?.children[0]?.facts).not.toHaveProperty("sct");
  });
});

function certificateOf(image: string): string {
  const [candidate] = fixtureEvidence(image).candidates;
  const annotations = candidate?.kind === "legacy" ? candidate.annotations : {};
  return annotations["dev.sigstore.cosign/certificate"] ?? "";
}
