import {
  type HashName,
  image,
  type KeyKind,
  type SignedArtifact,
  type Signer,
  type SignOptions,
  slsa,
  spdx,
  TestkitError,
  vuln,
} from "@assay/testkit";
import type { Random } from "../../random.ts";
import { type Draws, drawFault, drawParty, type Fault, here, minutesLater, there } from "./parties.ts";
import type { Question } from "./question.ts";

const trustedRoot = here.trustedRoot();

/** People sign and attest images in some way, and now and then something is not as it should be. */
export function drawQuestions(random: Draws, count: number): readonly Question[] {
  return Array.from({ length: count }, () => drawQuestion(random));
}

/** What has become of such bundles: parts are those of another, or bytes are changed. */
export function changedQuestions(questions: readonly Question[], random: Draws): readonly Question[] {
  return questions.flatMap((question) => {
    const { bundle } = question;
    const mixed = recombined(bundle, random.one(questions).bundle, random);
    return [mixed, random.changed(Buffer.from(bundle)).toString("utf8")].map((text) => ({
      ...question,
      bundle: text,
    }));
  });
}

function drawQuestion(random: Draws): Question {
  for (;;) {
    const fault = drawFault(random);
    const { signer, verifier } = drawParty(fault, random);
    const subject = image({ content: random.one(["one", "two"]) }).using(drawOptions(signer, fault, random));
    const statement = random.one([slsa(), slsa({ version: "0.2" }), spdx(), vuln()]);
    try {
      const signed = random.chance(0.5) ? subject.signedBy(signer) : subject.attestedBy(signer, statement);
      const digest = random.chance(0.02) ? "0".repeat(64) : signed.digest.slice("sha256:".length);
      return { bundle: bundleIn(signed.artifacts), root: trustedRoot, digest, signer: verifier };
    } catch (error) {
      // Not every way of signing goes with every key.
      if (!(error instanceof TestkitError)) throw error;
    }
  }
}

function bundleIn(artifacts: readonly SignedArtifact[]): string {
  const [made] = artifacts;
  if (made?.kind !== "bundle") throw new Error("no bundle was made");
  return Buffer.from(made.bytes).toString("utf8");
}

/** What goes with a key, as in cosign: with another one sigstore-go verifies nothing. */
const hashes: Readonly<Partial<Record<KeyKind, HashName>>> = { p384: "sha384", p521: "sha512" };

function drawOptions(signer: Signer, fault: Fault | undefined, random: Draws): SignOptions {
  const { rekor, timestampAuthority } = here;
  // A Rekor v2 takes no signature of Ed25519 that is not over a hash, and gives no time.
  const rekorV2 = signer.kind === "ed25519" ? rekor : here.rekorV2;
  const log = random.chance(0.3) ? rekorV2 : rekor;
  const isV2 = log.version === 2;
  const wrongLogs = [there.rekor, false, [there.rekor, rekor], [rekor, rekorV2]] as const;
  const stranger = there.timestampAuthority;
  const wrongStamps = [stranger, [timestampAuthority, stranger], isV2 ? false : timestampAuthority] as const;
  return {
    format: random.one(["bundle-v0.1", "bundle-v0.2", "bundle-v0.3", "bundle-v0.3"]),
    content: random.one(["dsse", "dsse", "message"]),
    hash: hashes[signer.kind] ?? "sha256",
    log: fault === "log" ? random.one(wrongLogs) : log,
    ...(isV2 || random.chance(0.2) ? { timestampAuthority } : {}),
    ...(fault === "timestamp" ? { timestampAuthority: random.one(wrongStamps) } : {}),
    ...(fault === "entry" ? drawEntry(random) : {}),
    ...(fault === "time" ? { at: minutesLater(random.one([1, 9, 10, 11, -1, 600])) } : {}),
    ...(fault === "bytes" ? { edit: drawEdit(signer.certificate !== undefined, random) } : {}),
  };
}

function drawEntry(random: Random): SignOptions {
  return random.chance(0.5)
    ? { logEvidence: random.one(["promise", "proof", "both"]) }
    : { entryKind: random.one(["hashedrekord", "dsse", "intoto001", "intoto002", "rekord"]) };
}

/** Changes before something is signed or logged: then signatures are right over what is wrong. */
function drawEdit(isCertified: boolean, random: Draws): NonNullable<SignOptions["edit"]> {
  const json = (value: unknown): unknown => {
    return parsed(random.changed(Buffer.from(JSON.stringify(value))).toString("utf8")) ?? value;
  };
  return random.one<() => NonNullable<SignOptions["edit"]>>([
    () => ({ payload: json }),
    () => ({ payloadType: random.one(["application/json", "", "application/vnd.in-toto+json "]) }),
    () => ({ signature: (bytes) => random.changed(bytes) }),
    () => ({ envelope: json }),
    () => ({ logBody: json }),
    () => ({ timestamp: (bytes) => random.changed(bytes) }),
    () => ({ logRequest: (request) => ({ ...request, signature: random.changed(request.signature) }) }),
    () => ({
      logRequest: ({ verifier, ...request }) => ({
        ...request,
        verifier: { ...verifier, ...(isCertified && { kind: "publicKey", der: verifier.key.spki }) },
      }),
    }),
    () => ({
      entry: (entry) => ({ ...entry, integratedTime: entry.integratedTime + random.one([-1, 1, 3600]) }),
    }),
    () => ({ entry: (entry) => ({ ...entry, logIndex: entry.logIndex + random.one([-1, 1]) }) }),
  ])();
}

/** Some members, at any depth, are those of another bundle. */
function recombined(bundle: string, other: string, random: Random): string {
  return JSON.stringify(mixed(parsed(bundle), parsed(other), random));
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function mixed(one: unknown, two: unknown, random: Random): unknown {
  if (!isObject(one) || !isObject(two)) return random.chance(0.5) ? one : two;
  if (Array.isArray(one) && Array.isArray(two))
    return random.chance(0.3)
      ? [...one, ...two]
      : one.map((each, index) => (random.chance(0.5) ? mixed(each, two[index] ?? each, random) : each));
  const names = [...new Set([...Object.keys(one), ...Object.keys(two)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const [mine, theirs] = [one[name], two[name]];
      const value = random.chance(0.75) ? mine : random.chance(0.5) ? theirs : mixed(mine, theirs, random);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
