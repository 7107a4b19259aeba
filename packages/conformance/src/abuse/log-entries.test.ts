import { createSigstore, type Edits, image, type SignOptions, slsa, type TestImage } from "@assay/testkit";
import {
  base64,
  createRekor,
  jsonBytes,
  preAuthEncoding,
  signBytes,
  trustedRootOf,
  utf8,
} from "@assay/testkit/parts";
import { describe } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { certified, flipped, identity, keyed, minutes, victim } from "./log-world.ts";
import {
  byKey,
  byLoggedKey,
  type Judged,
  judgeAttestation,
  judgeSignature,
  keyless,
  policyKey,
  sigstore,
  strangerKey,
} from "./world.ts";

const { rekor, rekorV2, timestampAuthority } = sigstore;

/** The same broken entry beside a key's signature and a certificate's, in the legacy form and as a bundle. */
function everywhere(
  name: string,
  edit: Edits,
  rest: Omit<AbuseCase, "name" | "judge"> = {},
): readonly AbuseCase[] {
  return (["legacy", "bundle-v0.3"] as const).flatMap((format) => [
    { name: `${name} (key, ${format})`, judge: () => keyed(edit, { format }), ...rest },
    { name: `${name} (keyless, ${format})`, judge: () => certified(edit, { format }), ...rest },
  ]);
}

describe("entries that are not about this signature", () => {
  const other = image({ content: "other" });
  const stranger = { kind: "publicKey", der: strangerKey.spki, key: strangerKey } as const;
  abuseCases([
    ...everywhere("50 an honest entry", {}, { want: "allowed" }),
    ...everywhere("50 the entry of another artifact by the same signer", {
      logRequest: ({ dsse, ...request }) => {
        const signed =
          dsse === undefined ? other.manifest : preAuthEncoding(dsse.payloadType, other.manifest);
        const signature = signBytes(request.verifier.key, signed);
        const envelope = {
          payloadType: "",
          payload: base64(other.manifest),
          signatures: [{ sig: base64(signature) }],
        };
        return {
          ...{ ...request, signed, signature },
          ...(dsse && { dsse: { ...dsse, payload: other.manifest, envelope: jsonBytes(envelope) } }),
        };
      },
    }),
    ...everywhere(
      "51 an entry for the same artifact by another key",
      { logRequest: (request) => ({ ...request, verifier: stranger }) },
      { code: "logMismatch" },
    ),
    ...everywhere("51 an entry for the same artifact by another certificate of the same identity", {
      logRequest: (request) => ({
        ...request,
        verifier: {
          kind: "certificate",
          der: sigstore.identity().certificate ?? new Uint8Array(),
          key: strangerKey,
        },
      }),
    }),
    // Who watches a log for names that are theirs would not see it.
    ...(["legacy", "bundle-v0.3"] as const).map(
      (format): AbuseCase => ({
        name: `51 an entry that records a certificate's key instead of the certificate (${format})`,
        judge: () =>
          certified(
            {
              logRequest: (request) => {
                const { key } = request.verifier;
                return { ...request, verifier: { kind: "publicKey", der: key.spki, key } };
              },
            },
            { format },
          ),
        code: "logMismatch",
      }),
    ),
    ...everywhere("52 the same signature with another digest", {
      logRequest: (request) => ({
        ...request,
        signed: other.manifest,
        ...(request.dsse === undefined
          ? {}
          : { dsse: { ...request.dsse, payload: other.manifest, envelope: other.manifest } }),
      }),
    }),
    ...everywhere("52 another signature with the same digest", {
      logRequest: (request) => ({ ...request, signature: flipped(request.signature) }),
    }),
    {
      name: "51 an entry of Rekor v2 by another key",
      judge: () =>
        keyed(
          { logRequest: (request) => ({ ...request, verifier: stranger }) },
          { format: "bundle-v0.3", log: rekorV2 },
        ),
      code: "logMismatch",
    },
    {
      name: "51 an honest entry of Rekor v2",
      judge: () => keyed({}, { format: "bundle-v0.3", log: rekorV2 }),
      want: "allowed",
    },
  ]);
});

describe("promises", () => {
  const second = createRekor({ clock: sigstore.clock, host: "second.testkit.example" });
  const bothLogs = JSON.stringify(
    trustedRootOf({
      authorities: [sigstore.fulcio.chain],
      logs: [rekor, second],
      ctLogs: [sigstore.ctLog],
      timestampAuthorities: [timestampAuthority.chain],
    }),
  );
  const underBoth = (edit: Edits, options: SignOptions = {}): Judged =>
    judgeSignature(
      victim.signedBy(policyKey, { log: rekor, format: "bundle-v0.3", ...options, edit }),
      byLoggedKey(),
      { trust: bothLogs },
    );
  abuseCases([
    ...everywhere("53 an altered promise", {
      entry: (entry) => ({ ...entry, promise: flipped(entry.promise ?? new Uint8Array()) }),
    }),
    ...everywhere("53 an empty promise", { entry: (entry) => ({ ...entry, promise: new Uint8Array() }) }),
    ...everywhere("53 a promise by another log", {
      entry: (entry) => ({ ...entry, promise: second.signPromise(entry), logId: second.id }),
    }),
    ...everywhere("53 another index under the same promise", {
      entry: (entry) => ({ ...entry, logIndex: entry.logIndex + 1 }),
    }),
    { name: "53 an entry of either of two trusted logs", judge: () => underBoth({}), want: "allowed" },
    {
      name: "53 an entry of the second of two trusted logs",
      judge: () => underBoth({}, { log: second }),
      want: "allowed",
    },
    {
      name: "53 a proof by one trusted log under the name of another",
      judge: () =>
        judgeSignature(
          victim.signedBy(policyKey, {
            ...{ log: rekor, format: "bundle-v0.3", logEvidence: "proof" },
            edit: { entry: (entry) => ({ ...entry, logId: second.id }) },
          }),
          byLoggedKey(),
          { trust: bothLogs },
        ),
    },
    {
      name: "53 a promise by one trusted log under the name of another",
      judge: () =>
        underBoth(
          { entry: (entry) => ({ ...entry, logId: second.id }) },
          { logEvidence: "promise", format: "bundle-v0.1" },
        ),
    },
  ]);
});

/** A bundle whose list of log entries is changed. */
function listed(
  change: (entries: readonly unknown[]) => readonly unknown[],
  options: SignOptions = {},
): TestImage {
  const edit: Edits = {
    bundle: (bundle) => {
      const copy = JSON.parse(JSON.stringify(bundle));
      copy.verificationMaterial.tlogEntries = change(copy.verificationMaterial.tlogEntries);
      return copy;
    },
  };
  return victim.signedBy(policyKey, { log: rekor, format: "bundle-v0.3", ...options, edit });
}

describe("several entries", () => {
  const unknown = createRekor({ clock: sigstore.clock, host: "unknown.example" });
  abuseCases([
    {
      name: "60 the same entry twice",
      judge: () =>
        judgeSignature(
          listed((entries) => [...entries, ...entries]),
          byLoggedKey(),
        ),
    },
    {
      name: "60 an entry of an unknown log beside a valid one",
      judge: () =>
        judgeSignature(
          listed((entries) => entries, { log: [unknown, rekor] }),
          byLoggedKey(),
        ),
      want: "allowed",
    },
    {
      name: "60 entries of unknown logs only",
      judge: () =>
        judgeSignature(
          listed((entries) => entries, { log: [unknown, createRekor({ clock: sigstore.clock })] }),
          byLoggedKey(),
        ),
    },
    {
      name: "60 no entry",
      judge: () =>
        judgeSignature(
          listed(() => []),
          byLoggedKey(),
        ),
      code: "logMissing",
    },
    {
      name: "60 no entry, legacy",
      judge: () => judgeSignature(victim.signedBy(policyKey), byLoggedKey()),
      code: "logMissing",
    },
    {
      name: "60 entries that are an object",
      judge: () =>
        judgeSignature(
          listed(() => Object({})),
          byLoggedKey(),
        ),
    },
    {
      name: "60 a valid entry beside a foreign artifact's entry of the same log",
      judge: () => {
        const [foreign] = image({ content: "other" }).signedBy(policyKey, {
          log: rekor,
          format: "bundle-v0.3",
        }).artifacts;
        const bundle = foreign?.kind === "bundle" ? JSON.parse(Buffer.from(foreign.bytes).toString()) : {};
        return judgeSignature(
          listed((entries) => [...entries, ...bundle.verificationMaterial.tlogEntries]),
          byLoggedKey(),
        );
      },
    },
  ]);
});

describe("entry bodies", () => {
  const body = (change: (value: Record<string, unknown>) => unknown): Edits => ({ logBody: change });
  const text = (change: (value: string) => string): Edits => ({
    logBody: (value) => utf8(change(JSON.stringify(value))),
  });
  const hash = (algorithm: string): Edits => ({
    logBody: (value) =>
      JSON.parse(JSON.stringify(value).replaceAll('"algorithm":"sha256"', `"algorithm":"${algorithm}"`)),
  });
  const attested = (options: SignOptions): Judged =>
    judgeAttestation(
      victim.using({ log: rekor, ...options }).attestedBy(policyKey, slsa({ version: "0.2" })),
      byLoggedKey(),
    );
  const kinds: Edits = { entry: (entry) => ({ ...entry, kind: "dsse" }) };
  abuseCases([
    ...everywhere(
      "61 a body of an unknown kind",
      body((value) => ({ ...value, kind: "rpm" })),
    ),
    ...everywhere(
      "61 a body of an unknown version",
      body((value) => ({ ...value, apiVersion: "9.9.9" })),
    ),
    ...everywhere(
      "61 a body that is a list",
      body(() => []),
    ),
    ...everywhere(
      "61 a body that is not JSON",
      body(() => utf8("not json")),
    ),
    ...everywhere(
      "61 a body without a spec",
      body(({ kind, apiVersion }) => ({ kind, apiVersion })),
    ),
    ...everywhere(
      "61 a body with `spec` twice",
      text((value) => value.replace("{", '{"spec":{},')),
    ),
    ...everywhere("61 a digest that claims sha1", hash("sha1")),
    ...everywhere("61 a digest that claims sha512", hash("sha512")),
    {
      name: "61 another kind than the body's",
      judge: () => keyed(kinds, { format: "bundle-v0.3", entryKind: "hashedrekord" }),
    },
    {
      name: "61 intoto/0.0.1 of this envelope",
      judge: () => attested({ entryKind: "intoto001" }),
      want: "allowed",
    },
    {
      name: "61 intoto/0.0.1 of another envelope",
      judge: () =>
        attested({
          entryKind: "intoto001",
          edit: {
            logRequest: (request) => ({
              ...request,
              ...(request.dsse && { dsse: { ...request.dsse, envelope: utf8("{}") } }),
            }),
          },
        }),
    },
    {
      name: "61 intoto/0.0.2 of this envelope",
      judge: () => attested({ entryKind: "intoto002" }),
      want: "allowed",
    },
    { name: "61 dsse/0.0.1 of this envelope", judge: () => attested({ entryKind: "dsse" }), want: "allowed" },
    {
      name: "61 rekord/0.0.1 of this claim",
      judge: () => keyed({}, { entryKind: "rekord" }),
      want: "allowed",
    },
    {
      name: "61 rekord/0.0.1 of another claim",
      judge: () =>
        keyed({ logRequest: (request) => ({ ...request, signed: utf8("{}") }) }, { entryKind: "rekord" }),
    },
    {
      name: "61 a hashedrekord for an envelope's payload in place of what was signed",
      judge: () =>
        attested({
          ...{ format: "bundle-v0.3", entryKind: "hashedrekord" },
          edit: {
            logRequest: (request) => ({ ...request, signed: request.dsse?.payload ?? request.signed }),
          },
        }),
    },
  ]);
});

describe("whose log", () => {
  const elsewhere = createSigstore();
  const theirs = victim.signedBy(policyKey, { log: elsewhere.rekor });
  const ours = victim.signedBy(policyKey, { log: rekor });
  const withKey = byLoggedKey({ rekor: { ignoreTlog: false, pubkey: elsewhere.pem.rekor } });
  const corrupt: Edits = {
    entry: (entry) => ({ ...entry, promise: flipped(entry.promise ?? new Uint8Array()) }),
  };
  abuseCases([
    {
      name: "63 an entry of the trust root's log where the policy gives a key of its own",
      judge: () => judgeSignature(ours, withKey),
    },
    {
      name: "63 an entry of the policy's own log",
      judge: () => judgeSignature(theirs, withKey, { trust: false }),
      want: "allowed",
    },
    {
      name: "63 an entry of a private log where the policy gives no key",
      judge: () => judgeSignature(theirs, byLoggedKey()),
    },
    {
      name: "64 a log's key is never asked of the log itself",
      judge: () =>
        judgeSignature(theirs, byLoggedKey({ rekor: { ignoreTlog: false, url: elsewhere.rekor.baseUrl } }), {
          trust: false,
        }),
      want: "error",
      code: "trustUnavailable",
    },
    {
      name: "65 a corrupt entry where the policy ignores the log",
      judge: () => judgeSignature(victim.signedBy(policyKey, { log: rekor, edit: corrupt }), byKey()),
      want: "allowed",
    },
    {
      name: "65 the time of a corrupt entry where the policy ignores the log",
      judge: () => {
        const signed = victim.signedBy(identity, { edit: corrupt });
        return judgeSignature(signed, keyless({ rekor: { ignoreTlog: true } }), { now: minutes(60) });
      },
    },
    {
      name: "65 the time of a corrupt entry in a bundle where the policy ignores the log",
      judge: () => {
        const signed = victim.signedBy(identity, { edit: corrupt, format: "bundle-v0.3" });
        return judgeSignature(signed, keyless({ rekor: { ignoreTlog: true } }), { now: minutes(60) });
      },
    },
    {
      name: "65 a certificate that is still valid where the policy ignores the log",
      judge: () =>
        judgeSignature(victim.signedBy(identity, { log: false }), keyless({ rekor: { ignoreTlog: true } }), {
          now: minutes(5),
        }),
      want: "allowed",
    },
  ]);
});
