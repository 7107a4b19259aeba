import type { Edits, LogEntry, SignOptions } from "@assay/testkit";
import { base64, createRekor, createRekorV2, hashBytes, signedNote, utf8 } from "@assay/testkit/parts";
import { describe } from "vitest";
import { abuseCases } from "./cases.ts";
import { certified, identity, keyed, minutes, victim } from "./log-world.ts";
import {
  byLoggedKey,
  type Judged,
  judgeSignature,
  keyless,
  now,
  policyKey,
  sigstore,
  strangerKey,
} from "./world.ts";

const { rekor, rekorV2, timestampAuthority } = sigstore;

const seconds = (at: Date): number => Math.floor(at.getTime() / 1000);

describe("times", () => {
  const at = (time: Date): Judged => certified({}, { at: time });
  const noPromise = (options: SignOptions): Judged =>
    certified({}, { format: "bundle-v0.3", logEvidence: "proof", ...options });
  abuseCases([
    {
      name: "54 logged a second before the certificate began",
      judge: () => at(new Date(now.getTime() - 1000)),
      code: "expiredCertificate",
    },
    { name: "54 logged when the certificate began", judge: () => at(now), want: "allowed" },
    {
      name: "54 logged when the certificate ended",
      judge: () =>
        judgeSignature(victim.signedBy(identity, { at: minutes(10) }), keyless(), { now: minutes(11) }),
      want: "allowed",
    },
    {
      name: "54 logged a second after the certificate ended",
      judge: () =>
        judgeSignature(victim.signedBy(identity, { at: new Date(minutes(10).getTime() + 1000) }), keyless(), {
          now: minutes(11),
        }),
      code: "expiredCertificate",
    },
    { name: "55 a key's entry from tomorrow", judge: () => keyed({}, { at: minutes(24 * 60) }) },
    {
      name: "55 a key's entry from tomorrow, as a bundle",
      judge: () => keyed({}, { at: minutes(24 * 60), format: "bundle-v0.3" }),
    },
    {
      name: "55 a certificate and its entry from tomorrow",
      judge: () => {
        const tomorrow = sigstore.identity({ at: minutes(24 * 60) });
        return judgeSignature(victim.signedBy(tomorrow, { at: minutes(24 * 60) }), keyless());
      },
    },
    {
      name: "56 an entry without a promise for the only time",
      judge: () => noPromise({}),
      code: "noTrustedTime",
    },
    {
      name: "56 an entry without a promise, the time from an authority",
      judge: () => noPromise({ timestampAuthority }),
      want: "allowed",
    },
    {
      name: "56 a Rekor v2 entry for the only time",
      judge: () => certified({}, { format: "bundle-v0.3", log: rekorV2 }),
      code: "noTrustedTime",
    },
    {
      name: "56 a Rekor v2 entry that claims a time",
      judge: () =>
        certified(
          { entry: (entry) => ({ ...entry, integratedTime: seconds(now) }) },
          { format: "bundle-v0.3", log: rekorV2 },
        ),
      code: "noTrustedTime",
    },
  ]);
});

/** A bundle whose only evidence of logging is the proof, with one part of it changed. */
function proven(
  change: (proof: NonNullable<LogEntry["proof"]>) => NonNullable<LogEntry["proof"]>,
  log = rekor,
): Judged {
  const edit: Edits = {
    entry: (entry) => (entry.proof === undefined ? entry : { ...entry, proof: change(entry.proof) }),
  };
  return judgeSignature(
    victim.signedBy(policyKey, { log, format: "bundle-v0.3", logEvidence: "proof", edit }),
    byLoggedKey(),
  );
}

/** The same with the bundle's JSON changed, for what the types above cannot say. */
function provenText(fields: Record<string, unknown>): Judged {
  const edit: Edits = {
    bundle: (bundle) => {
      const copy = JSON.parse(JSON.stringify(bundle));
      Object.assign(copy.verificationMaterial.tlogEntries[0].inclusionProof, fields);
      return copy;
    },
  };
  return judgeSignature(
    victim.signedBy(policyKey, { log: rekor, format: "bundle-v0.3", logEvidence: "proof", edit }),
    byLoggedKey(),
  );
}

describe("inclusion proofs", () => {
  const zero = new Uint8Array(32);
  abuseCases([
    { name: "57 an honest proof", judge: () => proven((proof) => proof), want: "allowed" },
    {
      name: "57 a wrong root in proof and checkpoint",
      judge: () =>
        proven((proof) => ({
          ...proof,
          rootHash: zero,
          checkpoint: rekor.signCheckpoint(`${rekor.origin}\n${proof.treeSize}\n${base64(zero)}\n`),
        })),
    },
    {
      name: "57 a wrong root in the checkpoint only",
      judge: () =>
        proven((proof) => ({
          ...proof,
          checkpoint: rekor.signCheckpoint(`${rekor.origin}\n${proof.treeSize}\n${base64(zero)}\n`),
        })),
    },
    {
      name: "57 a wrong path",
      judge: () => proven((proof) => ({ ...proof, hashes: [zero, ...proof.hashes.slice(1)] })),
    },
    { name: "57 no path", judge: () => proven((proof) => ({ ...proof, hashes: [] })) },
    {
      name: "57 a hash too many",
      judge: () => proven((proof) => ({ ...proof, hashes: [...proof.hashes, zero] })),
    },
    {
      name: "57 a hash too few",
      judge: () => proven((proof) => ({ ...proof, hashes: proof.hashes.slice(0, -1) })),
    },
    {
      name: "57 a truncated hash",
      judge: () => proven((proof) => ({ ...proof, hashes: proof.hashes.map((hash) => hash.slice(0, 31)) })),
    },
    {
      name: "57 another leaf's index",
      judge: () => proven((proof) => ({ ...proof, logIndex: proof.logIndex - 1 })),
    },
    {
      name: "57 an index as large as the tree",
      judge: () => proven((proof) => ({ ...proof, logIndex: proof.treeSize })),
    },
    { name: "57 a negative index", judge: () => provenText({ logIndex: "-1" }) },
    { name: "57 a huge index", judge: () => provenText({ logIndex: "9".repeat(400) }) },
    { name: "57 an index of 2^63", judge: () => provenText({ logIndex: "9223372036854775808" }) },
    { name: "57 an index that is no number", judge: () => provenText({ logIndex: "five" }) },
    {
      name: "57 an index with a zero in front",
      judge: () =>
        keyed(
          { bundle: (bundle) => utf8(JSON.stringify(bundle).replaceAll('"logIndex":"', '"logIndex":"0')) },
          { format: "bundle-v0.3", logEvidence: "proof" },
        ),
      code: "malformed",
    },
    {
      name: "57 a tree of size zero",
      judge: () => provenText({ treeSize: "0" }),
    },
    {
      name: "57 another tree size than the checkpoint's",
      judge: () => provenText({ treeSize: "1000000" }),
    },
    {
      name: "57 10,000 hashes",
      judge: () => provenText({ hashes: Array.from({ length: 10_000 }, () => base64(zero)) }),
    },
  ]);
});

describe("checkpoints", () => {
  const stranger = createRekor({ clock: sigstore.clock });
  const strangerV2 = createRekorV2({ clock: sigstore.clock });
  const noted = (change: (checkpoint: string, note: string) => string, log = rekor): Judged =>
    proven((proof) => {
      const note = proof.checkpoint.slice(0, proof.checkpoint.indexOf("\n\n") + 1);
      return { ...proof, checkpoint: change(proof.checkpoint, note) };
    }, log);
  const name = rekor.origin.split(" ")[0] ?? "";
  abuseCases([
    {
      name: "58 an honest checkpoint of Rekor v2",
      judge: () => noted((checkpoint) => checkpoint, rekorV2),
      want: "allowed",
    },
    {
      name: "58 a checkpoint by another log only",
      judge: () => noted((_, note) => stranger.signCheckpoint(note)),
    },
    {
      name: "58 a checkpoint by another log only (Rekor v2)",
      judge: () => noted((_, note) => strangerV2.signCheckpoint(note), rekorV2),
    },
    {
      name: "58 our log's hint before a stranger's signature",
      judge: () => noted((_, note) => signedNote(note, { name, key: stranger.key, id: rekor.id })),
    },
    {
      name: "58 our log's hint before a stranger's signature (Rekor v2)",
      judge: () =>
        noted(
          (_, note) => signedNote(note, { name: rekorV2.origin, key: strangerV2.key, id: rekorV2.id }),
          rekorV2,
        ),
    },
    {
      name: "58 another origin under our key (Rekor v2)",
      judge: () =>
        noted((_, note) => rekorV2.signCheckpoint(note.replace(rekorV2.origin, "other.example")), rekorV2),
    },
    { name: "58 no signature", judge: () => noted((_, note) => `${note}\n`) },
    { name: "58 no size and root", judge: () => noted(() => rekor.signCheckpoint(`${rekor.origin}\n`)) },
    { name: "58 an empty checkpoint", judge: () => noted(() => "") },
    { name: "58 text behind the signatures", judge: () => noted((checkpoint) => `${checkpoint}%`) },
    { name: "58 an empty line behind the signatures", judge: () => noted((checkpoint) => `${checkpoint}\n`) },
    {
      name: "58 no line's end behind the signatures",
      judge: () => noted((checkpoint) => checkpoint.trimEnd()),
    },
    {
      name: "58 a second text with its signature behind the first (Rekor v2)",
      judge: () =>
        noted((checkpoint, note) => `${checkpoint}${note}\n${strangerV2.signCheckpoint(note)}`, rekorV2),
    },
    {
      name: "58 a witness's signature in url-safe base64",
      judge: () => noted((checkpoint) => `${checkpoint}\u2014 witness.example -_-_AAAA\n`),
    },
    {
      name: "58 a size that is no number",
      judge: () => noted((_, note) => rekor.signCheckpoint(note.replace(/\n\d+\n/, "\nmany\n"))),
    },
    {
      name: "58 a name that is a regular expression",
      judge: () => noted((_, note) => signedNote(note, { name: ".*", key: stranger.key, id: rekor.id })),
    },
    {
      name: "58 a witness's signature alone",
      judge: () =>
        noted((_, note) =>
          signedNote(note, { name: "witness.example", key: strangerKey, id: hashBytes(strangerKey.spki) }),
        ),
    },
    {
      name: "58 a witness's signature beside the log's",
      judge: () =>
        noted(
          (checkpoint, note) =>
            checkpoint +
            signedNote(note, {
              name: "witness.example",
              key: strangerKey,
              id: hashBytes(strangerKey.spki),
            }).split("\n\n")[1],
        ),
      want: "allowed",
    },
    {
      name: "58 100,000 signatures",
      judge: () =>
        noted((checkpoint) => checkpoint + `\u2014 ${name} ${base64(new Uint8Array(76))}\n`.repeat(100_000)),
    },
    {
      name: "59 another index over all shards than in the tree",
      judge: () => keyed({}, { format: "bundle-v0.3" }),
      want: "allowed",
    },
    {
      name: "59 another index over all shards, where only the proof vouches",
      judge: () =>
        keyed(
          { entry: (entry) => ({ ...entry, logIndex: 7 }) },
          { format: "bundle-v0.3", logEvidence: "proof" },
        ),
      want: "allowed",
    },
    {
      name: "59 another index than the proof's (Rekor v2)",
      judge: () =>
        keyed(
          { entry: (entry) => ({ ...entry, logIndex: entry.logIndex + 1 }) },
          { format: "bundle-v0.3", log: rekorV2 },
        ),
      code: "logMismatch",
    },
  ]);
});
