import { createAuthority, createKey, createSigstore, type LeafSpec, type Sigstore } from "@assay/testkit";
import { createCtLog, GITHUB_ISSUER, GITHUB_SUBJECT, sctExtension } from "@assay/testkit/parts";
import { mutateBytes } from "../../../../verify/test/fuzz/mutate.ts";
import type { Random } from "../../random.ts";
import type { Question } from "./question.ts";

/** The Sigstore that the trusted root names. */
export const here: Sigstore = createSigstore();
/** One that nobody trusts, with authorities of the same names. */
export const there: Sigstore = createSigstore();

/** Who signs, and by what that is to be told. */
export interface Party {
  readonly signer: ReturnType<Sigstore["identity"]>;
  readonly verifier: Question["signer"];
}

const kinds = ["p256", "p256", "p384", "p521", "rsa2048", "ed25519"] as const;
const keys = kinds.map((kind) => createKey(kind));

/** Draws, and perhaps changes of bytes. */
export interface Draws extends Random {
  /** Foreign bytes changed as their form suggests; as they are, where nothing is to be changed. */
  changed(bytes: Uint8Array): Buffer;
}

/** Draws that change bytes, or leave them. */
export function drawsOf(random: Random, changes: boolean): Draws {
  const changed = (bytes: Buffer): Buffer =>
    changes ? mutateBytes(bytes, { ...random, pick: random.one }) : bytes;
  return { ...random, changed: (bytes) => changed(Buffer.from(bytes)) };
}

/** What is not as it should be of one bundle. */
export type Fault = (typeof faults)[number];
const faults = ["signer", "certificate", "log", "entry", "timestamp", "time", "bytes", "bytes"] as const;

/** One thing at a time: two that are wrong hide each other. */
export function drawFault(random: Random): Fault | undefined {
  return random.chance(0.7) ? random.one(faults) : undefined;
}

/** Somebody with a key or an identity. */
export function drawParty(fault: Fault | undefined, random: Draws): Party {
  if (fault !== "certificate" && random.chance(0.3)) {
    const signer = random.one(keys);
    return { signer, verifier: { key: (fault === "signer" ? random.one(keys) : signer).pem } };
  }
  const sigstore = fault === "signer" ? there : here;
  const edit = fault === "certificate" && { edit: (spec: LeafSpec): LeafSpec => edited(spec, random) };
  return {
    signer: sigstore.identity({ key: random.one(keys), ...edit }),
    verifier: { subject: GITHUB_SUBJECT, issuer: GITHUB_ISSUER },
  };
}

/** From when the clock of these worlds stands still. */
export function minutesLater(minutes: number): Date {
  return new Date(here.clock().getTime() + minutes * 60_000);
}

const otherPki = createAuthority({ name: "fulcio", extendedKeyUsage: ["codeSigning"] });
const otherCtLogs = [createCtLog("p384"), there.ctLog];

/** One thing in a certificate is another. */
function edited(spec: LeafSpec, random: Draws): LeafSpec {
  const extensions = spec.extensions ?? [];
  const at = random.below(extensions.length);
  const extension = extensions[at] ?? { oid: "1.2.3", value: Buffer.from("0500", "hex") };
  const names = [{ kind: "uri", value: GITHUB_SUBJECT }] as const;
  const choices: readonly (() => Partial<LeafSpec>)[] = [
    () => ({ extensions: extensions.toSpliced(at, 1) }),
    () => ({ extensions: [...extensions, extension] }),
    () => ({ extensions: extensions.toSpliced(at, 1, { ...extension, critical: true }) }),
    () => ({
      extensions: extensions.toSpliced(at, 1, { ...extension, value: random.changed(extension.value) }),
    }),
    () => ({
      extensions: [...extensions, { oid: "1.2.3.4", critical: random.chance(0.5), value: extension.value }],
    }),
    () => ({
      extendedKeyUsage: random.one([[], ["serverAuth"], ["codeSigning", "serverAuth"], ["timeStamping"]]),
    }),
    () => ({ extendedKeyUsage: ["codeSigning"], extendedKeyUsageCritical: true }),
    () => ({ keyUsage: random.one([[], ["keyEncipherment"], ["digitalSignature", "keyCertSign"]]) }),
    () => ({ authority: {} }),
    () => ({ version: 1 }),
    () => ({ serial: Buffer.from(random.one(["ff01", "00", "0102"]), "hex") }),
    () => ({ issuer: random.one([otherPki.intermediate, here.fulcio.root, there.fulcio.intermediate]) }),
    () => ({ innerHash: "sha512" }),
    () => ({
      notBefore: minutesLater(random.one([-60, 5])),
      notAfter: minutesLater(random.one([-5, 5, 600])),
    }),
    () => ({ alternativeNames: [{ kind: "email", value: "a@acme.example" }, ...names] }),
    () => ({ alternativeNames: [{ kind: "uri", value: "https://acme.example" }, ...names] }),
    () => ({
      alternativeNames: [...names, { kind: random.one(["dns", "uri", "other"]), value: "acme.example" }],
    }),
    () => ({ alternativeNames: [{ kind: random.one(["dns", "email", "other"]), value: GITHUB_SUBJECT }] }),
    () => ({ subject: "acme" }),
    () => ({ scts: () => undefined }),
    () => ({ scts: (_, issuer) => sctExtension([here.ctLog.sign(issuer, issuer, minutesLater(0))]) }),
    () => ({
      scts: (tbs, issuer) => {
        const extension = sctExtension([here.ctLog.sign(tbs, issuer, minutesLater(0))]);
        return { ...extension, value: random.changed(extension.value) };
      },
    }),
    () => ({
      scts: (tbs, issuer) => {
        const logs = random.list([1, 2], () => random.one([here.ctLog, here.ctLog, ...otherCtLogs]));
        return sctExtension(logs.map((log) => log.sign(tbs, issuer, minutesLater(random.one([0, 0, 90])))));
      },
    }),
  ];
  return { ...spec, ...random.one(choices)() };
}
