import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseDigest } from "@assay/image";
import { kubernetesContext } from "@assay/sources/cluster";
import { type Credential, givenCredentials } from "@assay/sources/credentials";
import { kmsKeys } from "@assay/sources/kms";
import { type RequestEvent, registrySource } from "@assay/sources/registry";
import { type Handler, hostFetch } from "@assay/testkit";
import { expect, test } from "vitest";
import { ask } from "./fixtures.ts";

const signal = new AbortController().signal;
const user = { username: "robot", password: 'p"ss +w/ord=' };
const pair = `${user.username}:${user.password}`;
const encoded = Buffer.from(pair).toString("base64");
const token = "tOkEn-1234567890";

/** In every spelling that is looked for. */
const spellings = [encoded, pair, user.password, token]
  .flatMap((one) => [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)])
  .flatMap((one) => [one, one.toLowerCase()]);

/** Whether what people may read has any of it. */
function secretsIn(...read: readonly unknown[]): readonly string[] {
  const text = read.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n");
  return spellings.filter((one) => text.includes(one));
}

type Echo = (sent: string) => Response;

const basicChallenge = { "www-authenticate": 'Basic realm="r"' };
const bearerChallenge = { "www-authenticate": 'Bearer realm="https://r.example/token"' };
const refused = (words: string): Response =>
  Response.json({ errors: [{ code: "DENIED", message: words }] }, { status: 418 });
const led = (location: string): Response => new Response(null, { status: 307, headers: { location } });
const listed = (link: string): Response =>
  Response.json({ schemaVersion: 2, manifests: [] }, { headers: { link } });

const echoes: readonly (readonly [string, Echo])[] = [
  ["its words", refused],
  ["its words, in long ones", (sent) => refused(`${"x".repeat(190)}${sent}`)],
  ["words of 206", (sent) => Response.json({ errors: [{ message: sent }] }, { status: 206 })],
  ["an address of its own", (sent) => led(`/${encodeURIComponent(sent)}`)],
  ["an address elsewhere", (sent) => led(`https://cdn.example/${encodeURIComponent(sent)}?${sent}`)],
  ["what is no address", (sent) => led(`https://[${encodeURIComponent(sent)}]/`)],
  [
    "a realm that is none",
    (sent) =>
      new Response(null, {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${encodeURIComponent(sent)}"` },
      }),
  ],
  ["a page elsewhere", (sent) => listed(`<https://evil.example/${encodeURIComponent(sent)}>; rel=next`)],
  ["a page that is none", (sent) => listed(`next ${encodeURIComponent(sent)}`)],
  ["a page of its own", (sent) => listed(`</v2/team/app/referrers/${encodeURIComponent(sent)}>; rel=next`)],
];

const credentials: Readonly<Record<string, Credential>> = {
  password: { kind: "basic", ...user },
  "identity token": { kind: "identityToken", token },
  "bearer token": { kind: "bearer", token },
};

for (const [whose, credential] of Object.entries(credentials)) {
  test.each(echoes)(`a ${whose} that a registry repeats in %s is told to nobody`, async (_, echo) => {
    const { answer, events } = await asked(credential, echo);
    expect(secretsIn(answer, events)).toEqual([]);
    expect(events.length).toBeGreaterThan(1);
  });
}

test("a page whose address repeats them is not asked for: the next request may have other ones", async () => {
  const { answer, events } = await asked({ kind: "bearer", token }, (sent) =>
    listed(`</v2/team/app/referrers/x?${encodeURIComponent(sent)}>; rel=next`),
  );
  expect(JSON.stringify(answer)).toContain("repeats the credentials that it was sent");
  expect(events).toHaveLength(2);
});

test("the rest of its words is told", async () => {
  const { answer } = await asked({ kind: "basic", ...user }, (sent) => refused(`no such user: ${sent}`));
  expect(JSON.stringify(answer)).toContain("(it says: DENIED: no such user: [secret] [secret])");
});

test("a token that Vault or a service repeats is told to nobody", async () => {
  const server = createServer(({ headers, url }, outgoing) => {
    const sent = `${headers["x-vault-token"] ?? headers.authorization}`;
    outgoing.writeHead(403, { "content-type": "application/json" });
    outgoing.end(JSON.stringify({ errors: [`bad ${sent}`], message: `bad ${sent} for ${url}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const vault = kmsKeys({ env: { VAULT_ADDR: address, VAULT_TOKEN: token } });
  const key = await vault.fetch({ kind: "kmsKey", reference: "hashivault://cosign" }, { signal });
  const headers = [{ key: "Authorization", value: `Bearer ${token}` }];
  const call = { kind: "apiCall", method: "GET", url: `${address}/check`, headers } as const;
  const service = await kubernetesContext().fetch<"apiCall">(call, { signal });
  server.close();
  server.closeAllConnections();
  expect([key, service].map((answer) => !answer.ok && answer.failure.message)).toEqual([
    expect.stringMatching(/: bad \[secret\]$/),
    expect.stringContaining(": bad Bearer [secret] for /check"),
  ]);
});

/** Lists referrers at a registry that says back in its own way what it is sent, as it stands and decoded. */
async function asked(credential: Credential, echo: Echo) {
  const events: RequestEvent[] = [];
  const registry: Handler = async (request) => {
    const sent = request.headers.get("authorization") ?? "";
    if (request.url.endsWith("/token"))
      return Response.json({ token: (await request.text()) === "" ? "" : token });
    if (sent === "") {
      const headers = credential.kind === "basic" ? basicChallenge : bearerChallenge;
      return new Response(null, { status: 401, headers });
    }
    const bare = sent.replace(/^\w+ /, "");
    return echo(credential.kind === "basic" ? `${bare} ${Buffer.from(bare, "base64")}` : bare);
  };
  const cdn: Handler = async () => new Response(null, { status: 404 });
  const source = registrySource({
    fetch: hostFetch({ "r.example": registry, "cdn.example": cdn }),
    resolve: async () => ["1.1.1.1"],
    retry: { attempts: 1 },
    credentials: [givenCredentials({ "r.example": credential })],
    onRequest: (event) => void events.push(event),
  });
  const digest = parseDigest(`sha256:${"0".repeat(64)}`);
  const answer = await ask(source, { kind: "referrers", repository: "r.example/team/app", digest });
  return { answer, events };
}
