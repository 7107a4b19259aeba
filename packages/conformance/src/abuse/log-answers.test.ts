import type { Handler } from "@assay/testkit";
import { createRekor, rekorAnswer, trustedRootOf } from "@assay/testkit/parts";
import { describe, expect, test } from "vitest";
import { type AbuseCase, abuseCases } from "./cases.ts";
import { answering, askedElsewhere, entryOf, judgeWith, RETRIEVE, unannotated } from "./log-lookup-world.ts";
import { policyKey, sigstore, strangerKey } from "./world.ts";

const { rekor } = sigstore;

/** The log's answer with one entry that is not what was asked for. */
function foreign(options: Parameters<typeof unannotated>[1], signer = policyKey): Handler {
  return answering([rekorAnswer(entryOf(options, signer).entry)]);
}

describe("what a log, or somebody in its place, may answer", () => {
  const honest = entryOf();
  const answered = rekorAnswer(honest.entry);
  const [[uuid = "", value] = []] = Object.entries(answered);
  const altered = (change: Readonly<Record<string, unknown>>): unknown => [
    { [uuid]: { ...(value as object), ...change } },
  ];
  const judge = (body: unknown): ReturnType<typeof judgeWith> => judgeWith(answering(body), honest.made);
  const withProof = (change: Readonly<Record<string, unknown>>): unknown => {
    const { entry } = entryOf({ logEvidence: "both" });
    const [[, made] = []] = Object.entries(rekorAnswer({ ...entry }));
    const { verification } = made as { verification: { inclusionProof?: object } };
    return altered({
      verification: { ...verification, inclusionProof: { ...verification.inclusionProof, ...change } },
    });
  };
  const second = createRekor({ clock: sigstore.clock, host: "second.testkit.example" });
  abuseCases([
    { name: "62 the very entry", judge: () => judge([answered]), want: "allowed" },
    { name: "62 nothing", judge: () => judge([]), code: "logMissing" },
    {
      name: "62 the genuine entry of another artifact by the same key",
      judge: () =>
        judgeWith(
          foreign({ edit: { payload: (claim) => ({ ...claim, optional: { a: "b" } }) } }),
          honest.made,
        ),
      code: "logMismatch",
    },
    {
      name: "62 the genuine entry of the same artifact by another key",
      judge: () => judgeWith(foreign({}, strangerKey), honest.made),
      code: "logMismatch",
    },
    {
      name: "62 a genuine foreign entry under the name of the right one",
      judge: () => judge([{ [uuid]: Object.values(rekorAnswer(entryOf({}, strangerKey).entry))[0] }]),
      code: "logMismatch",
    },
    {
      name: "62 the right entry under another name",
      judge: () => judge([{ [`${uuid.slice(0, -1)}${uuid.endsWith("0") ? "1" : "0"}`]: value }]),
      code: "logMismatch",
    },
    {
      name: "62 the right entry and a foreign one",
      judge: () => judge([answered, rekorAnswer(entryOf({}, strangerKey).entry)]),
      code: "logMismatch",
    },
    {
      name: "62 the same entry of a log that nobody trusts",
      judge: () => {
        const { made, entry } = entryOf({ log: second });
        return judgeWith(answering([rekorAnswer(entry)]), made);
      },
      code: "logMismatch",
    },
    {
      name: "62 another time than was promised",
      judge: () => judge(altered({ integratedTime: 1 })),
      code: "logMismatch",
    },
    {
      name: "62 another log's id",
      judge: () => judge(altered({ logID: "00".repeat(32) })),
      code: "logMismatch",
    },
    {
      name: "62 a promise of nobody",
      judge: () => judge(altered({ verification: {} })),
      code: "logMismatch",
    },
    {
      name: "62 an entry without a body",
      judge: () => judge(altered({ body: undefined })),
      code: "malformed",
    },
    { name: "62 a body that is not base64", judge: () => judge(altered({ body: "%%" })), code: "malformed" },
    {
      name: "62 a time that is text",
      judge: () => judge(altered({ integratedTime: "1" })),
      code: "malformed",
    },
    { name: "62 a list of numbers", judge: () => judge([1, 2]), code: "malformed" },
    { name: "62 an entry that is a number", judge: () => judge([{ [uuid]: 1 }]), code: "malformed" },
    {
      name: "62 ten thousand entries",
      judge: () => judge(Array.from({ length: 10_000 }, () => ({ [uuid]: {} }))),
      code: "tooMany",
    },
    {
      name: "62 33 entries under one roof",
      judge: () => judge([Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`${i}${uuid}`, value]))]),
      code: "tooMany",
    },
    {
      name: "62 an inclusion proof of another tree",
      judge: () => judge(withProof({ rootHash: "00".repeat(32) })),
      code: "logMismatch",
    },
    {
      name: "62 an inclusion proof with a negative index",
      judge: () => judge(withProof({ logIndex: -1 })),
      code: "malformed",
    },
    {
      name: "62 an inclusion proof with ten thousand hashes",
      judge: () => judge(withProof({ hashes: Array.from({ length: 10_000 }, () => "00".repeat(32)) })),
      code: "malformed",
    },
    {
      name: "62 five megabytes",
      judge: () => judgeWith(answering(" ".repeat(5 << 20)), honest.made),
      code: "tooLarge",
    },
  ]);
});

describe("a log that cannot be asked is no log without the entry", () => {
  const hanging: Request[] = [];
  const cases: readonly (readonly [string, Handler, AbuseCase["code"]])[] = [
    ["401", answering({}, { status: 401 }), "unauthorized"],
    ["403", answering({}, { status: 403 }), "unauthorized"],
    ["429", answering({}, { status: 429 }), "rateLimited"],
    ["500", answering({}, { status: 500 }), "unavailable"],
    ["400, which no entry at all would explain", answering({}, { status: 400 }), "unavailable"],
    ["404, as a log of another version does", answering({}, { status: 404 }), "unavailable"],
    ["204", async () => new Response(null, { status: 204 }), "unavailable"],
    ["a login page", answering("<html>", { headers: { "content-type": "text/html" } }), "unavailable"],
    ["an object", answering({ entries: [] }), "unavailable"],
    // Held, since Node forgets to abort a request that nothing holds.
    ["nothing, ever", (request) => new Promise(() => hanging.push(request)), "timeout"],
    ["no connection", async () => Promise.reject(new TypeError("fetch failed")), "unavailable"],
  ];
  abuseCases(
    cases.map(([what, log, code]) => ({
      name: `62 ${what}`,
      judge: () => judgeWith(log),
      want: "error",
      ...(code === undefined ? {} : { code }),
    })),
  );

  test("91 the reason is never that nobody signed: error", async () => {
    for (const [, log] of cases.slice(0, 9)) {
      const { codes } = await judgeWith(log);
      expect(codes).not.toContain("logMissing");
      expect(codes).not.toContain("notSigned");
    }
  });

  test.each([301, 302, 303, 307, 308])("62 a redirect (%i) is not followed: error", async (status) => {
    const elsewhere: string[] = [];
    const log = answering("", {
      status,
      headers: { location: "https://elsewhere.example/api/v1/log/entries/retrieve" },
    });
    const judged = await judgeWith(log, unannotated(), {
      hosts: {
        "elsewhere.example": async (request) => {
          elsewhere.push(request.url);
          return rekor.handle(request);
        },
      },
    });
    expect(judged.outcome).toBe("error");
    expect(judged.codes).toContain("unavailable");
    expect(elsewhere).toEqual([]);
  });

  test.each([
    ["no connection opens", async () => Promise.reject(new TypeError("fetch failed")), true],
    ["a refusal by HTTP does not open", answering({}, { status: 503 }), false],
    ["too long an answer does not open", answering(" ".repeat(5 << 20)), false],
  ] as const)("62 %s a policy that says `Ignore`", async (_, log, allowed) => {
    const { verdict } = await judgeWith(log, unannotated(), { failurePolicy: "Ignore" });
    expect(verdict.allowed).toBe(allowed);
    expect(verdict.outcome).not.toBe("pass");
  });

  test("62 one log is down and the other has the entry: allowed; and both are asked", async () => {
    const second = createRekor({ clock: sigstore.clock, host: "second.testkit.example" });
    const trust = JSON.stringify(
      trustedRootOf({
        authorities: [sigstore.fulcio.chain],
        logs: [second, rekor, sigstore.rekorV2],
        ctLogs: [sigstore.ctLog],
        timestampAuthorities: [],
      }),
    );
    const attestors = `{ keys: { publicKeys: ${JSON.stringify(policyKey.pem)} } }`;
    const down = answering({}, { status: 503 });
    const hosts = { "second.testkit.example": down };
    const judged = await judgeWith(rekor.handle, unannotated(), { trust, attestors, hosts });
    expect(judged.outcome, judged.messages.join("\n")).toBe("allowed");
    expect(askedElsewhere(judged).toSorted()).toEqual(
      [RETRIEVE, RETRIEVE.replace("rekor.", "second.")].toSorted(),
    );
    const without = await judgeWith(answering([]), unannotated(), { trust, attestors, hosts });
    expect(without.outcome).toBe("error");
  });
});
