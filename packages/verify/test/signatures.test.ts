import { prepareAttestors, type ResolvedSet, type SignatureJudgement, verifySignatures } from "@assay/verify";
import { expect, test } from "vitest";
import { fixtureDigest, fixtureEvidence, fixtureText, fixtureTrust, type Layout } from "./fixtures.ts";
import { fixtureKey, keyless, keylessByTrust, set, workflow } from "./policy.ts";

const now = new Date("2026-11-23T18:00:00Z");
const evil = "https://github.com/evil/app/.github/workflows/release.yml@refs/heads/main";

function judge(
  name: string,
  sets: readonly ResolvedSet[],
  layout: Layout = "tags",
  withTrust = false,
): SignatureJudgement {
  const evidence = fixtureEvidence(name, layout);
  const input = {
    digest: fixtureDigest(name, layout),
    evidence: () => evidence,
    now,
    ...(withTrust ? { trust: fixtureTrust() } : {}),
  };
  return verifySignatures(prepareAttestors(sets), "attestors", input);
}

const rekor = { ignoreTlog: false, pubkey: fixtureText("trust/rekor.pub") };
const tsaCertChain = fixtureText("trust/tsa-chain.pem");
const ctPubkey = fixtureText("trust/ctlog.pub");

// What cosign and Kyverno say of the same images (reference: the fixtures' cases).
const table: readonly (readonly [string, ResolvedSet, string, string])[] = [
  ["key-ecdsa", set([fixtureKey("cosign")]), "pass", "ok"],
  ["c2-key-ecdsa", set([fixtureKey("cosign")]), "pass", "ok"],
  ["key-rsa", set([fixtureKey("rsa")]), "pass", "ok"],
  ["key-p384", set([fixtureKey("p384")]), "fail", "badSignature"],
  ["key-p384", set([fixtureKey("p384", { signatureAlgorithm: "sha384" })]), "pass", "ok"],
  ["key-p521", set([fixtureKey("p521", { signatureAlgorithm: "sha512" })]), "pass", "ok"],
  ["key-other", set([fixtureKey("cosign")]), "fail", "untrustedSigner"],
  ["key-two", set([fixtureKey("cosign"), fixtureKey("other")]), "pass", "ok"],
  ["key-two", set([fixtureKey("cosign"), fixtureKey("other")], 2), "pass", "ok"],
  ["key-ecdsa", set([fixtureKey("cosign"), fixtureKey("cosign")], 2), "fail", "notEnoughAttestors"],
  ["copied", set([fixtureKey("cosign")]), "fail", "claimMismatch"],
  ["unsigned", set([fixtureKey("cosign")]), "fail", "notSigned"],
  ["key-att-only", set([fixtureKey("cosign")]), "fail", "notSigned"],
  ["key-ann", set([fixtureKey("cosign", { annotations: { env: "prod", team: "payments" } })]), "pass", "ok"],
  ["key-ann", set([fixtureKey("cosign", { annotations: { env: "dev" } })]), "fail", "annotationMismatch"],
  ["bundle-ecdsa", set([fixtureKey("cosign")]), "pass", "ok"],
  ["bundle-rsa", set([fixtureKey("rsa")]), "pass", "ok"],
  ["bundle-p384", set([fixtureKey("p384", { signatureAlgorithm: "sha384" })]), "pass", "ok"],
  ["key-ed25519", set([fixtureKey("ed25519")]), "fail", "untrustedSigner"],
  ["bundle-ann", set([fixtureKey("cosign", { annotations: { env: "prod" } })]), "pass", "ok"],
  ["bundle-ann", set([fixtureKey("cosign", { annotations: { env: "dev" } })]), "fail", "annotationMismatch"],
  ["bundle-att3", set([fixtureKey("cosign")]), "pass", "ok"],
  ["key-tlog", set([fixtureKey("cosign", { rekor })]), "pass", "ok"],
  ["bundle-tlog", set([fixtureKey("cosign", { rekor })]), "pass", "ok"],
  ["key-ecdsa", set([fixtureKey("cosign", { rekor })]), "fail", "logMissing"],
  ["kl-sig", set([keyless()]), "pass", "ok"],
  ["kl-sig", set([keyless({ subject: "https://github.com/acme/*" })]), "pass", "ok"],
  ["kl-evil", set([keyless()]), "fail", "identityMismatch"],
  ["kl-evil", set([keyless({ subject: evil })]), "pass", "ok"],
  ["kl-email", set([keyless()]), "fail", "identityMismatch"],
  ["kl-notlog", set([keyless()]), "fail", "logMissing"],
  ["kl-tsa", set([keyless({ ctlog: { ignoreSCT: false, pubkey: ctPubkey, tsaCertChain } })]), "pass", "ok"],
  [
    "kl-tsaonly",
    set([
      keyless({ rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: false, pubkey: ctPubkey, tsaCertChain } }),
    ]),
    "pass",
    "ok",
  ],
  ["kl-sig", set([keyless({ rekor: { ignoreTlog: true } })]), "fail", "noTrustedTime"],
  [
    "kl-sig",
    set([
      keyless({
        roots:
          /-----BEGIN[^-]*-----[^-]*-----END[^-]*-----\s*$/.exec(
            fixtureText("trust/fulcio-chain.pem"),
          )?.[0] ?? "",
      }),
    ]),
    "fail",
    "untrustedSigner",
  ],
  ["key-ecdsa", set([keyless()]), "fail", "untrustedSigner"],
  ["klb-sig", set([keyless()]), "pass", "ok"],
  ["klb-tsaonly", set([keyless()]), "fail", "logMissing"],
];

test.each(
  table.flatMap(([name, ...rest]) =>
    (["tags", "referrers"] as const).map((layout) => [name, layout, ...rest] as const),
  ),
)("%s in %s", (name, layout, sets, outcome, code) => {
  const judged = judge(name, [sets], layout);
  expect([judged.trace.outcome, judged.trace.code, judged.trace.message]).toEqual([
    outcome,
    code,
    expect.any(String),
  ]);
  expect(judged.verified.length > 0).toBe(outcome === "pass");
});

test.each(["kl-sig", "klb-sig", "kl-tsa", "kl-att3"])("%s by the trust root", (name) => {
  expect(judge(name, [set([keylessByTrust()])], "tags").trace.code).toBe("trustUnavailable");
  expect(judge(name, [set([keylessByTrust()])], "tags").needsTrust).toBe(true);
  const judged = judge(name, [set([keylessByTrust()])], "tags", true);
  expect(judged.trace.message).toBe("every attestor set holds");
  expect(judged.verified[0]?.signer.subject).toBe(workflow);
});

test("an unsigned image is not signed, whatever trust could be had", () => {
  const judged = judge("unsigned", [set([keylessByTrust()])]);
  expect([judged.trace.code, judged.needsTrust]).toEqual(["notSigned", false]);
});
