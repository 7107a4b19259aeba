import { createHash } from "node:crypto";
import type { RegistryAccess } from "@assay/engine";
import { isFields, own, parseObject, text } from "../oci/manifest.ts";
import { SourceError } from "../source-error.ts";
import type { Challenge } from "./challenge.ts";
import {
  type Credential,
  type CredentialProvider,
  type FoundCredential,
  findCredential,
} from "./credential.ts";
import { digestMemory } from "./digest-memory.ts";
import { type ExchangeOptions, exchange, type Incoming } from "./exchange.ts";
import { isListed } from "./host-names.ts";
import { checkCrossing, type Reach, sameHostname } from "./redirects.ts";
import type { Location } from "./registry-host.ts";
import { retryAfter } from "./retry.ts";
import { type SharedWork, singleFlight } from "./single-flight.ts";

export interface AuthenticatorOptions {
  readonly credentials: readonly CredentialProvider[];
  /** Token servers that may receive a registry's credentials though they are another host: registry host → hosts. */
  readonly tokenHosts: ReadonlyMap<string, readonly string[]>;
  readonly exchange: ExchangeOptions;
}

/** Who asks, and on whose behalf. */
export interface Asking {
  readonly location: Location;
  readonly access: RegistryAccess | undefined;
  /** False where the connection is not worth credentials (plain http that only a policy allowed). */
  readonly mayUseCredentials: boolean;
  readonly signal: AbortSignal;
  readonly count: () => void;
  readonly note: (text: string) => void;
}

export interface Authenticator {
  /** The `authorization` header that this host is known to want; undefined: none is known (yet). */
  header(asking: Asking): Promise<string | undefined>;
  /** Learns how `from` wants to be authorized, and forgets what it just refused. */
  learn(asking: Asking, from: URL, challenge: Challenge, refused: string | undefined): void;
}

interface Realm {
  readonly challenge: Challenge;
  readonly from: URL;
}

const tokenBytes = 1024 * 1024;
/** Of what is remembered of each kind: thousands of ordinary tokens. */
const maxBytes = 4 * 1024 * 1024;
/** Milliseconds for which it is remembered that no pull secret has a login. */
const absenceMs = 5000;
const dockerRealms: readonly string[] = ["auth.docker.io"];

/**
 * Authorizes requests: Basic, or Bearer tokens from the registry's realm, which are reused for all requests to one
 * repository until shortly before they expire. INVARIANT: a credential goes only to the host it was given for, to that
 * host's own token server, or to one listed for it; tokens are kept apart by repository and credential.
 */
export function authenticator(options: AuthenticatorOptions): Authenticator {
  const realms = digestMemory<Realm>({ maxBytes, ttlMs: 3_600_000, sizeOf: charactersIn });
  const credentials = credentialMemory(options);
  const tokens = digestMemory<string>({ maxBytes, sizeOf: charactersIn });
  const flights = singleFlight<string>();

  async function bearer(asking: Asking, realm: Realm & { challenge: { scheme: "bearer" } }): Promise<string> {
    const credential = await credentials.find(asking);
    if (credential?.kind === "bearer") return `Bearer ${headerSafe(credential.token, asking)}`;
    const key = [realm.challenge, asking.location, fingerprint(credential)];
    const known = tokens.get(key);
    if (known !== undefined) return known;
    const { value } = await flights(JSON.stringify(key), { signal: asking.signal }, async ({ signal }) => {
      const fetched = await fetchToken({ ...asking, signal }, realm, credential, options);
      const header = `Bearer ${fetched.token}`;
      if (fetched.lifetimeMs > 0) tokens.set(key, header, fetched.lifetimeMs);
      return header;
    });
    return value;
  }

  return {
    async header(asking) {
      const realm = realms.get(realmKey(asking));
      if (realm === undefined) return undefined;
      if (realm.challenge.scheme === "bearer")
        return bearer(asking, { ...realm, challenge: realm.challenge });
      const credential = await credentials.find(asking);
      if (credential?.kind === "basic") return basic(credential);
      return credential?.kind === "bearer" ? `Bearer ${headerSafe(credential.token, asking)}` : undefined;
    },
    learn(asking, from, challenge, refused) {
      realms.set(realmKey(asking), { challenge, from });
      if (refused === undefined) return;
      credentials.forget(asking);
      tokens.forget((header) => header === refused);
    },
  };
}

/** The credentials that askers have, which are found out once a minute. */
interface CredentialMemory {
  find(asking: Asking): Promise<Credential | undefined>;
  forget(asking: Asking): void;
}

function credentialMemory(options: AuthenticatorOptions): CredentialMemory {
  const kept = digestMemory<FoundCredential>({
    maxBytes,
    ttlMs: 60_000,
    sizeOf: charactersIn,
    now: options.exchange.now,
  });
  const flights = singleFlight<FoundCredential>();
  return {
    forget: (asking) => kept.delete(credentialKey(asking)),
    async find(asking) {
      const { location, access, signal } = asking;
      if (!asking.mayUseCredentials) {
        asking.note(
          `no credentials were sent to \`${location.host}\`: plain http is allowed by the policy only`,
        );
        return undefined;
      }
      const key = credentialKey(asking);
      const request = { registry: location.registry, repository: location.path, access };
      const find = async (shared: SharedWork): Promise<FoundCredential> => {
        const fresh = await findCredential(options.credentials, request, shared.signal);
        // A pull secret that is missing is often made the next moment, by who saw the denial.
        const isAwaited = fresh.credential === undefined && (access?.pullSecrets.length ?? 0) > 0;
        kept.set(key, fresh, isAwaited ? absenceMs : undefined);
        return fresh;
      };
      // Lookups of one image are refused together: their helper is run, and their Secrets are read, once.
      const found = kept.get(key) ?? (await flights(JSON.stringify(key), { signal }, find)).value;
      for (const note of found.notes) asking.note(note);
      return found.credential;
    },
  };
}

/** What came by plain http may be anybody's word: a realm of that sort must not be sent what https is trusted with. */
function realmKey({ location, mayUseCredentials }: Asking): readonly unknown[] {
  return [location.host, mayUseCredentials];
}

function credentialKey({ location, access }: Asking): readonly unknown[] {
  return [location.registry, location.path, access?.providers, access?.pullSecrets];
}

/** Bytes of a value in memory, or more. */
function charactersIn(value: unknown): number {
  return 2 * JSON.stringify(value).length;
}

interface Token {
  readonly token: string;
  readonly lifetimeMs: number;
}

async function fetchToken(
  asking: Asking,
  { challenge, from }: Realm & { challenge: { scheme: "bearer" } },
  credential: Credential | undefined,
  options: AuthenticatorOptions,
): Promise<Token> {
  const realm = realmOf(challenge.realm, from);
  const reach = await checkCrossing(from, realm, options.exchange.borders, {
    code: "unauthorized",
    status: 401,
  });
  if (credential !== undefined && !mayReceive(realm, from, asking.location, options)) {
    const message =
      `\`${from.host}\` wants its credentials sent to \`${realm.host}\`, which was refused: ` +
      `if that is its token server, \`--token-host REGISTRY=HOST\` or \`tokenHosts\` allows it`;
    throw new SourceError("unauthorized", message, { origin: from.host, status: 401 });
  }
  const scope = `repository:${asking.location.path}:pull`;
  const request = { realm, scope, service: challenge.service, credential, reach };
  const incoming = await requestToken(asking, request, options).catch((error: unknown) => {
    if (!(error instanceof SourceError) || error.code !== "tooLarge") throw error;
    // Its size says something of the token server, nothing of the evidence.
    throw new SourceError("unavailable", error.message, { origin: realm.host, status: 200, cause: error });
  });
  return tokenIn(incoming, asking, options.exchange.now());
}

interface TokenRequest {
  readonly realm: URL;
  readonly scope: string;
  readonly service: string | undefined;
  readonly credential: Credential | undefined;
  readonly reach: Reach | undefined;
}

function requestToken(
  asking: Asking,
  request: TokenRequest,
  options: AuthenticatorOptions,
): Promise<Incoming> {
  const { realm, scope, service, credential, reach } = request;
  const common = { reach, limit: tokenBytes, signal: asking.signal, count: asking.count };
  if (credential?.kind === "identityToken") {
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: credential.token, scope });
    form.set("client_id", "assay");
    if (service !== undefined) form.set("service", service);
    const body = { type: "application/x-www-form-urlencoded", text: form.toString() };
    return exchange({ ...common, url: realm, headers: {}, body }, options.exchange);
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope);
  const headers = credential?.kind === "basic" ? { authorization: basic(credential) } : undefined;
  return exchange({ ...common, url, headers: headers ?? {} }, options.exchange);
}

function tokenIn(incoming: Incoming, asking: Asking, now: number): Token {
  const origin = incoming.url.host;
  if (incoming.status !== 200) {
    const code =
      incoming.status === 429 ? "rateLimited" : incoming.status >= 500 ? "unavailable" : "unauthorized";
    const message = `the token server \`${origin}\` of \`${asking.location.host}\` answered ${incoming.status}`;
    const retryAfterMs = retryAfter(incoming.headers.get("retry-after"), now);
    throw new SourceError(code, message, { origin, status: incoming.status, retryAfterMs });
  }
  const answer = parseObject(incoming.bytes);
  const token = isFields(answer)
    ? (text(own(answer, "token")) ?? text(own(answer, "access_token")))
    : undefined;
  if (answer === undefined || token === undefined || token === "") {
    throw new SourceError("unavailable", `the token server \`${origin}\` sent no token`, {
      origin,
      status: 200,
    });
  }
  const seconds = Number(own(answer, "expires_in") ?? 60);
  // A token about to expire would be refused on its way: it is renewed ten seconds before, or used once.
  const lifetimeMs = Number.isFinite(seconds) ? Math.min(seconds - 10, 3600) * 1000 : 0;
  return { token: headerSafe(token, asking), lifetimeMs };
}

/** A token with CR, LF or spaces would write headers of its own. */
function headerSafe(token: string, asking: Asking): string {
  if (/^[\x21-\x7e]{1,65536}$/.test(token)) return token;
  const origin = asking.location.host;
  throw new SourceError("unauthorized", `the token for \`${origin}\` has characters that no token has`, {
    origin,
  });
}

function realmOf(realm: string, from: URL): URL {
  if (URL.canParse(realm)) return new URL(realm);
  // Not in its words: they may be those of a challenge to what we sent.
  const message = `what \`${from.host}\` names as its token server is no address`;
  throw new SourceError("unauthorized", message, { origin: from.host, status: 401 });
}

/** Same host, its parent or child domain (registry.gitlab.com, gitlab.com), Docker Hub's own, or listed. */
function mayReceive(realm: URL, from: URL, location: Location, options: AuthenticatorOptions): boolean {
  if (sameHostname(realm, from)) return true;
  const listed = options.tokenHosts.get(location.registry) ?? options.tokenHosts.get(location.host) ?? [];
  if (isListed(listed, realm)) return true;
  if (realm.protocol !== "https:") return false;
  if (location.registry === "docker.io") return dockerRealms.includes(realm.host);
  return isDomainOf(realm.hostname, from.hostname) || isDomainOf(from.hostname, realm.hostname);
}

/** INVARIANT: compares whole labels: `azurecr.io.evil` and `notazurecr.io` are no parents of `a.azurecr.io`. */
function isDomainOf(parent: string, child: string): boolean {
  return parent.includes(".") && child.endsWith(`.${parent}`);
}

function basic(credential: Credential & { kind: "basic" }): string {
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString("base64")}`;
}

/** Tells credentials apart in cache keys without keeping them there. */
function fingerprint(credential: Credential | undefined): string {
  return credential === undefined
    ? ""
    : createHash("sha256").update(JSON.stringify(credential)).digest("hex");
}
