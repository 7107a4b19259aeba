import { join } from "node:path";
import type { TrustSource } from "@assay/engine";
import { tufTrust } from "@assay/sources/trust";
import { createTufRepository, listen, type TufTarget, tufKey } from "@assay/testkit/parts";
import { rootWithRetired } from "../../../retired-root.ts";
import type { Owned } from "../../cluster/owned.ts";
import type { Signers } from "./signers.ts";

/** The mirror of a TUF repository, and how either side comes to trust what it says. */
export interface Tuf {
  /** assay's. */
  readonly trust: TrustSource;
  /** Kyverno's. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Serves what both sides trust where a policy names no keys. */
export async function serveTuf(owned: Owned, signers: Signers): Promise<Tuf> {
  const repository = createTufRepository();
  repository.publish(targets(signers));
  // Both begin with the first root, and have to find the second.
  repository.rotateRoot(true);
  repository.publish(targets(signers));
  const mirror = await listen(repository.handle);
  owned.atEnd(() => void mirror.close());
  const { root } = repository;
  const raw = Buffer.from(root).toString("base64");
  return {
    trust: tufTrust({ mirror: mirror.url, root, cacheDirectory: join(owned.directory, "assay-tuf") }),
    flags: ["--enableTuf=true", `--tufMirror=${mirror.url}`, `--tufRootRaw=${raw}`],
    // Else it would take what an earlier run left in the home directory.
    env: { TUF_ROOT: join(owned.directory, "kyverno-tuf") },
  };
}

/** Kyverno reads the first for bundles, and the others for everything else. */
function targets({ sigstore, retired, retiredAt }: Signers): Readonly<Record<string, TufTarget>> {
  const root = rootWithRetired(sigstore, retired, retiredAt);
  return {
    "trusted_root.json": { bytes: Buffer.from(root) },
    "fulcio.crt.pem": tufKey(sigstore.pem.roots, "Fulcio"),
    "rekor.pub": tufKey(sigstore.pem.rekor, "Rekor"),
    "ctfe.pub": tufKey(sigstore.pem.ctlog, "CTFE"),
    "fulcio_old.crt.pem": tufKey(retired.pem.roots, "Fulcio", "Expired"),
    "rekor_old.pub": tufKey(retired.pem.rekor, "Rekor", "Expired"),
    "ctfe_old.pub": tufKey(retired.pem.ctlog, "CTFE", "Expired"),
  };
}
