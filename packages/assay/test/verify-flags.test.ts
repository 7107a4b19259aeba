import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createAuthority,
  createKey,
  createRegistry,
  createSigstore,
  FROZEN_TIME,
  image,
  type RunningServer,
} from "@assay/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "./run-here.ts";

const SUBJECT = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const ISSUER = "https://token.actions.githubusercontent.com";
const sigstore = createSigstore();
const key = createKey("p256");
const large = createKey("p384");
const pki = createAuthority({});
const employee = pki.certify(createKey("rsa2048"), {
  subject: "alice",
  notBefore: new Date("2025-01-01T00:00:00Z"),
  notAfter: new Date("2025-02-01T00:00:00Z"),
});
const during = new Date("2025-01-15T00:00:00Z");

let cwd = "";
let server: RunningServer;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "assay-verify-flags-"));
  const registry = createRegistry();
  const push = (name: string, ...how: Parameters<ReturnType<typeof image>["signedBy"]>) =>
    image({ repository: name })
      .signedBy(...how)
      .pushTo(registry);
  push("keyed", key, { annotations: { env: "prod", team: "a=b" } });
  push("logged", key, { log: sigstore.rekor });
  push("sha384", large, { hash: "sha384" });
  push("keyless", sigstore.identity({ subject: SUBJECT, issuer: ISSUER }));
  push("seen-by-no-ct-log", sigstore.identity({ subject: SUBJECT, issuer: ISSUER, ctLogs: [] }));
  push("certified", employee, { timestampAuthority: sigstore.timestampAuthority, at: during });
  push("untimed", employee);
  server = await registry.listen();
  const files = {
    "cosign.pub": key.pem,
    "large.pub": large.pem,
    "root.json": sigstore.trustedRoot(),
    "no-times.json": sigstore.trustedRoot((all) => ({ ...all, timestampAuthorities: [] })),
    "alice.pem": employee.certificatePem,
    "chain.pem": pki.pem,
    "other.pem": createAuthority({}).pem,
    "tsa.pem": sigstore.pem.tsaCertChain,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
});
afterAll(async () => {
  await server.close();
  await rm(cwd, { recursive: true });
});

const verify = (name: string, flags: string) =>
  runHere(["verify", `${server.host}/${name}:v1`, ...flags.split(" ")], { cwd });

const root = `--trusted-root root.json --now ${FROZEN_TIME}`;
const byKey = "--key cosign.pub --insecure-ignore-tlog";
const byIdentity = `--certificate-identity ${SUBJECT} --certificate-oidc-issuer ${ISSUER} ${root}`;
const ignoring = "--insecure-ignore-tlog --insecure-ignore-sct --trusted-root no-times.json";
const stamped = `${ignoring} --timestamp-certificate-chain tsa.pem --now ${FROZEN_TIME}`;

test.each<[string, string, string, number]>([
  ["a key without a log", "keyed", byKey, 0],
  ["a key and a log, which has no entry", "keyed", `--key cosign.pub ${root}`, 1],
  ["a key and a log, which has one", "logged", `--key cosign.pub ${root}`, 0],
  ["an annotation", "keyed", `${byKey} -a env=prod`, 0],
  ["an annotation whose value has a sign of its own", "keyed", `${byKey} --annotations team=a=b`, 0],
  ["another annotation", "keyed", `${byKey} -a env=dev`, 1],
  ["two annotations, of which one is another", "keyed", `${byKey} -a env=prod -a team=b`, 1],
  [
    "a digest algorithm",
    "sha384",
    "--key large.pub --insecure-ignore-tlog --signature-digest-algorithm sha384",
    0,
  ],
  [
    "another digest algorithm",
    "sha384",
    "--key large.pub --insecure-ignore-tlog --signature-digest-algorithm sha512",
    1,
  ],
  ["an identity", "keyless", byIdentity, 0],
  ["an identity that no certificate log has seen", "seen-by-no-ct-log", byIdentity, 1],
  ["the same, where none is asked for", "seen-by-no-ct-log", `${byIdentity} --insecure-ignore-sct`, 0],
  [
    "a certificate and its chain",
    "certified",
    `--certificate alice.pem --certificate-chain chain.pem ${stamped}`,
    0,
  ],
  ["a chain alone", "certified", `--certificate-chain chain.pem ${stamped}`, 0],
  ["another chain", "certified", `--certificate-chain other.pem ${stamped}`, 1],
  [
    "a chain whose certificate has expired since, without a signed time",
    "untimed",
    `--certificate-chain chain.pem ${ignoring} --now ${FROZEN_TIME}`,
    1,
  ],
  [
    "a chain, at a time when its certificate had not expired",
    "untimed",
    `--certificate-chain chain.pem ${ignoring} --now 2025-01-15T00:00:00Z`,
    0,
  ],
])("assay verify by %s", async (_name, repository, flags, expected) => {
  const { status, out, err } = await verify(repository, flags);
  expect(status, `${out}${err}`).toBe(expected);
});

test.each<[string, string, string]>([
  ["nobody", "--insecure-ignore-tlog", "nobody is named who should have signed"],
  ["a key and an identity", `${byKey} --certificate-identity a`, "several kinds of signers are named"],
  ["a key and a chain", `${byKey} --certificate-chain chain.pem`, "several kinds of signers are named"],
  ["an identity without its issuer", "--certificate-identity a", "--certificate-oidc-issuer is missing"],
  ["an issuer without its identity", "--certificate-oidc-issuer a", "--certificate-identity is missing"],
  [
    "an identity in two ways",
    "--certificate-identity a --certificate-identity-regexp b --certificate-oidc-issuer c",
    "give --certificate-identity or --certificate-identity-regexp, not both",
  ],
  [
    "an identity that got lost",
    "--certificate-identity= --certificate-oidc-issuer c",
    "--certificate-identity is empty",
  ],
  ["an annotation without a value", `${byKey} -a env`, "--annotations `env` is not of the form NAME=VALUE"],
  [
    "an annotation without a name",
    `${byKey} -a =prod`,
    "--annotations `=prod` is not of the form NAME=VALUE",
  ],
  [
    "a digest algorithm that is none",
    `${byKey} --signature-digest-algorithm md5`,
    "Allowed choices are sha256, sha384, sha512",
  ],
  ["a year for a time", `${byKey} --now 2026`, "--now `2026` is not an RFC 3339 time"],
  ["a day that there is not", `${byKey} --now 2026-02-30T25:00:00Z`, "is not an RFC 3339 time"],
  ["no time to wait", `${byKey} --timeout 0`, "--timeout `0` is not a number of seconds between 0 and 3600"],
  ["hours to wait", `${byKey} --timeout 3601`, "--timeout `3601` is not a number of seconds"],
  ["words to wait", `${byKey} --timeout 5s`, "--timeout `5s` is not a number of seconds"],
])("assay verify with %s exits 2", async (_name, flags, said) => {
  const { status, err, out } = await verify("keyed", flags);
  expect(err).toContain(said);
  expect(out).toBe("");
  expect(status).toBe(2);
});
