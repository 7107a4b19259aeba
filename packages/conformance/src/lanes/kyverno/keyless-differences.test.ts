import { expect, test } from "vitest";
import type { Asked } from "./comparison.ts";
import { rowsOf } from "./differences.ts";
import type { Failure } from "./sides/answer.ts";

const exact = {
  subject: "https://github.com/acme/app",
  issuer: "https://token.actions.githubusercontent.com",
};
const ignoring = { rekor: { ignoreTlog: true }, ctlog: { ignoreSCT: true } };
const noBundle =
  ".attestors[0].entries[0].keyless: sigstore bundle verification failed: no matching signatures found";

/** A Pod of an image under `k/`, and what one side alone says of a rule about it. */
function asked(
  image: string,
  { type, entry }: { readonly type: string; readonly entry: object },
  by: Partial<Record<"kyverno" | "assay", string>>,
): Asked {
  const metadata = { name: "p", namespace: "s0" };
  const container = { name: "c", image: `127.0.0.1:5000/k/${image}:v1` };
  const object = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [container] } };
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  const failures = (says: string | undefined): Record<string, Failure> =>
    says === undefined ? {} : { "p/r0": { hook: "mutate", says, code: "x", blocks: true } };
  const answer = (says: string | undefined) => ({
    allowed: says === undefined,
    failures: failures(says),
    object,
  });
  const rules = [{ name: "r0", match: {}, verifyImages: [{ type, attestors: [{ entries: [entry] }] }] }];
  return {
    policies: [
      { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: "p" }, spec: { rules } },
    ],
    review: {
      ...{ uid: "1", kind, resource, requestKind: kind, requestResource: resource, namespace: "s0" },
      ...{ operation: "CREATE", object, oldObject: null, dryRun: false, options: null },
      userInfo: { username: "alice", groups: [] },
    },
    kyverno: answer(by.kyverno),
    assay: { ...answer(by.assay), verified: [] },
  };
}

const identities = "keyless identities under `type: SigstoreBundle`";
const names = "a keyless certificate that names with a DNS name, or with several names";
const keys = "keys and certificates under `type: SigstoreBundle`";

test.each<[string, string, object, string | undefined]>([
  ["an exact identity", "b3-workflow", { keyless: exact }, undefined],
  [
    "an exact identity with nothing to vouch for it",
    "b3-workflow",
    { keyless: { ...exact, ...ignoring } },
    undefined,
  ],
  ["a wildcard", "b3-workflow", { keyless: { ...exact, subject: "https://*" } }, identities],
  ["a subject alone", "b3-workflow", { keyless: { subject: exact.subject } }, identities],
  ["no log, but an SCT", "b3-workflow", { keyless: { ...exact, rekor: ignoring.rekor } }, identities],
  ["a log, but no SCT", "b3-workflow", { keyless: { ...exact, ctlog: ignoring.ctlog } }, identities],
  ["the second of two names", "b3-uris", { keyless: exact }, names],
  ["a key", "b3-key-v1", { keys: {} }, undefined],
  ["a key with nothing to vouch for it", "b3-key-nolog", { keys: ignoring }, undefined],
  ["a key and a log that knows no time", "b3-key-v2", { keys: {} }, keys],
])("that Kyverno alone finds no bundle by %s", (_, image, entry, row) => {
  const [kind = ""] = Object.keys(entry);
  const one = asked(image, { type: "SigstoreBundle", entry }, { kyverno: noBundle.replace("keyless", kind) });
  expect(rowsOf({ kind: "onlyAssayAllows" }, one)).toEqual(row === undefined ? undefined : [row]);
});

test("that Kyverno alone finds another's signature is a difference only where it reads one of two", () => {
  const says = "issuer mismatch: expected https://a, received https://b";
  const of = (image: string) =>
    asked(image, { type: "Cosign", entry: { keyless: exact } }, { kyverno: says });
  expect(rowsOf({ kind: "onlyAssayAllows" }, of("oci-two"))).toEqual(["formats"]);
  expect(rowsOf({ kind: "onlyAssayAllows" }, of("oci-workflow"))).toBeUndefined();
  expect(rowsOf({ kind: "onlyAssayAllows" }, of("sig-two"))).toBeUndefined();
});

test.each<[string, string, string, string | undefined]>([
  [
    "SigstoreBundle",
    "b3-unseen",
    "does not include required embedded SCT",
    "the SCT of a bundle's certificate",
  ],
  ["Cosign", "sig-unseen", "does not include required embedded SCT", undefined],
  [
    "Cosign",
    "sig-retiredlog",
    "inclusion promise could not be verified",
    "logs and authorities that the trust root has retired",
  ],
  ["Cosign", "sig-workflow", "inclusion promise could not be verified", undefined],
  ["Cosign", "sig-workflow", "issuer mismatch: expected https://*, received https://evil", undefined],
  [
    "Cosign",
    "sig-anywhere",
    "issuer mismatch: expected https://*, received none",
    "a subject or an issuer that the certificate lacks",
  ],
])("type %s, %s: that assay alone says %s", (type, image, says, row) => {
  const one = asked(image, { type, entry: { keyless: exact } }, { assay: says });
  expect(rowsOf({ kind: "onlyKyvernoAllows" }, one)).toEqual(row === undefined ? undefined : [row]);
});
