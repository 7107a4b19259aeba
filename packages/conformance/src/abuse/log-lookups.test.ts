import {
  createSigstore,
  type Handler,
  image,
  type LogRequest,
  predicate,
  type TestImage,
} from "@assay/testkit";
import { createRekor, GITHUB_ISSUER, GITHUB_SUBJECT, rekorAnswer } from "@assay/testkit/parts";
import { describe, expect, test } from "vitest";
import { abuseCases } from "./cases.ts";
import { engineOf, judgePod, keyYaml, type WorldOptions, world } from "./engine-world.ts";
import {
  answering,
  askedElsewhere,
  entryOf,
  judgeWith,
  KEYLESS,
  loggedKeyYaml,
  RETRIEVE,
  unannotated,
  withoutEntry,
} from "./log-lookup-world.ts";
import { byLoggedKey, judgeSignature, policyKey, sigstore, strangerKey } from "./world.ts";

const { rekor } = sigstore;
const LOG_HOST = new URL(rekor.baseUrl).host;
const minutes = (count: number): Date => new Date(sigstore.clock().getTime() + count * 60_000);

describe("an entry that the log has", () => {
  test.each([
    ["a claim by a key", () => unannotated(), {}],
    ["a claim by a certificate", () => unannotated(sigstore.identity()), { attestors: KEYLESS }],
    [
      "a claim by SHA-384",
      () => unannotated(policyKey, { hash: "sha384" }),
      { attestors: `${loggedKeyYaml().slice(0, -3)}, signatureAlgorithm: sha384 } }` },
    ],
  ] as const)("62 %s: allowed, and the log was asked once", async (_, made, options) => {
    const judged = await judgeWith(rekor.handle, made(), options);
    expect(judged.outcome, judged.messages.join("\n")).toBe("allowed");
    expect(askedElsewhere(judged)).toEqual([RETRIEVE]);
    expect(judged.verdict.results[0]?.outcome).toBe("pass");
  });

  test.each(["dsse", "intoto001"] as const)(
    "62 an attestation by a key, logged as %s: allowed",
    async (entryKind) => {
      const type = "https://example.org/build/v1";
      const made = image()
        .signedBy(policyKey, { log: rekor })
        .using({ log: rekor, entryKind, edit: withoutEntry })
        .attestedBy(policyKey, predicate(type, { version: "1" }));
      const entry = ["attestations:", `  - { type: "${type}" }`];
      const judged = await judgeWith(rekor.handle, made, { entry });
      expect(judged.outcome, judged.messages.join("\n")).toBe("allowed");
      expect(askedElsewhere(judged)).toEqual([RETRIEVE]);
    },
  );

  abuseCases([
    {
      name: "67 an entry of a certificate that had expired",
      judge: () =>
        judgeWith(rekor.handle, unannotated(sigstore.identity(), { at: minutes(11) }), {
          attestors: KEYLESS,
        }),
      code: "logMismatch",
    },
    {
      name: "55 an entry of the future",
      judge: () => judgeWith(rekor.handle, unannotated(policyKey, { at: minutes(6) })),
      code: "logMismatch",
    },
    {
      name: "63 an entry of the policy's own log",
      judge: () => {
        const own = createRekor({ clock: sigstore.clock, host: "own.testkit.example" });
        const yaml = `{ url: "https://own.testkit.example", pubkey: ${JSON.stringify(own.key.pem)} }`;
        return judgeWith(rekor.handle, unannotated(policyKey, { log: own }), {
          attestors: loggedKeyYaml(yaml),
          hosts: { "own.testkit.example": own.handle },
        });
      },
      want: "allowed",
    },
    {
      name: "63 an entry of the trust root's log where the policy gives a key of its own",
      judge: () => {
        const own = createRekor({ clock: sigstore.clock, host: "own.testkit.example" });
        const yaml = `{ url: "https://own.testkit.example", pubkey: ${JSON.stringify(own.key.pem)} }`;
        return judgeWith(rekor.handle, unannotated(), {
          attestors: loggedKeyYaml(yaml),
          hosts: { "own.testkit.example": rekor.handle },
        });
      },
      code: "logMismatch",
    },
  ]);

  test("62 an attestation that was logged again after its certificate had expired counts by the first time: allowed", async () => {
    const type = "https://example.org/build/v1";
    const signer = sigstore.identity({ at: minutes(-60) });
    let asked: LogRequest | undefined;
    const logRequest = (request: LogRequest): LogRequest => {
      asked = request;
      return request;
    };
    const at = minutes(-59);
    const made = image()
      .signedBy(signer, { at })
      .using({ at, edit: { ...withoutEntry, logRequest } })
      .attestedBy(signer, predicate(type, {}));
    if (asked !== undefined) rekor.record({ ...asked, entryKind: "intoto001" }, { at: minutes(-5) });
    const entry = ["attestations:", `  - { type: "${type}" }`];
    const judged = await judgeWith(rekor.handle, made, { attestors: KEYLESS, entry });
    expect(judged.outcome, judged.messages.join("\n")).toBe("allowed");
    const times = JSON.stringify(judged.verdict.trace).match(/log \d{4}-[^"]+/g);
    expect(new Set(times)).toEqual(new Set([`log ${at.toISOString()}`]));
  });
});

describe("when nobody is asked", () => {
  test("62 the caller did not ask for it: denied, and the reason says how to", async () => {
    const registry = world();
    const { byDigest } = unannotated().pushTo(registry);
    const judged = await judgePod(registry, byDigest, {
      attestors: loggedKeyYaml(),
      hosts: { [LOG_HOST]: rekor.handle },
    });
    expect(judged.outcome).toBe("denied");
    expect(judged.verdict.results.map(({ code }) => code)).toEqual(["logMissing"]);
    expect(judged.verdict.results[0]?.message).toContain(
      "the log was not asked (`logLookup: whenMissing` asks it)",
    );
    expect(askedElsewhere(judged)).toEqual([]);
  });

  const stranger = createSigstore().identity({ subject: GITHUB_SUBJECT, issuer: GITHUB_ISSUER });
  const other = sigstore.identity({
    subject: "https://github.com/evil/app/.github/workflows/x.yml@refs/heads/main",
  });
  test.each<[string, () => TestImage, WorldOptions, "allowed" | "denied"]>([
    ["a policy that ignores the log", () => unannotated(), { attestors: keyYaml() }, "allowed"],
    ["a signature that brings its entry", () => image().signedBy(policyKey, { log: rekor }), {}, "allowed"],
    ["another key's signature", () => unannotated(strangerKey), {}, "denied"],
    ["another identity's signature", () => unannotated(other), { attestors: KEYLESS }, "denied"],
    ["the right name by another authority", () => unannotated(stranger), { attestors: KEYLESS }, "denied"],
    ["a bundle without an entry", () => image().signedBy(policyKey, { format: "bundle-v0.3" }), {}, "denied"],
    [
      "one signer of two, of whom one suffices, whose entry came along",
      () => unannotated().signedBy(strangerKey, { log: rekor }),
      { attestors: oneOf(loggedKeyYaml(), loggedKeyYaml(undefined, strangerKey.pem)) },
      "allowed",
    ],
  ])("62 %s: nothing is asked of the log", async (_, made, options, want) => {
    const judged = await judgeWith(rekor.handle, made(), options);
    expect(judged.outcome, judged.messages.join("\n")).toBe(want);
    expect(askedElsewhere(judged)).toEqual([]);
  });
});

/** One of these entries suffices. */
function oneOf(...entries: readonly string[]): string {
  return `{ attestor: { count: 1, entries: [${entries.join(", ")}] } }`;
}

describe("how often a log is asked", () => {
  test("62 the same question of two containers, two sets and two evaluations is asked once: allowed", async () => {
    const registry = world();
    const { byDigest, reference } = unannotated().pushTo(registry);
    const attestors = `${loggedKeyYaml()}, ${loggedKeyYaml(`{ url: "${rekor.baseUrl}", ignoreTlog: false }`)}`;
    const evaluate = engineOf(registry, {
      attestors,
      logLookup: "whenMissing",
      hosts: { [LOG_HOST]: rekor.handle },
    });
    const first = await evaluate([byDigest, reference]);
    expect(first.outcome, first.messages.join("\n")).toBe("allowed");
    expect(askedElsewhere(first)).toEqual([RETRIEVE]);
    expect(askedElsewhere(await evaluate(byDigest))).toEqual([]);
  });

  test("92 that the log had nothing is not remembered: denied, then allowed", async () => {
    const registry = world();
    const { made, entry } = entryOf();
    const { byDigest } = made.pushTo(registry);
    const answers: unknown[][] = [[], [rekorAnswer(entry)]];
    const log: Handler = async () => Response.json(answers.shift());
    const evaluate = engineOf(registry, {
      attestors: loggedKeyYaml(),
      logLookup: "whenMissing",
      hosts: { [LOG_HOST]: log },
    });
    expect((await evaluate(byDigest)).outcome).toBe("denied");
    expect((await evaluate(byDigest)).outcome).toBe("allowed");
  });

  test("93 a signature in more spellings than anybody needs is not asked of the log as often: denied", async () => {
    const type = "https://example.org/build/v1";
    const signed = image().signedBy(policyKey, { log: rekor });
    const spelt = Array.from({ length: 40 }, (_, i) => ({
      edit: {
        ...withoutEntry,
        layer: (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from(" ".repeat(i))]),
      },
    }));
    const made = spelt.reduce(
      (image, options) => image.using(options).attestedBy(policyKey, predicate(type, {})),
      signed,
    );
    const judged = await judgeWith(answering([]), made, {
      entry: ["attestations:", `  - { type: "${type}" }`],
    });
    expect(judged.outcome).toBe("denied");
    expect(judged.codes).toContain("tooMany");
    expect(askedElsewhere(judged)).toHaveLength(32);
  });

  test("62 the thread for large evidence asks the same: allowed", async () => {
    const judged = await judgeWith(rekor.handle, unannotated(), {
      limits: { largeEvidenceBytes: 1 },
      // A busy machine starts threads slowly.
      timeoutMilliseconds: 60_000,
    });
    expect(judged.outcome, judged.messages.join("\n")).toBe("allowed");
    expect(judged.evaluation.stats.away).toBeGreaterThan(0);
    expect(askedElsewhere(judged)).toEqual([RETRIEVE]);
  });

  test("64 the log is asked for entries and for nothing else, least of all for its key: allowed", async () => {
    const asked: string[] = [];
    const log: Handler = async (request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return rekor.handle(request);
    };
    expect((await judgeWith(log)).outcome).toBe("allowed");
    expect(asked).toEqual(["POST /api/v1/log/entries/retrieve"]);
  });
});

describe("in the kernel", () => {
  const { made, entry } = entryOf();
  const json = JSON.stringify([rekorAnswer(entry)]);

  test("92 what one answer proved is not known of another: allowed, then denied", () => {
    const answers = [json, "[]"];
    const outcomes = answers.map(
      (answer) =>
        judgeSignature(made, byLoggedKey(), { logLookup: () => ({ kind: "answered", json: answer }) })
          .outcome,
    );
    expect(outcomes).toEqual(["allowed", "denied"]);
  });

  test("93 an envelope of five megabytes is not sent to a log: denied", async () => {
    const type = "https://example.org/build/v1";
    const signed = image()
      .signedBy(policyKey, { log: rekor })
      .using({ edit: withoutEntry })
      .attestedBy(policyKey, predicate(type, { text: "x".repeat(5 << 20) }));
    const judged = await judgeWith(rekor.handle, signed, {
      entry: ["attestations:", `  - { type: "${type}" }`],
      limits: { largeEvidenceBytes: Number.POSITIVE_INFINITY },
    });
    expect(judged.outcome).toBe("denied");
    expect(judged.codes).toContain("tooLarge");
    expect(askedElsewhere(judged)).toEqual([]);
  });
});
