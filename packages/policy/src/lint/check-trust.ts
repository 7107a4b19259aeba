import type { Attestor } from "../model.ts";
import { attestorsOf, type LeafAttestor, setsOf } from "./attestors-of.ts";
import { type At, found, type Linting } from "./report-finding.ts";

/** What attestors ask of logs and times, and whether they are what they seem. */
export function checkTrust(linting: Linting, at: At): void {
  if (at.rule === undefined) return;
  for (const attestor of attestorsOf(at.rule))
    checkAttestor(linting, { ...at, path: attestor.path }, attestor);
  for (const set of setsOf(at.rule)) checkDuplicates(linting, at, set.entries);
  for (const entry of at.rule.verifyImages) {
    for (const attestation of entry.attestations) {
      const here: At = { ...at, path: attestation.path };
      if (attestation.inheritsAttestors) {
        const message = `the attestation \`${attestation.type}\` names no attestors`;
        found(linting, "attestations-without-attestors", here, { message });
      } else {
        checkNested(
          linting,
          here,
          attestation.attestors.flatMap((set) => set.entries),
        );
      }
    }
  }
}

function checkAttestor(linting: Linting, at: At, attestor: LeafAttestor): void {
  const { rekor, ctlog } = attestor;
  const hasTime = ctlog?.tsaCertChain !== undefined;
  const shortLived = attestor.kind !== "key";
  if (rekor?.ignoreTlog === true && !hasTime) {
    const here: At = { ...at, path: `${at.path}.rekor.ignoreTlog` };
    if (shortLived) {
      const message = "`ignoreTlog` without `tsaCertChain`: no time is proven for the certificate";
      found(linting, "log-ignored-without-time", here, { message });
    } else {
      found(linting, "log-ignored", here, {
        message: "`ignoreTlog`: signatures by this key need not be logged",
      });
    }
  }
  if (attestor.kind === "keyless" && ctlog?.ignoreSCT === true) {
    const here: At = { ...at, path: `${at.path}.ctlog.ignoreSCT` };
    found(linting, "sct-ignored", here, {
      message: "`ignoreSCT`: the certificate need not be in a transparency log",
    });
  }
}

function checkDuplicates(linting: Linting, at: At, entries: readonly Attestor[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === "set") {
      checkDuplicates(linting, at, entry.entries);
      continue;
    }
    const identity = JSON.stringify(entry, (key, value) =>
      key === "path" || key === "source" ? undefined : value,
    );
    if (seen.has(identity)) {
      found(
        linting,
        "duplicate-attestor",
        { ...at, path: entry.path },
        { message: "this attestor already stands in the set" },
      );
    }
    seen.add(identity);
  }
}

function checkNested(linting: Linting, at: At, entries: readonly Attestor[]): void {
  for (const entry of entries) {
    const nested = entry.kind === "set";
    const several =
      entry.kind === "key" && (entry.publicKeys ?? "").split("-----END PUBLIC KEY-----").length > 2;
    if (!nested && !several) continue;
    const message = nested
      ? "a nested attestor inside an attestation"
      : "several keys in one entry of an attestation";
    found(linting, "kyverno-nested-attestors", { ...at, path: entry.path }, { message });
  }
}
