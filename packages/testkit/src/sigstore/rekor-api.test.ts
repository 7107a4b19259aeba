import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { beforeEach, describe, expect, test } from "vitest";
import { image } from "../image/image.ts";
import { base64, preAuthEncoding, utf8 } from "../signing/encoding.ts";
import { createKey, hashBytes, signBytes } from "../signing/signing-key.ts";
import { createSigstore, type Sigstore } from "./sigstore.ts";

const ENTRIES = "/api/v1/log/entries";
const key = createKey();
const subject = image();
const signature = signBytes(key, subject.manifest);
const verifier = base64(utf8(key.pem));

/** What cosign proposes about a signature over the image's manifest. */
const proposal = {
  ...{ apiVersion: "0.0.1", kind: "hashedrekord" },
  spec: {
    data: { hash: { algorithm: "sha256", value: Buffer.from(hashBytes(subject.manifest)).toString("hex") } },
    signature: { content: base64(signature), publicKey: { content: verifier } },
  },
};

/** What it proposes about an attestation, by either of its names. */
function envelopeProposal(kind: "dsse" | "intoto"): object {
  const payloadType = "application/vnd.in-toto+json";
  const sig = base64(signBytes(key, preAuthEncoding(payloadType, utf8("{}"))));
  const envelope = JSON.stringify({ payload: base64(utf8("{}")), payloadType, signatures: [{ sig }] });
  const spec =
    kind === "dsse"
      ? { proposedContent: { envelope, verifiers: [verifier] } }
      : { content: { envelope }, publicKey: verifier };
  return { apiVersion: "0.0.1", kind, spec };
}

interface Answered {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

let sigstore: Sigstore;
beforeEach(() => {
  sigstore = createSigstore();
  // Something else is there already, which nobody asks for.
  image({ content: "other" }).signedBy(key, { log: sigstore.rekor });
});

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const init = body === undefined ? { method } : { method, body: text };
  return await sigstore.rekor.handle(new Request(`${sigstore.rekor.baseUrl}${path}`, init));
}

/** The one entry of an answer, by its UUID. */
async function entryIn(answer: Response): Promise<readonly [string, Answered]> {
  const [entry, ...more] = Object.entries((await answer.json()) as Record<string, Answered>);
  if (entry === undefined || more.length > 0) throw new Error("not one entry");
  return entry;
}

/** A message signature over the image's manifest with the entry as the log answered it. */
function bundleWith({ body, integratedTime, logID, logIndex, verification }: Answered): object {
  const { checkpoint, hashes, rootHash, treeSize, logIndex: index } = verification.inclusionProof;
  const fromHex = (text: string): string => base64(Buffer.from(text, "hex"));
  const entry = {
    logIndex: String(logIndex),
    logId: { keyId: fromHex(logID) },
    kindVersion: { kind: "hashedrekord", version: "0.0.1" },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
    inclusionProof: {
      ...{ logIndex: String(index), treeSize: String(treeSize), rootHash: fromHex(rootHash) },
      ...{ hashes: hashes.map(fromHex), checkpoint: { envelope: checkpoint } },
    },
    canonicalizedBody: body,
  };
  const digest = base64(hashBytes(subject.manifest));
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: "key" }, tlogEntries: [entry] },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest },
      signature: base64(signature),
    },
  };
}

test("sigstore-js verifies an entry that was logged by HTTP", async () => {
  const created = await ask("POST", ENTRIES, proposal);
  expect(created.status).toBe(201);
  const [, answered] = await entryIn(created);
  const keys = { key: { rawBytes: Buffer.from(key.spki), keyDetails: 0 } };
  const root = TrustedRoot.fromJSON(JSON.parse(sigstore.trustedRoot()));
  const verify = (entry: Answered): unknown =>
    new Verifier(toTrustMaterial(root, keys), { tlogThreshold: 1, ctlogThreshold: 0 }).verify(
      toSignedEntity(bundleFromJSON(bundleWith(entry)), Buffer.from(subject.manifest)),
    );
  expect(() => verify(answered)).not.toThrow();
  expect(() => verify({ ...answered, integratedTime: answered.integratedTime + 1 })).toThrow();
});

describe("what was logged by HTTP is found", () => {
  test.each<[string, object]>([
    ["a signature", proposal],
    ["an attestation as dsse", envelopeProposal("dsse")],
    ["an attestation as intoto", envelopeProposal("intoto")],
  ])("%s: by its UUID, by every search, and where the answer says", async (_, proposed) => {
    const created = await ask("POST", ENTRIES, proposed);
    const [etag, location] = ["etag", "location"].map((name) => created.headers.get(name) ?? "");
    const [uuid, entry] = await entryIn(created);
    expect([etag, location]).toEqual([uuid, `${ENTRIES}/${uuid}`]);
    expect(await entryIn(await ask("GET", `${ENTRIES}/${uuid}`))).toEqual([uuid, entry]);
    const queries = [{ entries: [proposed] }, { entryUUIDs: [uuid] }, { logIndexes: [entry.logIndex] }];
    for (const query of queries)
      expect(await (await ask("POST", `${ENTRIES}/retrieve`, query)).json()).toEqual([{ [uuid]: entry }]);
  });

  test("the same again is a conflict that names the entry, and is logged once", async () => {
    const first = await ask("POST", ENTRIES, proposal);
    const second = await ask("POST", ENTRIES, proposal);
    expect(second.status).toBe(409);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
    const query = { entries: [proposal] };
    expect(await (await ask("POST", `${ENTRIES}/retrieve`, query)).json()).toHaveLength(1);
  });

  test("what the builders logged is a conflict too", async () => {
    subject.signedBy(key, {
      ...{ format: "bundle-v0.3", content: "message", log: sigstore.rekor },
      edit: { signature: () => signature },
    });
    expect((await ask("POST", ENTRIES, proposal)).status).toBe(409);
  });
});

test.each<[string, string, string, unknown, number]>([
  ["an entry that nobody logged", "GET", `${ENTRIES}/${"0".repeat(80)}`, undefined, 404],
  ["another path", "GET", "/api/v1/log", undefined, 404],
  ["another method", "DELETE", ENTRIES, undefined, 404],
  ["no JSON", "POST", ENTRIES, "{", 400],
  ["an unknown kind", "POST", ENTRIES, { ...proposal, kind: "rpm" }, 400],
  ["a kind that every object has", "POST", ENTRIES, { ...proposal, kind: "constructor" }, 400],
  ["an unknown version", "POST", ENTRIES, { ...proposal, apiVersion: "0.0.9" }, 400],
  ["a search for an unknown kind", "POST", `${ENTRIES}/retrieve`, { entries: [{ kind: "rpm" }] }, 400],
])("%s: %s %s is refused", async (_, method, path, body, status) => {
  expect((await ask(method, path, body)).status).toBe(status);
});

test("no more of a request is read than a log takes", async () => {
  const chunk = new Uint8Array(1024 * 1024);
  const body = new ReadableStream<Uint8Array>(
    { pull: (controller) => controller.enqueue(chunk) },
    { highWaterMark: 0 },
  );
  const init = { method: "POST", body, duplex: "half" } as RequestInit;
  const { status } = await sigstore.rekor.handle(new Request(`${sigstore.rekor.baseUrl}${ENTRIES}`, init));
  expect(status).toBe(413);
});
