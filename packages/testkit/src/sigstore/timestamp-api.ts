import { AsnConvert } from "@peculiar/asn1-schema";
import { TimeStampReq } from "@peculiar/asn1-tsp";
import type { Handler } from "../registry/host-fetch.ts";
import { readRequest } from "../registry/request-body.ts";
import type { HashName } from "../signing/signing-key.ts";
import { buffer } from "./der.ts";

const TIMESTAMP = "/api/v1/timestamp";
/** Bytes of a query: a hash and a nonce, whatever a client adds to them. */
const MAX_BODY = 64 * 1024;

/** What a query asks to have timestamped. */
export interface TimestampQuery {
  readonly hash: HashName;
  /** The hash of the data, which the authority never sees. */
  readonly imprint: Uint8Array;
  /** Absent: the authority's own. */
  readonly policy?: string;
  /** The integer's bytes, to be given back. */
  readonly nonce?: Uint8Array;
  /** Whether the signer's certificate is to be in the response. */
  readonly wantsCertificate: boolean;
}

/** What the API is in front of. */
export interface TimestampResponder {
  /** The chain's PEM, from the signer's certificate to the root. */
  readonly pem: string;
  /** A TimeStampResp, now, DER. */
  readonly respond: (query: TimestampQuery) => Uint8Array;
}

/** The hashes that Sigstore's authority takes, by OID, with their lengths. */
const HASHES: ReadonlyMap<string, { readonly hash: HashName; readonly length: number }> = new Map([
  ["2.16.840.1.101.3.4.2.1", { hash: "sha256", length: 32 }],
  ["2.16.840.1.101.3.4.2.2", { hash: "sha384", length: 48 }],
  ["2.16.840.1.101.3.4.2.3", { hash: "sha512", length: 64 }],
]);

/**
 * The API of Sigstore's timestamp authority, as far as cosign uses it: `POST /api/v1/timestamp` answers an RFC 3161 query, and
 * `GET /api/v1/timestamp/certchain` gives the chain as PEM.
 */
export function timestampHandler({ pem, respond }: TimestampResponder): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET" && pathname === `${TIMESTAMP}/certchain`)
      return new Response(pem, { headers: { "content-type": "application/pem-certificate-chain" } });
    if (request.method !== "POST" || pathname !== TIMESTAMP) return problem(404, "no such path");
    if (mediaTypeOf(request) !== "application/timestamp-query")
      return problem(415, "a query is application/timestamp-query");
    const body = await readRequest(request, MAX_BODY);
    if (body === undefined) return problem(413, "too large", { connection: "close" });
    const query = readQuery(body);
    if (typeof query === "string") return problem(400, query);
    const headers = { "content-type": "application/timestamp-reply" };
    return new Response(buffer(respond(query)), { status: 201, headers });
  };
}

function mediaTypeOf({ headers }: Request): string {
  const [type = ""] = (headers.get("content-type") ?? "").split(";");
  return type.trim().toLowerCase();
}

/** A query that can be answered, or why it cannot. */
function readQuery(bytes: Uint8Array): TimestampQuery | string {
  let asked: TimeStampReq;
  try {
    asked = AsnConvert.parse(buffer(bytes), TimeStampReq);
  } catch {
    return "not a TimeStampReq";
  }
  const { version, messageImprint, reqPolicy, nonce, certReq, extensions } = asked;
  if (version !== 1) return `version ${version} of queries is unknown`;
  if (extensions !== undefined) return "extensions of queries are unknown";
  const algorithm = HASHES.get(messageImprint.hashAlgorithm.algorithm);
  if (algorithm === undefined) return "the hash is not sha256, sha384 or sha512";
  const imprint = new Uint8Array(messageImprint.hashedMessage.buffer);
  if (imprint.length !== algorithm.length) return `the imprint is no ${algorithm.hash}`;
  return {
    ...{ hash: algorithm.hash, imprint, wantsCertificate: certReq },
    ...(reqPolicy === undefined ? {} : { policy: reqPolicy }),
    ...(nonce === undefined ? {} : { nonce: new Uint8Array(nonce) }),
  };
}

function problem(code: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json({ code, message }, { status: code, headers });
}
