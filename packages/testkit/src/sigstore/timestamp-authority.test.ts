import { createHash, X509Certificate } from "node:crypto";
import { SignedData } from "@peculiar/asn1-cms";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { MessageImprint, TimeStampReq, TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Extension, Extensions } from "@peculiar/asn1-x509";
import { RFC3161Timestamp } from "@sigstore/core";
import { describe, expect, test } from "vitest";
import { utf8 } from "../signing/encoding.ts";
import { createSigstore } from "./sigstore.ts";

const { timestampAuthority, clock } = createSigstore();
const signature = utf8("signature");

/** What a response holds, as it is written. */
function contentsOf(response: Uint8Array): { readonly info: TSTInfo; readonly certificates: number } {
  const { timeStampToken } = AsnConvert.parse(response, TimeStampResp);
  if (timeStampToken === undefined) throw new Error("there is no token in the response");
  const { encapContentInfo, certificates } = AsnConvert.parse(timeStampToken.content, SignedData);
  const info = AsnConvert.parse(encapContentInfo.eContent?.single?.buffer ?? new ArrayBuffer(), TSTInfo);
  return { info, certificates: certificates?.length ?? 0 };
}

function serialOf(response: Uint8Array): string {
  return Buffer.from(contentsOf(response).info.serialNumber).toString("hex");
}

test("no two timestamps have the same serial number, also of equal data at the same time", () => {
  const serials = Array.from({ length: 20 }, () => serialOf(timestampAuthority.timestamp(signature)));
  expect(new Set(serials).size).toBe(20);
});

const OIDS = {
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
};
const TIMESTAMP = "/api/v1/timestamp";
const queried = { "content-type": "application/timestamp-query" };

/** A query about `signature`, as a client writes it. */
function query(
  hash: keyof typeof OIDS = "sha256",
  more: Partial<TimeStampReq> = {},
): Uint8Array<ArrayBuffer> {
  const messageImprint = new MessageImprint({
    hashAlgorithm: new AlgorithmIdentifier({ algorithm: OIDS[hash] }),
    hashedMessage: new OctetString(createHash(hash).update(signature).digest()),
  });
  return new Uint8Array(AsnConvert.serialize(new TimeStampReq({ version: 1, messageImprint, ...more })));
}

async function ask(
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>> = queried,
): Promise<Response> {
  const init = { method: "POST", body, headers, duplex: "half" } as const;
  return await timestampAuthority.handle(new Request(`https://tsa.test${TIMESTAMP}`, init));
}

async function bytesOf(answer: Promise<Response>): Promise<Uint8Array> {
  return new Uint8Array(await (await answer).arrayBuffer());
}

describe("asked by HTTP", () => {
  test.each(["sha256", "sha384", "sha512"] as const)(
    "a %s is timestamped, as sigstore-js verifies it",
    async (hash) => {
      const answer = await ask(query(hash, { certReq: true }));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        201,
        "application/timestamp-reply",
      ]);
      const parsed = RFC3161Timestamp.parse(Buffer.from(await answer.arrayBuffer()));
      const { publicKey } = new X509Certificate(timestampAuthority.chain[0] ?? "");
      expect(() => parsed.verify(Buffer.from(signature), publicKey)).not.toThrow();
      expect(() => parsed.verify(Buffer.from("another"), publicKey)).toThrow();
      expect(parsed.signingTime).toEqual(clock());
    },
  );

  test("what the query says comes back: the nonce, the policy, and the certificate if it is wanted", async () => {
    const nonce = Uint8Array.of(0, 0xff, 1, 2, 3).buffer;
    const bare = await bytesOf(ask(query("sha256", { nonce, reqPolicy: "1.2.3.4" })));
    const { info, certificates } = contentsOf(bare);
    expect(Buffer.from(info.nonce ?? new ArrayBuffer())).toEqual(Buffer.from(nonce));
    expect([info.policy, certificates]).toEqual(["1.2.3.4", 0]);
    const again = await bytesOf(ask(query("sha256", { certReq: true })));
    expect(contentsOf(again)).toMatchObject({ certificates: 1, info: { policy: "1.3.6.1.4.1.57264.2" } });
    expect(contentsOf(again).info.nonce).toBeUndefined();
    expect(serialOf(again)).not.toBe(serialOf(bare));
  });

  test("the chain is given, for `--timestamp-certificate-chain` and policies", async () => {
    const answer = await timestampAuthority.handle(new Request(`https://tsa.test${TIMESTAMP}/certchain`));
    expect(await answer.text()).toBe(timestampAuthority.pem);
  });
});

const extensions = new Extensions([new Extension({ extnID: "1.2.3", extnValue: new OctetString(1) })]);
const short = new MessageImprint({
  hashAlgorithm: new AlgorithmIdentifier({ algorithm: OIDS.sha512 }),
  hashedMessage: new OctetString(new Uint8Array(32)),
});

test.each<[string, Uint8Array<ArrayBuffer>, number, string]>([
  ["nothing", new Uint8Array(), 400, "not a TimeStampReq"],
  ["what is no DER", new Uint8Array(1000).fill(0x30), 400, "not a TimeStampReq"],
  ["a response", new Uint8Array(timestampAuthority.timestamp(signature)), 400, "not a TimeStampReq"],
  ["a hash that is broken", query("sha1"), 400, "the hash is not sha256, sha384 or sha512"],
  ["a hash of another length", query("sha512", { messageImprint: short }), 400, "the imprint is no sha512"],
  ["another version", query("sha256", { version: 2 as never }), 400, "version 2 of queries is unknown"],
  ["an extension", query("sha256", { extensions }), 400, "extensions of queries are unknown"],
])("%s is refused", async (_, body, status, message) => {
  const answer = await ask(body);
  expect([answer.status, await answer.json()]).toEqual([status, { code: status, message }]);
});

test("another type, path or method is refused", async () => {
  expect((await ask(query(), { "content-type": "application/json" })).status).toBe(415);
  const at = (path: string, method: string) =>
    timestampAuthority.handle(new Request(`https://tsa.test${path}`, { method }));
  expect((await at(`${TIMESTAMP}/other`, "GET")).status).toBe(404);
  expect((await at(TIMESTAMP, "PUT")).status).toBe(404);
});

test("no more of a query is read than an authority takes", async () => {
  const chunk = new Uint8Array(16 * 1024);
  const endless = new ReadableStream<Uint8Array>(
    { pull: (controller) => controller.enqueue(chunk) },
    { highWaterMark: 0 },
  );
  expect((await ask(endless)).status).toBe(413);
});
