import type { ContextLookup, ContextSource } from "@assay/engine";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Answers, apiServer } from "../test/api-server.ts";
import { watchedContext } from "./watched-context.ts";

describe("watchedContext", () => {
  const lookup = { kind: "configMap", namespace: "kyverno", name: "keys" } as const;

  async function contextOf(answers: Answers) {
    const api = await apiServer(answers);
    onTestFinished(api.close);
    const rest: ContextSource = {
      fetch: async ({ kind }) => ({ ok: true, value: { data: `${kind} asked` } }) as never,
    };
    const context = await watchedContext(api.config, rest);
    onTestFinished(context.stop);
    const { signal } = new AbortController();
    return {
      api,
      ask: (wanted: ContextLookup): Promise<unknown> => context.source.fetch(wanted, { signal }),
    };
  }
  const ask = async (answers: Answers) => (await contextOf(answers)).ask(lookup);

  test.each([
    ["ConfigMap", "configMap"],
    ["Secret", "secret"],
  ] as const)("a %s is answered as it is now", async (kind, asked) => {
    const { api, ask: one } = await contextOf({});
    const wanted = { ...lookup, kind: asked };
    const missing = { code: "notFound", message: `${kind} \`kyverno/keys\` does not exist in the cluster` };
    expect(await one(wanted)).toMatchObject({ ok: false, failure: missing });
    const metadata = { namespace: "kyverno", name: "keys" };
    for (const key of ["old", "new"]) {
      api.put({ kind, metadata, ...{ data: { key } } });
      await expect
        .poll(() => one(wanted))
        .toMatchObject({ ok: true, value: { object: { kind, apiVersion: "v1", data: { key } } } });
    }
    api.remove({ kind, metadata });
    await expect.poll(() => one(wanted)).toMatchObject({ ok: false, failure: missing });
    expect(await one({ kind: "apiCall", method: "GET", url: "/version" })).toMatchObject({
      value: { data: "apiCall asked" },
    });
  });

  test.each([
    [401, "unauthorized"],
    [403, "unauthorized"],
    [500, "unavailable"],
  ] as const)("where the list is refused with %i nothing is said about one of them", async (status, code) => {
    expect(await ask({ "/api/v1/configmaps": status })).toMatchObject({
      ok: false,
      failure: { code, status },
    });
  });
});
