import { type Handler, hostFetch } from "@assay/testkit";
import { listen } from "@assay/testkit/parts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askRekor, type RekorLogsOptions, rekorLogs } from "../src/rekor.ts";

const { signal } = new AbortController();
const LOG = "https://rekor.example";
const lookup = (url = LOG, entries = "[]") => ({ kind: "logEntries", url, entries }) as const;

/** A log behind a `fetch`, and what it was asked. */
function logOf(handler: Handler, options: RekorLogsOptions = {}) {
  const asked: Request[] = [];
  const fetch = hostFetch({
    "rekor.example": async (request) => {
      asked.push(request.clone());
      return handler(request);
    },
  });
  return { asked, source: rekorLogs({ fetch, ...options }) };
}

test("the proposed entries are sent as they are, and the log's answer comes back as it is", async () => {
  const { asked, source } = logOf(async () => new Response('[ {"uuid":{"body":"x"}}]'));
  const answer = await source.fetch(lookup(`${LOG}/`, '[{"kind":"hashedrekord"}]'), { signal });
  expect(answer).toEqual({
    ok: true,
    value: { json: '[ {"uuid":{"body":"x"}}]' },
    requests: 1,
    notes: ["transparency log `https://rekor.example/` has 1 entry"],
  });
  const [request] = asked;
  expect([request?.method, request?.url]).toEqual(["POST", `${LOG}/api/v1/log/entries/retrieve`]);
  expect(await request?.text()).toBe('{"entries":[{"kind":"hashedrekord"}]}');
  expect(request?.headers.get("content-type")).toBe("application/json");
});

test.each([
  ["http://rekor.example", "only a log on this machine is asked by plain http"],
  ["ftp://rekor.example", "is no http(s) address"],
  ["rekor.example", "is no http(s) address"],
  ["https://user:secret@rekor.example", "addresses with user info are not asked"],
])("`%s` is not asked: %s", async (url, why) => {
  const { asked, source } = logOf(async () => Response.json([]));
  const answer = await source.fetch(lookup(url), { signal });
  expect(answer).toMatchObject({
    ok: false,
    failure: { code: "unsupported", message: expect.stringContaining(why) },
  });
  expect(asked).toEqual([]);
});

test("a host that was named as insecure is asked by plain http", async () => {
  const { source } = logOf(async () => Response.json([]), { insecureHosts: ["rekor.example"] });
  expect((await source.fetch(lookup("http://rekor.example"), { signal })).ok).toBe(true);
});

test.each([
  [401, "unauthorized"],
  [403, "unauthorized"],
  [429, "rateLimited"],
  [500, "unavailable"],
  [503, "unavailable"],
  [400, "unsupported"],
  [404, "unsupported"],
  [201, "unsupported"],
])("HTTP %i is `%s`, never that there is no entry", async (status, code) => {
  const { source } = logOf(async () => Response.json([], { status }));
  const answer = await source.fetch(lookup(), { signal });
  expect(answer).toMatchObject({ ok: false, failure: { code, status, origin: "rekor.example" } });
});

test.each([
  ["a page", "<html>"],
  ["an object", "{}"],
  ["nothing", ""],
])("%s is no answer of a log", async (_, body) => {
  const { source } = logOf(async () => new Response(body));
  const answer = await source.fetch(lookup(), { signal });
  expect(answer).toMatchObject({ ok: false, failure: { code: "unavailable", status: 200 } });
});

test("an answer that is too long is cut off", async () => {
  const { source } = logOf(async () => new Response(`["${"x".repeat(100)}"]`), { maxBytes: 100 });
  const answer = await source.fetch(lookup(), { signal });
  expect(answer).toMatchObject({ ok: false, failure: { code: "tooLarge" } });
});

test("an aborted lookup rejects with the reason", async () => {
  const controller = new AbortController();
  const { source } = logOf(() => new Promise(() => {}));
  const pending = source.fetch(lookup(), { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(pending).rejects.toThrow("enough");
});

describe("asking again", () => {
  test("entries that were found are kept, that there is none is not", async () => {
    const answers = ["[]", '[{"a":{}}]', "[]"];
    const { asked, source } = logOf(async () => new Response(answers.shift()));
    const found = [];
    for (let i = 0; i < 4; i++) found.push(await source.fetch(lookup(), { signal }));
    expect(found.map((one) => one.ok && one.value.json)).toEqual([
      "[]",
      '[{"a":{}}]',
      '[{"a":{}}]',
      '[{"a":{}}]',
    ]);
    expect(found.map(({ requests }) => requests)).toEqual([1, 1, 0, 0]);
    expect(asked).toHaveLength(2);
  });

  test("equal questions at one time are one request; another log or other entries are another", async () => {
    const { asked, source } = logOf(async () => Response.json([]));
    await Promise.all([lookup(), lookup(), lookup(LOG, "[1]")].map((one) => source.fetch(one, { signal })));
    expect(asked).toHaveLength(2);
  });
});

describe("over HTTP", () => {
  let log: Awaited<ReturnType<typeof listen>>;
  let other: Awaited<ReturnType<typeof listen>>;
  const reached: string[] = [];
  beforeAll(async () => {
    other = await listen(async (request) => {
      reached.push(request.url);
      return Response.json([]);
    });
    log = await listen(async ({ url }) => {
      if (url.includes("/moved")) return Response.redirect(`${other.url}/`, 307);
      return Response.json([{ uuid: {} }]);
    });
  });
  afterAll(async () => {
    await Promise.all([log.close(), other.close()]);
  });

  test("a log on this machine is asked without TLS", async () => {
    expect(await rekorLogs().fetch(lookup(log.url), { signal })).toMatchObject({ ok: true, requests: 1 });
  });

  test("no redirect is followed, of a search or of a single entry", async () => {
    const answer = await rekorLogs().fetch(lookup(`${log.url}/moved`), { signal });
    expect(answer).toMatchObject({ ok: false, failure: { code: "unavailable", status: 307 } });
    const single = askRekor({ url: `${log.url}/moved`, path: "/api/v1/log/entries/1", signal });
    await expect(single).rejects.toMatchObject({ code: "unavailable", status: 307 });
    expect(reached).toEqual([]);
  });

  test("a log that is not there is `unavailable`, without a status", async () => {
    const answer = await rekorLogs().fetch(lookup("http://127.0.0.1:9"), { signal });
    expect(answer).toMatchObject({ ok: false, failure: { code: "unavailable" } });
    expect(answer.ok || answer.failure.status).toBeUndefined();
  });
});
