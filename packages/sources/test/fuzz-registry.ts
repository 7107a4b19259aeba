import { createHash } from "node:crypto";
import type { Answer, EvidenceLookup } from "@assay/engine";
import { parseDigest, parseImageReference } from "@assay/image";
import { registrySource } from "@assay/sources/registry";
import type { Registry } from "@assay/testkit";
import { ask } from "./fixtures.ts";

/** What went wrong, and the seed that shows it again. */
export interface Finding {
  readonly seed: number;
  readonly what: string;
}

const repositories = [
  "unsigned",
  "key-ecdsa",
  "key-two",
  "key-att3",
  "bundle-ecdsa",
  "bundle-att3",
  "kl-sig",
  "multi",
];
const kinds = [
  "digest",
  "imageData",
  "signatureTag",
  "attestationTag",
  "referrers",
  "referrersTag",
  "manifest",
] as const;
const noWaiting = { now: Date.now, random: () => 0, sleep: async () => undefined };
const mostRequests = 200;

/**
 * Asks a registry of which one answer is changed, and looks for exceptions, floods of requests, hangs, and for bytes that
 * are not what their digest says. `registry` holds the fixture layout of that name.
 */
export async function fuzzRegistry(seed: number, registry: Registry): Promise<Finding | undefined> {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const name = `${registry.host}/acme/${pick(repositories)}`;
  const strikes = Math.floor(random() * 5);
  let requests = 0;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const answer = await registry.fetch(url, init);
    return requests++ === strikes ? changed(answer, random) : answer;
  };
  const source = registrySource({
    fetch,
    clock: noWaiting,
    timeoutMs: 1000,
    resolve: async () => ["10.0.0.1"],
  });
  const started = performance.now();
  try {
    for (const lookup of await lookupsOf(name, registry, pick(kinds))) {
      const problem = problemIn(lookup, await ask(source, lookup));
      if (problem !== undefined) return { seed, what: `${lookup.kind} of ${name}: ${problem}` };
    }
  } catch (error) {
    return { seed, what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (requests > mostRequests) return { seed, what: `${requests} requests` };
  const took = performance.now() - started;
  return took > 5000 ? { seed, what: `took ${Math.round(took)} ms` } : undefined;
}

async function lookupsOf(
  name: string,
  registry: Registry,
  kind: (typeof kinds)[number],
): Promise<readonly EvidenceLookup[]> {
  const image = parseImageReference(`${name}:v1`);
  const first: EvidenceLookup = { kind: "digest", image };
  if (kind === "digest") return [first, first];
  if (kind === "imageData") return [{ kind, image }];
  const bytes = registry.manifest(name.slice(name.indexOf("/") + 1), "v1") ?? new Uint8Array();
  return [{ kind, repository: name, digest: parseDigest(sha256(bytes)) }];
}

/** INVARIANT of every answer: bytes hash to the digest that named them, and a failure says what it is about. */
function problemIn(lookup: EvidenceLookup, answer: Answer): string | undefined {
  if (!answer.ok)
    return /^[^\n]{10,2000}$/.test(answer.failure.message) ? undefined : "a failure without a message";
  if ("digest" in answer.value)
    return /^sha256:[0-9a-f]{64}$/.test(answer.value.digest) ? undefined : "a bad digest";
  if (lookup.kind === "manifest" && "bytes" in answer.value)
    return sha256(answer.value.bytes) === lookup.digest ? undefined : "a manifest of another digest";
  if (!("candidates" in answer.value)) return undefined;
  for (const candidate of answer.value.candidates) {
    if (candidate.kind === "unreadable") continue;
    const bytes = candidate.kind === "bundle" ? candidate.bytes : candidate.payload;
    if (sha256(bytes) !== candidate.origin.layer)
      return `${candidate.kind} bytes are not ${candidate.origin.layer}`;
  }
  return undefined;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

type Random = () => number;

/** One answer, changed in its status, headers, bytes or structure. */
async function changed(answer: Response, random: Random): Promise<Response> {
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const way = Math.floor(random() * 6);
  if (way === 0)
    return new Response(null, {
      status: [204, 301, 307, 400, 401, 404, 418, 429, 500, 599][Math.floor(random() * 10)] ?? 500,
      headers: strange(headers, random),
    });
  if (way === 1) return new Response(bytes, { status: answer.status, headers: strange(headers, random) });
  const body =
    way === 2
      ? flipped(bytes, random)
      : way === 3
        ? bytes.slice(0, Math.floor(random() * bytes.length))
        : rewritten(bytes, random);
  return new Response(body, { status: answer.status, headers });
}

const headerValues = [
  ["location", "/v2/"],
  ["location", "http://10.0.0.1/"],
  ["location", "//[::1"],
  ["www-authenticate", 'Bearer realm="http://10.0.0.1/token",service="x"'],
  ["www-authenticate", `Basic ${'realm="'.repeat(500)}`],
  ["www-authenticate", "Bearer realm=nonsense"],
  ["link", '<?n=1>; rel="next"'],
  ["link", '</v2/other/referrers/x>; rel="next"'],
  ["content-type", "text/html"],
  ["content-type", "application/vnd.oci.image.index.v1+json"],
  ["content-encoding", "compress"],
  ["retry-after", "-1"],
  ["retry-after", "99999999999999999999"],
  ["docker-content-digest", "sha256:x"],
] as const;

function strange(headers: Headers, random: Random): Headers {
  const [name, value] = headerValues[Math.floor(random() * headerValues.length)] ?? ["x", "y"];
  headers.set(name, value);
  return headers;
}

function flipped(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  for (let i = 0; i < 1 + random() * 4; i++)
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return copy;
}

const strangeValues = [
  null,
  true,
  -1,
  1e308,
  2 ** 60,
  "",
  "sha256:",
  `sha256:${"0".repeat(64)}`,
  "../../etc/passwd",
  [],
  {},
  [[]],
  "application/vnd.dev.sigstore.bundle.v0.3+json",
];

/** The document with one value replaced, one key taken away, or a list repeated. */
function rewritten(bytes: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return flipped(bytes, random);
  }
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const holder = value as Record<string, unknown>; // a list's positions are its keys.
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      visit(holder[key]);
    }
  };
  visit(document);
  const place = places[Math.floor(random() * places.length)];
  if (place !== undefined) {
    const old = place.holder[place.key];
    const repeated = Array.isArray(old) ? Array.from({ length: 150 }, () => old).flat() : undefined;
    if (random() < 0.2) delete place.holder[place.key];
    else place.holder[place.key] = repeated ?? strangeValues[Math.floor(random() * strangeValues.length)];
  }
  return new TextEncoder().encode(JSON.stringify(document));
}

/** mulberry32: small, and equal seeds give equal numbers. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
