import { parseDigest, parseImageReference } from "@assay/image";
import { type Clock, registrySource } from "@assay/sources/registry";
import type { RunningServer } from "@assay/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ask, digestAt, fixtureRegistry, summary } from "./fixtures.ts";
import { type MisbehavingProxy, type Misdeed, misbehavingProxy } from "./misbehaving-proxy.ts";

let registry: RunningServer;
let proxy: MisbehavingProxy;
const digests = { key: "", bundle: "" };

beforeAll(async () => {
  registry = await (await fixtureRegistry("referrers")).listen();
  proxy = await misbehavingProxy(registry.host);
  digests.key = await digestAt(registrySource(), `${registry.host}/acme/key-ecdsa:v1`);
  digests.bundle = await digestAt(registrySource(), `${registry.host}/acme/bundle-ecdsa:v1`);
});
afterEach(() => proxy.behave());
afterAll(async () => {
  await proxy.close();
  await registry.close();
});

/** Nobody waits in these tests. */
const clock: Clock = { now: () => 0, sleep: async () => undefined, random: () => 0.5 };

/** Where a fault strikes, and the lookup that comes across it. */
const places = {
  tag: { path: /\/manifests\/v1$/, lookup: () => image("acme/key-ecdsa:v1") },
  digest: { path: /\/manifests\/sha256:/, lookup: () => image(`acme/key-ecdsa@${digests.key}`) },
  manifest: { path: /\/manifests\/sha256:/, lookup: () => hanging("manifest", "key") },
  signatureTag: { path: /\.sig$/, lookup: () => hanging("signatureTag", "key") },
  signatureBlob: { path: /\/blobs\//, lookup: () => hanging("signatureTag", "key") },
  referrers: { path: /\/referrers\//, lookup: () => hanging("referrers", "bundle") },
  bundleManifest: { path: /\/manifests\/sha256:/, lookup: () => hanging("referrers", "bundle") },
  bundleBlob: { path: /\/blobs\//, lookup: () => hanging("referrers", "bundle") },
} as const;

function image(text: string) {
  return { kind: "digest", image: parseImageReference(`${proxy.host}/${text}`) } as const;
}

function hanging<K extends "signatureTag" | "referrers" | "manifest">(kind: K, of: "key" | "bundle") {
  return { kind, repository: `${proxy.host}/acme/${of}-ecdsa`, digest: parseDigest(digests[of]) };
}

const metadata = (): string => "http://169.254.169.254/latest/meta-data/";
const status = (code: number): Misdeed => ({ kind: "status", status: code });

const chunked = "transfer-encoding: chunked\r\n\r\n";
const raw = (head: string, forEver?: string, status = "HTTP/1.1 200 OK\r\n"): Misdeed => {
  const all = { kind: "raw", head: status + head } as const;
  return forEver === undefined ? all : { ...all, forEver: forEver.repeat(1000) };
};

type Row = readonly [string, Misdeed, Partial<Record<keyof typeof places, string>>];
const everywhere = (outcome: string): Record<keyof typeof places, string> => ({
  tag: outcome,
  digest: outcome,
  manifest: outcome,
  signatureTag: outcome,
  signatureBlob: outcome,
  referrers: outcome,
  bundleManifest: outcome,
  bundleBlob: outcome,
});

// `nothing` is a fact (there is no such tag); every other outcome is a failure, or a candidate that cannot be read.
const matrix: readonly Row[] = [
  ["drops the connection", { kind: "drop" }, everywhere("unavailable")],
  ["never answers", { kind: "hang" }, everywhere("timeout")],
  ["drips slowly", { kind: "slowDrip" }, everywhere("timeout")],
  ["breaks off in the middle", { kind: "truncate", honest: false }, everywhere("unavailable")],
  [
    "sends half and calls it whole",
    { kind: "truncate", honest: true },
    {
      ...everywhere("malformed"),
      referrers: "unavailable",
      digest: "digestMismatch",
      manifest: "digestMismatch",
      signatureBlob: "digestMismatch",
      bundleManifest: "digestMismatch",
      bundleBlob: "digestMismatch",
    },
  ],
  ["answers 401", status(401), everywhere("unauthorized")],
  ["answers 403", status(403), everywhere("unauthorized")],
  [
    "answers 404",
    status(404),
    {
      tag: "notFound",
      digest: "notFound",
      manifest: "notFound",
      signatureTag: "nothing",
      signatureBlob: "malformed",
      referrers: "unsupported",
      bundleManifest: "malformed",
      bundleBlob: "malformed",
    },
  ],
  ["answers 418", status(418), everywhere("unavailable")],
  ["answers 429", status(429), everywhere("rateLimited")],
  ["answers 500", status(500), everywhere("unavailable")],
  ["answers 502", status(502), everywhere("unavailable")],
  ["answers 503", status(503), everywhere("unavailable")],
  [
    "sends other bytes than were asked for",
    { kind: "flipBit" },
    {
      digest: "digestMismatch",
      manifest: "digestMismatch",
      signatureBlob: "digestMismatch",
      bundleManifest: "digestMismatch",
      bundleBlob: "digestMismatch",
    },
  ],
  [
    "answers with a login page",
    { kind: "html" },
    {
      ...everywhere("unavailable"),
      digest: "digestMismatch",
      manifest: "digestMismatch",
      signatureBlob: "digestMismatch",
      bundleManifest: "digestMismatch",
      bundleBlob: "digestMismatch",
    },
  ],
  [
    "answers with a login page of usual size",
    { kind: "html", body: `<html>${" ".repeat(50_000)}</html>` },
    {
      ...everywhere("unavailable"),
      digest: "digestMismatch",
      manifest: "digestMismatch",
      bundleManifest: "digestMismatch",
    },
  ],
  [
    "calls the right bytes text",
    { kind: "contentType", type: "text/plain" },
    {
      tag: "digest",
      digest: "digest",
      manifest: "manifest",
      signatureTag: "legacy",
      signatureBlob: "legacy",
      referrers: "bundle",
    },
  ],
  [
    "lies in Docker-Content-Digest",
    { kind: "headers", headers: { "docker-content-digest": `sha256:${"0".repeat(64)}` } },
    {
      tag: "digest",
      digest: "digest",
      manifest: "manifest",
      signatureTag: "legacy",
      bundleManifest: "bundle",
    },
  ],
  ["redirects to a metadata service", { kind: "redirect", to: metadata }, everywhere("unavailable")],
  [
    "redirects to https on a private host",
    { kind: "redirect", to: () => "https://10.0.0.1/x" },
    everywhere("unavailable"),
  ],
  ["redirects to a file", { kind: "redirect", to: () => "file:///etc/passwd" }, everywhere("unavailable")],
  ["redirects to itself for ever", { kind: "redirect", to: (path) => path }, everywhere("unavailable")],
  [
    "redirects with user info",
    { kind: "redirect", to: (path) => `http://a:b@${proxy.host}${path}` },
    everywhere("unavailable"),
  ],
  ["never stops sending", { kind: "endless" }, everywhere("tooLarge")],
  ["sends a gzip bomb", { kind: "gzipBomb" }, everywhere("unavailable")],
  // By the byte, as no HTTP server would send it.
  ["sends headers without end", raw("", "x: y\r\n"), everywhere("unavailable")],
  ["says to wait without end", raw("", "HTTP/1.1 103 Early Hints\r\n\r\n", ""), everywhere("timeout")],
  ["sends a chunk's extensions without end", raw(`${chunked}1;`, "a=b;"), everywhere("unavailable")],
  ["sends trailers without end", raw(`${chunked}2\r\n{}\r\n0\r\n`, "x: y\r\n"), everywhere("unavailable")],
  ["names two lengths", raw("content-length: 2\r\ncontent-length: 3\r\n\r\n{}"), everywhere("unavailable")],
  [
    "names a length and sends chunks",
    raw(`content-length: 2\r\n${chunked}2\r\n{}\r\n0\r\n\r\n`),
    everywhere("unavailable"),
  ],
  ["speaks no HTTP", raw("{}", undefined, ""), everywhere("unavailable")],
  [
    "wants to speak something else",
    raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", undefined, ""),
    everywhere("unavailable"),
  ],
  ["pages in a circle", { kind: "paginationLoop" }, { referrers: "unavailable" }],
  ["pages without end", { kind: "emptyPages" }, { referrers: "unavailable" }],
  [
    "pages elsewhere",
    { kind: "headers", headers: { link: '<https://evil.example/v2/x>; rel="next"' } },
    { referrers: "unavailable" },
  ],
  [
    "pages to another repository",
    { kind: "headers", headers: { link: '</v2/acme/unsigned/referrers/sha256:0?n=1>; rel="next"' } },
    { referrers: "unavailable" },
  ],
];

const rows = matrix.flatMap(([name, misdeed, outcomes]) =>
  Object.entries(outcomes).map(
    ([place, outcome]) => [name, place as keyof typeof places, outcome, misdeed] as const,
  ),
);

describe("a registry that", () => {
  test.each(rows)("%s, for %s: %s", async (_, place, outcome, misdeed) => {
    const { path, lookup } = places[place];
    proxy.misbehave(path, misdeed);
    const asked: string[] = [];
    const source = registrySource({
      clock,
      // Only what never ends is waited for.
      timeoutMs: outcome === "timeout" ? 100 : 60_000,
      limits: { manifestBytes: 200_000 },
      onRequest: ({ url }) => void asked.push(new URL(url).host),
    });
    const answer = await ask(source, lookup());
    expect(new Set(asked)).toEqual(new Set([proxy.host]));
    expect(summary(answer)).toBe(outcome);
    if (!answer.ok) expect(answer.failure.message).toMatch(/^[^\n]{20,}[^.\n]$/);
  });

  test.each(Object.entries(places))(
    "was in trouble twice, is asked a third time: %s",
    async (_, { path, lookup }) => {
      proxy.misbehave(path, status(503), 1);
      proxy.misbehave(path, { kind: "drop" }, 1);
      const answer = await ask(registrySource({ clock }), lookup());
      expect(["digest", "manifest", "legacy", "bundle"]).toContain(summary(answer));
    },
  );
});
