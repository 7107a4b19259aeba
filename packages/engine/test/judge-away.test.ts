import type { JsonObject } from "@assay/policy";
import { describe, expect, test } from "vitest";
import type { JudgedRound } from "../src/index.ts";
import { awayJudge } from "../src/worker/judge-away.ts";
import { engineFor, entry, image, keys, pinned, pod, policy } from "./build.ts";
import { fixture, fixtureSources } from "./fixture-source.ts";

// With a limit of one byte every evaluation is judged in a thread of its own.
const far = { largeEvidenceBytes: 1 } as const;
/** A thread is slow to start on a busy machine. */
const patient = { timeoutMilliseconds: 55_000 } as const;

describe("a verdict does not depend on the thread that judges", () => {
  const conditions = [
    { all: [{ key: "{{ attestation.predicate.builder.id }}", operator: "Equals", value: "nobody" }] },
  ];
  const preconditions = { all: [{ key: "{{ request.operation }}", operator: "Equals", value: "CREATE" }] };
  const attestations = [{ type: "https://slsa.dev/provenance/v0.2", conditions, name: "prov" }];
  const deny = { conditions: { any: [{ key: "{{ prov.buildType }}", operator: "NotEquals", value: "x" }] } };
  const trustedRoot = fixture("trust/trusted_root.json");
  const cases: readonly (readonly [string, readonly JsonObject[], JsonObject])[] = [
    ["allowed by a key", [policy()], pod(image("key-ecdsa"))],
    [
      "denied by a condition",
      [policy({ entries: [entry({ attestations })], rule: { preconditions } })],
      pod(pinned("key-att3")),
    ],
    [
      "denied across attestations",
      [
        policy({
          entries: [
            entry({
              attestations: [{ type: attestations[0]?.type ?? "", name: "prov" }],
              validate: { deny },
            }),
          ],
        }),
      ],
      pod(pinned("key-att3")),
    ],
    [
      "by several policies",
      [policy({ name: "a" }), policy({ name: "b", entry: { attestors: [{ entries: [keys("other")] }] } })],
      pod(pinned("key-two")),
    ],
    [
      "by a key of a ConfigMap",
      [
        policy({
          entry: {
            attestors: [
              {
                entries: [{ keys: { publicKeys: "{{ configmap.a.data.b }}", rekor: { ignoreTlog: true } } }],
              },
            ],
          },
        }),
      ],
      pod(pinned("key-ecdsa")),
    ],
    ["by a trust root", [JSON.parse(fixture("policies/klb.yaml"))], pod("127.0.0.1:5002/acme/klb-sig:v1")],
  ];

  test.each(cases)("%s", async (_name, documents, resource) => {
    const sources = () =>
      fixtureSources({ trustedRoot, configMaps: { "kyverno/a": { b: fixture("keys/cosign.pub") } } });
    const near = await engineFor(documents, { sources: sources() }).evaluate({ resource });
    const away = engineFor(documents, { sources: sources(), limits: far });
    const [first, second] = await Promise.all([
      away.evaluate({ resource }, patient),
      away.evaluate({ resource }, patient),
    ]);
    expect(JSON.stringify(first.verdict)).toBe(JSON.stringify(near.verdict));
    expect(JSON.stringify(second.verdict)).toBe(JSON.stringify(near.verdict));
    expect([near.stats.away, first.stats.away > 0]).toEqual([0, true]);
    expect(near.verdict.results.length).toBeGreaterThan(0);
  });
});

test("each round of judging is told, with where it was judged, and the last one with the verdict", async () => {
  const rounds: JudgedRound[] = [];
  const onJudged = (round: JudgedRound): void => void rounds.push(round);
  const resource = pod(image("key-ecdsa"));
  const { verdict, stats } = await engineFor([policy()], { limits: far }).evaluate(
    { resource },
    { onJudged },
  );
  expect(rounds).toHaveLength(stats.rounds + 1);
  expect(rounds.filter(({ away }) => away)).toHaveLength(stats.away);
  expect(rounds.map((round) => round.verdict)).toEqual([...Array(stats.rounds).fill(undefined), verdict]);
});

describe("a thread that cannot judge lets nothing in", () => {
  /** Sources after whose `last` answer the caller's time is over. */
  function runningOut(last: string) {
    const controller = new AbortController();
    const sources = fixtureSources();
    const evidence: typeof sources.evidence = {
      fetch: async (lookup, options) => {
        const answer = await sources.evidence.fetch(lookup, options);
        const over = new DOMException("time is over", "TimeoutError");
        if (lookup.kind === last) setImmediate(() => controller.abort(over));
        return answer;
      },
    };
    return { sources: { ...sources, evidence }, signal: controller.signal };
  }

  test.each(["Fail", "Ignore"])(
    "nor under failurePolicy %s, when the deadline passes over it",
    async (failurePolicy) => {
      const { sources, signal } = runningOut("referrers");
      const engine = engineFor(policy({ spec: { failurePolicy } }), { sources, limits: far });
      const resource = pod(pinned("key-ecdsa", "referrers"));
      const { verdict } = await engine.evaluate({ resource }, { signal });
      expect(verdict).toMatchObject({ allowed: false, outcome: "error", results: [{ code: "timeout" }] });
      expect(verdict.results[0]?.message).toContain("too large to be judged in time");
      // The next one has a thread of its own.
      const next = engineFor(policy({ spec: { failurePolicy } }), { limits: far });
      expect((await next.evaluate({ resource }, patient)).verdict.allowed).toBe(true);
    },
  );

  test("one that was still starting when a deadline passed judges what comes next", async () => {
    const { sources, signal } = runningOut("referrers");
    const engine = engineFor(policy(), { sources, limits: far });
    const resource = pod(pinned("key-ecdsa", "referrers"));
    expect((await engine.evaluate({ resource }, { signal })).verdict.outcome).toBe("error");
    const { verdict, stats } = await engine.evaluate({ resource }, patient);
    expect([verdict.allowed, stats.away > 0]).toEqual([true, true]);
  });

  test("one that does not start is waited for until the deadline, not beyond", async () => {
    const controller = new AbortController();
    const judged = awayJudge([]).judge({} as never, new Map(), controller.signal);
    controller.abort();
    // A thread takes many turns to start.
    const nextTurn = new Promise((resolve) => setImmediate(resolve, "still waiting"));
    expect(await Promise.race([judged, nextTurn])).toBe("lost");
  });

  test("a caller who hangs up hears nothing", async () => {
    const { sources } = runningOut("never");
    const controller = new AbortController();
    const evidence: typeof sources.evidence = {
      fetch: async (lookup, options) => {
        const answer = await sources.evidence.fetch(lookup, options);
        if (lookup.kind === "referrers") setImmediate(() => controller.abort(new Error("gone")));
        return answer;
      },
    };
    const engine = engineFor(policy(), { sources: { ...sources, evidence }, limits: far });
    const evaluation = engine.evaluate({ resource: pod(pinned("key-ecdsa")) }, { signal: controller.signal });
    await expect(evaluation).rejects.toThrow("gone");
  });

  test("what cannot be sent to it is judged here", async () => {
    const engine = engineFor(policy(), { limits: far });
    const resource = new Proxy(pod(pinned("key-ecdsa")), {});
    expect((await engine.evaluate({ resource }, patient)).verdict.allowed).toBe(true);
    expect((await engine.evaluate({ resource: pod(pinned("key-ecdsa")) }, patient)).verdict.allowed).toBe(
      true,
    );
  });

  test("it knows the exceptions of rules that earlier requests did not ask about", async () => {
    const rule = (name: string, repository: string): JsonObject => ({
      name,
      match: { any: [{ resources: { kinds: ["Pod"] } }] },
      verifyImages: [entry({ imageReferences: [`127.0.0.1:5001/acme/${repository}@*`] })],
    });
    // So many rules that only those are looked at that the request's images select.
    const others = Array.from({ length: 40 }, (_, index) => rule(`other-${index}`, `other-${index}`));
    const document = policy({ rules: [rule("first", "key-ecdsa"), rule("second", "unsigned"), ...others] });
    const exception: JsonObject = {
      apiVersion: "kyverno.io/v2",
      kind: "PolicyException",
      metadata: { name: "legacy", namespace: "default" },
      spec: {
        exceptions: [{ policyName: "test", ruleNames: ["second"] }],
        match: { any: [{ resources: { kinds: ["Pod"] } }] },
      },
    };
    const engine = engineFor([document, exception], { limits: far });
    const first = await engine.evaluate({ resource: pod(pinned("key-ecdsa")) }, patient);
    expect(first.stats.away).toBeGreaterThan(0);
    const both = await engine.evaluate({ resource: pod([pinned("key-ecdsa"), pinned("unsigned")]) }, patient);
    expect(both.stats.away).toBeGreaterThan(0);
    expect(both.verdict.results.map(({ rule: name, code }) => [name, code])).toEqual([
      ["first", "ok"],
      ["second", "excepted"],
    ]);
  });
});
