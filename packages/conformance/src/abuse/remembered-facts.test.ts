import { parseDigest } from "@assay/image";
import type { KeylessAttestor } from "@assay/policy";
import { image } from "@assay/testkit";
import { type CtLog, createCtLog } from "@assay/testkit/parts";
import { parseTrustRoot, prepareAttestors, verifySignatures } from "@assay/verify";
import { describe, expect, test } from "vitest";
import { candidateOf, keyless, now, setOf, sigstore } from "./world.ts";

const victim = image({ content: "victim" });
const earlier = new Date(now.getTime() - 60 * 60 * 1000);

describe("what was found out for another policy", () => {
  const log = createCtLog();
  /** As the log signed once, before it was retired and renewed. */
  const old: CtLog = { ...log, sign: (precertificate, issuer) => log.sign(precertificate, issuer, earlier) };
  /** What somebody puts into a certificate in the log's name. */
  const forged: CtLog = {
    ...log,
    sign: (precertificate, issuer, at) => log.sign(precertificate.slice(1), issuer, at),
  };
  const signed = victim.signedBy(sigstore.identity({ ctLogs: [old, forged] }));
  const trust = parseTrustRoot(
    sigstore.trustedRoot((root) => ({ ...root, ctlogs: [renewed(Object(root.ctlogs[0]))] })),
  );

  function renewed(entry: Record<string, unknown>): unknown {
    const rawBytes = Buffer.from(log.key.spki).toString("base64");
    const validFor = { start: new Date(now.getTime() - 1000).toISOString() };
    const publicKey = { rawBytes, keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor };
    return { ...entry, publicKey, logId: { keyId: Buffer.from(log.id).toString("base64") } };
  }

  function outcome(attestor: KeylessAttestor): string {
    const digest = parseDigest(signed.digest);
    const candidates = signed.artifacts.map(candidateOf);
    const evidence = () => ({ digest, candidates, gaps: [] });
    const sets = prepareAttestors([setOf([attestor])]);
    return verifySignatures(sets, "attestors", { digest, evidence, now, trust }).trace.outcome;
  }

  test("92 a CT log's genuine promise does not vouch for a forged one under another policy: denied", () => {
    // The same trust root, which remembers: this policy counts the log's old promise, that one does not.
    expect(outcome(keyless({ ctlog: { ignoreSCT: false, pubkey: log.key.pem } }))).toBe("fail");
    expect(outcome(keyless())).toBe("fail");
  });
});
