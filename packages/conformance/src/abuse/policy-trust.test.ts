import { createAuthority, createKey, createSigstore } from "@assay/testkit";
import { pem } from "@assay/testkit/parts";
import { describe } from "vitest";
import { abuseCases } from "./cases.ts";
import { judge, minutes } from "./certificate-world.ts";
import { byCertificate, keyless, sigstore } from "./world.ts";

describe("roots, CT logs and chains that the policy gives itself", () => {
  const elsewhere = createSigstore();
  const own = keyless({
    roots: elsewhere.pem.roots,
    rekor: { ignoreTlog: false, pubkey: elsewhere.pem.rekor },
    ctlog: { ignoreSCT: false, pubkey: elsewhere.pem.ctlog },
  });
  const theirs = elsewhere.identity();
  const pki = createAuthority({ name: "acme" });
  const otherPki = createAuthority({ name: "acme" });
  const employee = pki.certify(createKey(), {
    alternativeNames: [{ kind: "email", value: "release@acme.example" }],
  });
  const stranger = otherPki.certify(createKey(), {
    alternativeNames: [{ kind: "email", value: "release@acme.example" }],
  });
  const without = { trust: false } as const;
  abuseCases([
    {
      name: "66 the policy's own roots, log and CT log",
      judge: () => judge(theirs, own, without),
      want: "allowed",
    },
    {
      name: "66 another authority than the policy's roots",
      judge: () => judge(theirs, { ...own, roots: sigstore.pem.roots }, without),
      code: "untrustedSigner",
    },
    {
      name: "66 the trust root's authority where the policy gives roots of its own",
      judge: () => judge(sigstore.identity(), keyless({ roots: elsewhere.pem.roots })),
      code: "untrustedSigner",
    },
    {
      name: "71 another CT log than the policy's",
      judge: () =>
        judge(theirs, { ...own, ctlog: { ignoreSCT: false, pubkey: sigstore.pem.ctlog } }, without),
    },
    {
      name: "71 the trust root's CT log where the policy gives one of its own",
      judge: () =>
        judge(sigstore.identity(), keyless({ ctlog: { ignoreSCT: false, pubkey: elsewhere.pem.ctlog } })),
    },
    {
      name: "63 another log than the policy's",
      judge: () =>
        judge(theirs, { ...own, rekor: { ignoreTlog: false, pubkey: sigstore.pem.rekor } }, without),
    },
    {
      name: "66 the policy's own certificate",
      judge: () => judge(employee, byCertificate({ cert: employee.certificatePem, certChain: pki.pem })),
      want: "allowed",
    },
    {
      name: "66 any certificate of the policy's chain",
      judge: () => judge(employee, byCertificate({ certChain: pki.pem })),
      want: "allowed",
    },
    {
      name: "66 a certificate of another chain of the same names",
      judge: () => judge(stranger, byCertificate({ certChain: pki.pem })),
    },
    {
      name: "66 another certificate than the policy's",
      judge: () => judge(stranger, byCertificate({ cert: employee.certificatePem })),
    },
    {
      name: "66 a policy's certificate that its chain did not issue",
      judge: () => judge(employee, byCertificate({ cert: employee.certificatePem, certChain: otherPki.pem })),
      want: "error",
    },
    {
      name: "66 a chain without the intermediate",
      judge: () =>
        judge(
          employee,
          byCertificate({
            cert: employee.certificatePem,
            certChain: pem(pki.root.certificate, "CERTIFICATE"),
          }),
        ),
      want: "error",
    },
    {
      name: "67 a certificate of one's own that has expired",
      judge: () => {
        const old = pki.certify(createKey(), { notAfter: minutes(-60) });
        return judge(old, byCertificate({ cert: old.certificatePem, certChain: pki.pem }));
      },
    },
  ]);
});
