import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createKey } from "../signing/signing-key.ts";
import { type AuthorityOptions, createAuthority } from "./authority.ts";
import { der, TAG } from "./der.ts";

const read = (bytes: Uint8Array | undefined): X509Certificate =>
  new X509Certificate(bytes ?? new Uint8Array());

describe("a certificate authority of one's own", () => {
  test.each<[string, AuthorityOptions]>([
    ["P-256", {}],
    ["P-384 over P-256", { rootKey: "p384", intermediateKey: "p256" }],
    ["P-521", { rootKey: "p521" }],
    ["RSA", { rootKey: "rsa2048" }],
    ["RSA-PSS", { rootKey: "rsa2048", pss: true }],
    ["RSA-PSS keys", { rootKey: "rsaPss2048" }],
    ["Ed25519", { rootKey: "ed25519" }],
  ])("%s: every certificate is issued and signed by the one above", (_, options) => {
    const authority = createAuthority({ name: "acme", ...options });
    const signer = authority.certify(createKey(), { subject: "release" });
    const chain = [signer.certificate, ...authority.chain, authority.root.certificate].map(read);
    for (const [i, certificate] of chain.slice(0, -1).entries()) {
      const issuer = chain[i + 1] ?? certificate;
      expect(certificate.checkIssued(issuer)).toBe(true);
      expect(certificate.verify(issuer.publicKey)).toBe(true);
    }
    expect(chain.map(({ ca }) => ca)).toEqual([false, true, true, true]);
    expect(chain[0]?.subject).toBe("CN=release");
  });

  test("names of every kind, usages, validity and extensions are as asked", () => {
    const { certificate } = createAuthority().certify(createKey("rsa2048"), {
      subject: "",
      notBefore: new Date("2026-01-01T00:00:00Z"),
      notAfter: new Date("2026-02-01T00:00:00Z"),
      extendedKeyUsage: ["codeSigning", "1.2.3.4"],
      alternativeNames: [
        { kind: "uri", value: "https://acme.example/x" },
        { kind: "email", value: "a@acme.example" },
        { kind: "dns", value: "acme.example" },
        { kind: "ip", value: "192.0.2.1" },
        { kind: "other", value: "user!acme.example" },
      ],
      extensions: [{ oid: "1.2.3.4.5", critical: true, value: der(TAG.utf8String, Buffer.from("here")) }],
    });
    const leaf = read(certificate);
    expect(leaf.subjectAltName).toContain(
      "URI:https://acme.example/x, email:a@acme.example, DNS:acme.example, IP Address:192.0.2.1",
    );
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.3", "1.2.3.4"]);
    expect(leaf.validToDate).toEqual(new Date("2026-02-01T00:00:00Z"));
    expect(leaf.raw.includes(Buffer.from("here"))).toBe(true);
  });

  test("names may be bytes that are no text, and certificates may be of version 1", () => {
    const authority = createAuthority();
    const odd = authority.certify(createKey(), {
      alternativeNames: [{ kind: "raw", tag: "email", value: Uint8Array.of(0x61, 0, 0xff) }],
    });
    expect(read(odd.certificate).raw.includes(Buffer.from([0x81, 3, 0x61, 0, 0xff]))).toBe(true);
    const old = authority.certify(createKey(), { version: 1 });
    expect(read(old.certificate).raw.includes(Buffer.from([0x55, 0x1d]))).toBe(false);
  });
});
