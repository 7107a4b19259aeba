import type { Attestor, CtLog, Rekor } from "@assay/policy";
import {
  createAuthority,
  createKey,
  image,
  type KeyKind,
  type Signer,
  type SigningKey,
  type SignOptions,
  slsa,
  type TestImage,
} from "@assay/testkit";
import {
  byCertificate,
  byKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  sigstore,
} from "../abuse/world.ts";
import { type Cell, type FormatRow, type ProofRow, SIGNERS, type SignerRow } from "./cells.ts";

/** The signers of the grid, each made once. */
export interface GridSigners {
  signer(row: SignerRow): Signer;
  attestor(row: SignerRow, format: FormatRow, proof: ProofRow): Attestor;
}

/** Keys, own PKIs and a keyless identity. Made at once: RSA 4096 may take longer than a test is given. */
export function gridSigners(): GridSigners {
  const keys = new Map<KeyKind, SigningKey>(
    SIGNERS.flatMap((row) => (row.kind === "key" ? [[row.id, createKey(row.id)] as const] : [])),
  );
  const pkis = {
    pkiEcdsa: pki("p384", "p256", false),
    pkiRsa: pki("rsa2048", "rsa2048", false),
    pkiPss: pki("rsa2048", "rsa2048", true),
  };
  const identity = sigstore.identity();
  const keyOf = (id: KeyKind): SigningKey => keys.get(id) ?? createKey(id);
  return {
    signer: (row) => {
      if (row.kind === "key") return keyOf(row.id);
      return row.kind === "keyless" ? identity : pkis[row.id].signer;
    },
    attestor: (row, format, proof) => {
      const asked = demands(proof);
      if (row.kind === "key")
        return byKey({ ...asked, publicKeys: keyOf(row.id).pem, signatureAlgorithm: hashOf(row, format) });
      if (row.kind === "keyless") return keyless({ ...asked, ctlog: { ignoreSCT: false } });
      return byCertificate({ ...asked, cert: pkis[row.id].leaf, certChain: pkis[row.id].chain });
    },
  };
}

function pki(
  authority: KeyKind,
  leaf: KeyKind,
  pss: boolean,
): { signer: Signer; leaf: string; chain: string } {
  const ca = createAuthority({ name: "acme", rootKey: authority, pss });
  const signer = ca.certify(createKey(leaf), {
    subject: "release",
    alternativeNames: [{ kind: "email", value: "release@acme.example" }],
  });
  return { signer, leaf: signer.certificatePem, chain: ca.pem };
}

function demands({ log }: ProofRow): { readonly rekor: Rekor; readonly ctlog: CtLog } {
  return { rekor: { ignoreTlog: log === "none" }, ctlog: { ignoreSCT: true } };
}

/** P-384 and P-521 sign with the hash of their curve, as cosign does; a message's digest is the image's SHA-256. */
function hashOf(row: SignerRow, { content }: FormatRow): "sha256" | "sha384" | "sha512" {
  if (content === "message") return "sha256";
  return row.id === "p384" ? "sha384" : row.id === "p521" ? "sha512" : "sha256";
}

/** Makes the cell's signature or attestation and judges it. `edit` breaks it first. */
export function judgeCell(signers: GridSigners, cell: Cell, more: SignOptions = {}): Judged {
  const { signer, format, proof } = cell;
  const attestor = signers.attestor(signer, format, proof);
  const signed = signedImage(signers.signer(signer), cell, more);
  return format.content === "attestation"
    ? judgeAttestation(signed, attestor)
    : judgeSignature(signed, attestor);
}

function signedImage(signer: Signer, { signer: row, format, proof }: Cell, more: SignOptions): TestImage {
  const options: SignOptions = {
    format: format.format,
    content: format.content === "message" ? "message" : "dsse",
    hash: hashOf(row, format),
    log: logOf(proof),
    logEvidence: proof.log === "promise" ? "promise" : "proof",
    timestampAuthority: proof.timestamp ? sigstore.timestampAuthority : false,
    ...more,
  };
  const base = image({ content: "grid" }).using(options);
  return format.content === "attestation"
    ? base.attestedBy(signer, slsa({ version: "0.2" }))
    : base.signedBy(signer);
}

function logOf({ log }: ProofRow): SignOptions["log"] & {} {
  if (log === "none") return false;
  return log === "v2" ? sigstore.rekorV2 : sigstore.rekor;
}
