import type { JsonObject } from "@assay/policy";
import { expect, test } from "vitest";
import { engineFor, entry, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

// Recorded keyless images. The comments say what Kyverno 1.19.1's engine answered to the same policy; for those without a
// bundle the policy gave it the roots and log keys that the trust root gives here.
const subject = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const issuer = "http://127.0.0.1:9998";
const bundle = { type: "SigstoreBundle" };

async function allowed(name: string, identity: JsonObject, more: JsonObject = {}): Promise<boolean> {
  const keyless = { rekor: { url: "http://127.0.0.1:3000" }, ...identity };
  const document = policy({ entry: entry({ attestors: [{ entries: [{ keyless }] }], ...more }) });
  const sources = fixtureSources({ trustedRoot: fixture("trust/trusted_root.json") });
  const engine = engineFor(document, { sources });
  return (await engine.evaluate({ resource: pod(pinned(name)) })).verdict.allowed;
}

test("subject and subjectRegExp must both match under type: SigstoreBundle, and either does elsewhere", async () => {
  const half = { subject, subjectRegExp: "evil", issuer };
  const whole = { subject, subjectRegExp: "/acme/", issuer };
  expect(await allowed("klb-sig", half, bundle)).toBe(false); // denied
  expect(await allowed("klb-sig", whole, bundle)).toBe(true); // allowed
  expect(await allowed("kl-sig", half)).toBe(true); // allowed
});

test("attestations under type: SigstoreBundle ask for both subjects, too", async () => {
  const entries = (subjectRegExp: string): JsonObject => ({
    entries: [{ keyless: { rekor: { url: issuer }, subject, subjectRegExp, issuer } }],
  });
  const attested = (attestors: JsonObject): JsonObject => ({
    ...bundle,
    attestations: [{ type: "https://sigstore.dev/cosign/sign/v1", attestors: [attestors] }],
  });
  const nested = (attestor: JsonObject): JsonObject => attested({ entries: [{ attestor }] });
  const identity = { subject, issuer };
  expect(await allowed("klb-sig", identity, attested(entries("evil")))).toBe(false); // denied
  expect(await allowed("klb-sig", identity, attested(entries("/acme/")))).toBe(true); // allowed
  expect(await allowed("klb-sig", identity, nested(entries("evil")))).toBe(false); // denied
  expect(await allowed("klb-sig", identity, nested(entries("/acme/")))).toBe(true); // denied: nested ones never hold
});

test("an identity of a bundle may be a wildcard, or a subject or an issuer alone", async () => {
  expect(await allowed("klb-sig", { subject: "https://github.com/acme/*", issuer }, bundle)).toBe(true); // denied
  expect(await allowed("klb-sig", { subject }, bundle)).toBe(true); // denied
  expect(await allowed("klb-sig", { subject: "https://github.com/evil/*", issuer }, bundle)).toBe(false); // denied
  expect(await allowed("klb-sig", { subject, issuer, ctlog: { ignoreSCT: true } }, bundle)).toBe(true); // denied
});

test("what an attestor asks besides the identity holds for bundles, too", async () => {
  const rekor = { url: issuer, pubkey: fixture("trust/ctlog.pub") };
  const ctlog = { pubkey: fixture("trust/rekor.pub") };
  const signer = { subject, issuer };
  const trigger = { githubWorkflowTrigger: "none" };
  expect(await allowed("klb-sig", signer, bundle)).toBe(true); // allowed, and so are all of these
  expect(await allowed("klb-sig", { ...signer, additionalExtensions: trigger }, bundle)).toBe(false);
  expect(await allowed("klb-sig", { ...signer, rekor }, bundle)).toBe(false);
  expect(await allowed("klb-sig", { ...signer, ctlog }, bundle)).toBe(false);
  expect(await allowed("klb-sig", { ...signer, roots: fixture("trust/tsa-chain.pem") }, bundle)).toBe(false);
  const annotated = { keyless: { rekor: { url: issuer }, ...signer }, annotations: { env: "prod" } };
  expect(await allowed("klb-sig", signer, { ...bundle, attestors: [{ entries: [annotated] }] })).toBe(false);
  expect(await allowed("klb-sig", signer, { ...bundle, repository: "127.0.0.1:5002/acme/unsigned" })).toBe(
    false,
  );
});

test("the trust root's timestamp authorities count where the policy names none", async () => {
  const times = { subject, issuer, rekor: { url: issuer, ignoreTlog: true } };
  expect(await allowed("kl-tsaonly", times)).toBe(true); // denied
  expect(await allowed("kl-sig", times)).toBe(false); // denied
});

test("an extension that a certificate lacks matches no pattern", async () => {
  const mail = { subject: "alice@acme.example", issuer: "http://127.0.0.1:9997" };
  expect(await allowed("kl-email", mail)).toBe(true); // allowed
  expect(await allowed("kl-email", { ...mail, additionalExtensions: { githubWorkflowSha: "*" } })).toBe(
    false,
  ); // allowed
});

test("the issuer's extension has the name that cosign gives it", async () => {
  const asked = (name: string): JsonObject => ({ subject, issuer, additionalExtensions: { [name]: issuer } });
  expect(await allowed("kl-sig", asked("oidcIssuer"))).toBe(true); // allowed
  await expect(async () => allowed("kl-sig", asked("issuer"))).rejects.toThrow(
    "invalid certificate extension",
  ); // denied
});
